//! Replies of a server (RFC 5321 section 4.2).

use std::fmt;

/// A reply: its code and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599. Where the lines of a reply differ, the highest: only an unanimous yes is one.
    pub code: u16,
    /// The lines without their codes, without control characters.
    pub lines: Vec<String>,
}

/// Why what a server sent is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line that does not begin with a code.
    #[error("a line without a code: {0:?}")]
    NoCode(String),
    /// A line that is too long.
    #[error("a line is too long")]
    LineTooLong,
    /// Too many lines in one reply.
    #[error("a reply has too many lines")]
    TooManyLines,
    /// More than one connection may send.
    #[error("the server sent too much")]
    TooMuch,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" "))
    }
}
