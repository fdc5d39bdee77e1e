//! Texts that may stand in a header.

use std::{fmt, str::FromStr};

use crate::HostName;

/// One line of printable ASCII, 1 to 200 characters: it can't add a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderText(String);

/// A local part of letters, digits, hyphens and dots, 1 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPart(String);

/// The reason why a text can't stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not 1 to 200 characters of printable ASCII.
    #[error("a header has 1 to 200 characters of printable ASCII")]
    Header,
    /// Not a local part that every server understands.
    #[error("a local part has 1 to 64 letters, digits, hyphens and dots, with no dot outside")]
    LocalPart,
}

impl HeaderText {
    /// The Subject unless told otherwise.
    pub(super) fn subject() -> Self {
        Self("Open relay test of {address} (test {id})".into())
    }

    /// The address of a host's postmaster, which is known to exist (RFC 5321 section 4.5.1).
    pub(super) fn postmaster(host: &HostName) -> Self {
        Self(format!("postmaster@{host}"))
    }

    /// The text with `{address}` and `{id}` filled in.
    pub(crate) fn fill(&self, address: &str, id: &str) -> String {
        self.0.replace("{address}", address).replace("{id}", id)
    }
}

impl LocalPart {
    /// That of senders unless told otherwise.
    pub(super) fn relaytest() -> Self {
        Self("relaytest".into())
    }
}

impl FromStr for HeaderText {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if printable && (1..=200).contains(&text.len()) && text.trim() == text {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::Header)
        }
    }
}

impl FromStr for LocalPart {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let atom = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if text.len() <= 64 && text.split('.').all(atom) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::LocalPart)
        }
    }
}

impl fmt::Display for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderText, LocalPart};

    #[test]
    fn a_header_text_is_one_line_of_ascii() {
        assert!("Open relay test of {address}".parse::<HeaderText>().is_ok());
        let long = "a".repeat(201);
        for text in ["", " ", "a\r\nBcc: x", "a\nb", "中継", "a\0", &long] {
            assert!(text.parse::<HeaderText>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_local_part_needs_no_quotes() {
        assert!("relay-test.1".parse::<LocalPart>().is_ok());
        for text in ["", ".a", "a.", "a..b", "a b", "a@b", "a>", "a\r\n", "é"] {
            assert!(text.parse::<LocalPart>().is_err(), "{text:?}");
        }
    }
}
