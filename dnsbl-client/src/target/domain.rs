//! Domains and mail addresses that can be looked up.

use std::{fmt, net::IpAddr, str::FromStr};

use dnsbl_types::{Name, NameError};

/// A domain that can be looked up: at least two labels, lower-case A-labels, no address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Name);

/// A mail address that can be looked up in hashed zones.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    local: Box<str>,
    domain: Domain,
}

/// The reason why a text can't be looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No name by RFC 1035.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An address, bare or as a literal such as `[192.0.2.1]` (RFC 5321 section 4.1.3).
    #[error("it is an address, not a domain")]
    Address,
    /// A single label: no mail domain, and what some servers call a client without a name.
    #[error("it is a single label, not a domain")]
    SingleLabel,
    /// The last label is a number, which no top-level domain is (RFC 3696 section 2).
    #[error("its last label is a number: it is no domain")]
    NumericTop,
    /// A label begins or ends with a hyphen (RFC 1123 section 2.1).
    #[error("a label begins or ends with '-'")]
    Hyphen,
    /// No `@`, or in front of it nothing, more than 64 octets, blanks or control characters.
    #[error("it is no mail address")]
    NoMailbox,
}

impl Domain {
    /// The name in wire form.
    pub fn name(&self) -> &Name {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = TargetError;

    /// Reads a host name, with or without a final dot; others than ASCII by IDNA (UTS 46).
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
        if text.starts_with('[') || is_address(text.strip_suffix('.').unwrap_or(text)) {
            return Err(TargetError::Address);
        }
        let name: Name = text.parse()?;
        let hyphen = |label: &[u8]| label.first() == Some(&b'-') || label.last() == Some(&b'-');
        if name.labels().any(hyphen) {
            return Err(TargetError::Hyphen);
        }
        let top = name.labels().last().unwrap_or_default();
        if name.labels().count_labels() < 2 {
            Err(TargetError::SingleLabel)
        } else if top.iter().all(u8::is_ascii_digit) {
            Err(TargetError::NumericTop)
        } else {
            Ok(Self(name))
        }
    }
}

impl Email {
    /// The longest local part, in octets (RFC 5321 section 4.5.3.1.1).
    pub const MAX_LOCAL: usize = 64;

    /// What stands in front of the `@`, as written.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands behind it.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }
}

impl FromStr for Email {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (local, domain) = text.rsplit_once('@').ok_or(TargetError::NoMailbox)?;
        let foreign = |c: char| c.is_control() || c.is_whitespace();
        if local.is_empty() || local.len() > Self::MAX_LOCAL || local.contains(foreign) {
            return Err(TargetError::NoMailbox);
        }
        Ok(Self { local: local.into(), domain: domain.parse()? })
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
