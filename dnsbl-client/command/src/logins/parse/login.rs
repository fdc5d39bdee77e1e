//! A login, as the parsers of all formats give it.

use std::net::IpAddr;

/// The longest name of a user, in octets.
pub(super) const MAX_USER: usize = 256;
/// The longest identifier of a session, in octets.
const MAX_SESSION: usize = 256;
/// What frames or divides fields in the logs that are read: a name that holds any of these might be
/// something else than a name.
const FRAMES: &[char] = &['<', '>', '(', ')', '[', ']', '{', '}', '"', ',', ';', '\u{fffd}'];

/// A login that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    /// The client's address; one that is mapped into IPv6 is told as IPv4.
    pub(crate) address: IpAddr,
    /// Who logged in.
    pub(crate) user: User,
    /// Where.
    pub(crate) service: Service,
    /// Whether over TLS; `None`: the line does not tell.
    pub(crate) tls: Option<bool>,
    /// What the mail server calls the session.
    pub(crate) session: Option<String>,
}

/// The name of a user, without blanks, control characters and what frames fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct User(String);

/// What is logged in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
}

impl User {
    /// Reads a name; `None`: there is none, it is too long or might be something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_doubtful = |c: char| c.is_whitespace() || c.is_control() || FRAMES.contains(&c);
        let is_good = !text.is_empty() && text.len() <= MAX_USER && !text.contains(is_doubtful);
        is_good.then(|| Self(text.to_owned()))
    }

    /// As it stands in the log.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Service {
    /// As the server's API calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

/// Reads the identifier of a session.
pub(super) fn session(text: &str) -> Option<String> {
    let is_good = (1..=MAX_SESSION).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_.:@".contains(&byte));
    is_good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{MAX_USER, User};

    #[test]
    fn a_name_that_might_frame_a_field_is_none() {
        for name in
            ["taro", "taro@example.org", "o'brien", "EXAMPLE\\taro", "太郎", "a=b", "taro*admin"]
        {
            assert_eq!(User::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "",
            "a b",
            "a>",
            "<a",
            "a,b",
            "a\"b",
            "a[1.2.3.4]",
            "(a)",
            "a\tb",
            "a\u{a0}b",
            "\u{fffd}",
        ] {
            assert_eq!(User::parse(name), None, "{name:?}");
        }
        assert_eq!(User::parse(&"a".repeat(MAX_USER + 1)), None);
    }
}
