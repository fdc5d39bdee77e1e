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

/// Reads an address, plain or mapped into IPv6.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Reads the identifier of a session.
pub(super) fn session(text: &str) -> Option<String> {
    let is_good = (1..=MAX_SESSION).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_.:@".contains(&byte));
    is_good.then(|| text.to_owned())
}

/// Whether this may be the name of a host, or an address in its place.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{MAX_USER, User, address};

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

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for text in ["192.0.2.55", "::ffff:192.0.2.55", "::ffff:c000:237"] {
            assert_eq!(address(text), Some([192, 0, 2, 55].into()), "{text}");
        }
        assert_eq!(address("2001:DB8::1").unwrap().to_string(), "2001:db8::1");
        for text in ["", "192.0.2", "192.0.2.055", "192.0.2.55/32", "fe80::1%eth0", " ::1", "[::1]"]
        {
            assert_eq!(address(text), None, "{text:?}");
        }
    }
}
