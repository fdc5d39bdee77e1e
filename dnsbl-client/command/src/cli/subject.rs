//! What a person wants to know about: an address, a domain or a mail address.

use std::{fmt, net::IpAddr, str::FromStr};

use dnsbl_client::{Domain, Email, Target, TargetError};

/// What is looked up, as it was typed.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    text: String,
    target: Target,
}

impl Subject {
    /// The n-th of those that were typed. What is wrong with it is said without it: it may be a zone with
    /// a key that slipped into the wrong place.
    pub(super) fn typed(n: usize, text: &str) -> anyhow::Result<Self> {
        let subject = text.parse::<Self>();
        subject.map_err(|err| anyhow::anyhow!("ADDRESS {n}: {}", without_text(&err)))
    }

    /// What is asked.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }
}

impl FromStr for Subject {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let target = if let Ok(addr) = text.parse::<IpAddr>() {
            // In the form in which everybody writes it.
            return Ok(Self { text: addr.to_string(), target: addr.into() });
        } else if text.contains('@') {
            Target::Email(text.parse::<Email>()?)
        } else {
            Target::Domain(text.parse::<Domain>()?)
        };
        Ok(Self { text: text.to_owned(), target })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The error, unless it shows what was typed.
fn without_text(err: &TargetError) -> String {
    match err {
        TargetError::Name(_) => "neither an address nor a domain".into(),
        other => other.to_string(),
    }
}

/// A target as a person writes it.
pub(super) fn shown(target: &Target) -> String {
    match target {
        Target::Domain(domain) => domain.to_string().trim_end_matches('.').to_owned(),
        Target::Email(email) => email.to_string().trim_end_matches('.').to_owned(),
        Target::RawAddress(addr) => addr.to_string(),
        Target::Verbatim(name) => name.to_string().trim_end_matches('.').to_owned(),
        address => address.addr().map(|addr| addr.to_string()).unwrap_or_default(),
    }
}
