//! What SMTP servers do, as the parsers of all formats give it.

use std::net::IpAddr;

use crate::mail_log::Stamp;

/// A line that counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    /// When it was written, if it tells.
    pub(crate) written: Option<Stamp>,
    pub(crate) deed: Deed<'a>,
}

/// What an SMTP server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed<'a> {
    /// It refused a recipient whom it does not know.
    Refused(Refusal<'a>),
    /// It began to accept a message, for one recipient at least.
    Accepted {
        client: IpAddr,
        /// What it calls the message.
        message: &'a str,
    },
    /// It delivered a message to a recipient.
    Delivered { message: &'a str },
    /// A session ended in which so many recipients were accepted.
    Disconnected { client: IpAddr, recipients: u32 },
}

/// A recipient whom the server does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal<'a> {
    pub(crate) client: IpAddr,
    /// Whether the sender was `<>`.
    pub(crate) is_bounce: bool,
    /// Whether it may be tried again (4xx).
    pub(crate) is_temporary: bool,
    pub(crate) recipient: &'a str,
}

/// Whether this may be the address of a sender or recipient, whole. What stands in quotes may be anything, so a quote
/// without its end is the start of something else.
pub(super) fn is_mailbox(text: &str) -> bool {
    let is_doubtful =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '\\');
    !text.contains(is_doubtful) && text.matches('"').count().is_multiple_of(2)
}
