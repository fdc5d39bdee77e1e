//! Names of hosts that may stand in an SMTP command.

use std::{fmt, str::FromStr};

/// A host name of letters, digits, hyphens and dots (RFC 5321 section 4.1.2), in lower case and
/// without a final dot, of at least two labels and at most [`HostName::MAX_LEN`] octets.
///
/// It can't hold a line break or a blank, so whatever a stranger named can be put into a command.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(Box<str>);

/// The reason why a text is no host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// Longer than fits beside the rest of a command.
    #[error("a host name has at most {} octets", HostName::MAX_LEN)]
    TooLong,
    /// An empty label, one of more than 63 octets, or one with other characters.
    #[error("{0:?} is no label of letters, digits and hyphens")]
    Label(String),
    /// A name of one label, or an address.
    #[error("a host name has at least two labels, and its last is no number")]
    NotQualified,
}

impl HostName {
    /// The longest, in octets. Three must fit into a command line of 512 octets (RFC 5321 section
    /// 4.5.3.1.4) beside a token.
    pub const MAX_LEN: usize = 140;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that name or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        let rest = self.0.strip_suffix(&*other.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > Self::MAX_LEN {
            return Err(HostNameError::TooLong);
        }
        if let Some(label) = text.split('.').find(|label| !is_label(label)) {
            return Err(HostNameError::Label(label.escape_default().to_string()));
        }
        let last = text.rsplit_once('.').map(|(_, last)| last);
        match last {
            Some(last) if !last.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Self(text.to_ascii_lowercase().into()))
            }
            _ => Err(HostNameError::NotQualified),
        }
    }
}

fn is_label(label: &str) -> bool {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(ok)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{HostName, HostNameError};

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_name_is_kept_in_lower_case_without_its_final_dot() {
        assert_eq!(name("Mail.Example.ORG.").as_str(), "mail.example.org");
        assert_eq!(name("xn--r8jz45g.xn--zckzah").as_str(), "xn--r8jz45g.xn--zckzah");
    }

    #[test]
    fn what_could_break_a_command_is_no_host_name() {
        for text in [
            "",
            "mail",
            ".",
            "a..b",
            "-a.example",
            "a-.example",
            "a b.example",
            "a.example\r\n",
            "a.example>",
            "192.0.2.1",
            "[192.0.2.1]",
            "a_b.example",
            "mÿ.example",
            "a@b.example",
        ] {
            assert!(text.parse::<HostName>().is_err(), "{text:?}");
        }
        let long = format!("{}.example", ["a"; 80].join("."));
        assert_eq!(long.parse::<HostName>(), Err(HostNameError::TooLong));
    }

    #[test]
    fn a_name_lies_within_itself_and_within_names_above_it() {
        assert!(name("a.example.org").is_within(&name("example.org")));
        assert!(name("example.org").is_within(&name("example.org")));
        assert!(!name("badexample.org").is_within(&name("example.org")));
        assert!(!name("example.org").is_within(&name("a.example.org")));
    }
}
