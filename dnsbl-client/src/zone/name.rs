//! The name of a zone, which may hold a customer's key.

use std::{fmt, str::FromStr, sync::Arc};

use dnsbl_types::{Name, NameError};

/// The name of a zone. Paid zones carry the customer's key in their names; it is asked for but
/// never shown: `Display` and `Debug` give the public name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneName(Arc<Names>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Names {
    asked: Name,
    public: Box<str>,
}

/// The reason why a text is no name of a zone. It never holds the text, which may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneNameError {
    /// Nothing, or two dots in a row.
    #[error("a label of the zone's name is empty")]
    EmptyLabel,
    /// A label of more than 63 octets.
    #[error("a label of the zone's name is longer than 63 octets")]
    LongLabel,
    /// More than 255 octets in wire form (RFC 1035 section 2.3.4).
    #[error("the zone's name is longer than 255 octets")]
    TooLong,
    /// A character that a zone's name does not have.
    #[error("the zone's name holds {0:?}; it is made of letters, digits, '-' and '_'")]
    Character(char),
    /// Not a valid internationalized name (UTS 46).
    #[error("the zone's name is not a valid internationalized domain name")]
    Idna,
    /// The root of the DNS lists nothing.
    #[error("the root is not a block list")]
    Root,
}

/// Zones below which the labels `<key>.<zone>` lie.
const KEYED: [&str; 2] = ["dq.spamhaus.net", "mail.abusix.zone"];

impl ZoneName {
    /// A zone whose first label is this customer's key, and the rest of its name, which is public.
    ///
    /// # Errors
    ///
    /// If one of them, or both together, make no name.
    pub fn keyed(key: &str, public: &str) -> Result<Self, ZoneNameError> {
        let public = read(public)?;
        let asked = read(&format!("{key}.{public}"))?;
        Ok(Self::new(asked, &public.to_string()))
    }

    /// A zone that is shown under another name than it is asked by.
    ///
    /// # Errors
    ///
    /// If one of them is no name.
    pub fn shown_as(asked: &str, public: &str) -> Result<Self, ZoneNameError> {
        Ok(Self::new(read(asked)?, &read(public)?.to_string()))
    }

    /// The name asked for. It may hold a key: it belongs into questions and nowhere else.
    pub fn secret(&self) -> &Name {
        &self.0.asked
    }

    /// The name for logs, replies and metrics, without a final dot.
    pub fn public(&self) -> &str {
        &self.0.public
    }

    fn new(asked: Name, public: &str) -> Self {
        Self(Arc::new(Names { asked, public: public.into() }))
    }
}

fn read(text: &str) -> Result<Name, ZoneNameError> {
    let name: Name = text.parse()?;
    if name.is_root() { Err(ZoneNameError::Root) } else { Ok(name) }
}

/// The public part of a name that is known to begin with a key.
fn without_key(name: &Name) -> Option<Name> {
    let keyed = KEYED.iter().find_map(|parent| name.strip_suffix(&parent.parse().ok()?));
    let is_keyed = keyed.is_some_and(|labels| labels.count_labels() >= 2);
    is_keyed.then(|| Name::from_labels(name.labels().skip(1)).ok()).flatten()
}

impl FromStr for ZoneName {
    type Err = ZoneNameError;

    /// A name of letters, digits, `-` and `_`, with or without a final dot; others by IDNA. The key
    /// in front of a name of Spamhaus or Abusix is recognized and hidden.
    fn from_str(text: &str) -> Result<Self, ZoneNameError> {
        text.parse::<Name>()?.try_into()
    }
}

impl TryFrom<Name> for ZoneName {
    type Error = ZoneNameError;

    fn try_from(name: Name) -> Result<Self, ZoneNameError> {
        if name.is_root() {
            return Err(ZoneNameError::Root);
        }
        let public = without_key(&name).map_or_else(|| name.to_string(), |name| name.to_string());
        Ok(Self::new(name, &public))
    }
}

impl From<NameError> for ZoneNameError {
    fn from(err: NameError) -> Self {
        match err {
            NameError::EmptyLabel(_) => Self::EmptyLabel,
            NameError::LongLabel(_) => Self::LongLabel,
            NameError::TooLong(_) => Self::TooLong,
            NameError::Character { found, .. } => Self::Character(found),
            NameError::Idna(_) => Self::Idna,
        }
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.public())
    }
}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZoneName({})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::{ZoneName, ZoneNameError};

    #[test]
    fn a_key_is_asked_for_and_never_shown() {
        for name in [
            ZoneName::keyed("s3cret", "zen.dq.spamhaus.net").unwrap(),
            "s3cret.zen.dq.spamhaus.net".parse().unwrap(),
        ] {
            assert_eq!(name.secret().to_string(), "s3cret.zen.dq.spamhaus.net");
            assert_eq!(name.to_string(), "zen.dq.spamhaus.net");
            assert_eq!(format!("{name:?}"), "ZoneName(zen.dq.spamhaus.net)");
        }
        let shown = ZoneName::shown_as("s3cret.bl.example", "bl.example").unwrap();
        assert_eq!(
            (shown.public(), &*shown.secret().to_string()),
            ("bl.example", "s3cret.bl.example")
        );
    }

    #[test]
    fn errors_do_not_show_it_either() {
        let long = format!("s3cret.{}example", "x.".repeat(130));
        for (text, error) in [
            ("s3cret..example", ZoneNameError::EmptyLabel),
            ("s3cret.a b", ZoneNameError::Character(' ')),
            (&long, ZoneNameError::TooLong),
            (".", ZoneNameError::Root),
        ] {
            let found = text.parse::<ZoneName>().unwrap_err();
            assert_eq!(found, error);
            assert!(!format!("{found} {found:?}").contains("s3cret"));
        }
    }
}
