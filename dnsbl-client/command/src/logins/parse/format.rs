//! The formats of mail logs.

use super::{courier, cyrus, dovecot, login::Login, qpopper};
use crate::mail_log::LogLine;

/// The mail server whose log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Any of them; their lines have nothing in common.
    Auto,
    /// Dovecot 2.
    Dovecot,
    /// Courier's IMAP and POP3 servers.
    Courier,
    /// Cyrus IMAP.
    Cyrus,
    /// Qpopper 4.
    Qpopper,
}

impl Format {
    /// All of them, and what they are called.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("dovecot", Self::Dovecot),
        ("courier", Self::Courier),
        ("cyrus", Self::Cyrus),
        ("qpopper", Self::Qpopper),
    ];

    /// The login that a line tells of; `None`: it tells of none, or leaves a doubt.
    pub(crate) fn login(self, line: &LogLine<'_>) -> Option<Login> {
        match self {
            Self::Auto => dovecot::login(line)
                .or_else(|| courier::login(line))
                .or_else(|| cyrus::login(line))
                .or_else(|| qpopper::login(line)),
            Self::Dovecot => dovecot::login(line),
            Self::Courier => courier::login(line),
            Self::Cyrus => cyrus::login(line),
            Self::Qpopper => qpopper::login(line),
        }
    }
}
