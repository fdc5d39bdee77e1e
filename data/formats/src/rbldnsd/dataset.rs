//! The types of rbldnsd's data sets.

use std::{fmt, str::FromStr};

use dnsbl_types::ZoneKind;

use super::part_name::PartName;

/// A type of data set, as rbldnsd's command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetType {
    /// One that lists addresses or names.
    List(ListType),
    /// Records.
    Generic,
    /// Several data sets in one file, each for a zone or some of its sub-zones.
    Combined,
    /// Who may ask.
    Acl,
}

/// A type of data set that lists addresses or names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    /// IPv4 prefixes and ranges; all values of the narrowest of /32, /24, /16 and /8 that has an address answer.
    Ip4Set,
    /// IPv4 addresses that share one value.
    Ip4TSet,
    /// IPv4 prefixes, one value each; the longest answers.
    Ip4Trie,
    /// IPv6 networks of 64 bits that share one value, and addresses that are excluded.
    Ip6TSet,
    /// IPv6 prefixes, one value each; the longest answers.
    Ip6Trie,
    /// Domains and all names below domains.
    DnSet,
    /// The same in rspamd's fork, where parameters may stand behind a value.
    DnHash,
}

/// A name that no type of data set has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type of data set: it is none of {names}, combined:NAME, combined:NAME:N", names = NAMES.join(", "))]
pub struct UnknownDataset(String);

const NAMES: [&str; 10] = [
    "ip4set", "ip4tset", "ip4trie", "ip6tset", "ip6trie", "dnset", "dnhash", "generic", "combined",
    "acl",
];

const TYPES: [DatasetType; 10] = [
    DatasetType::List(ListType::Ip4Set),
    DatasetType::List(ListType::Ip4TSet),
    DatasetType::List(ListType::Ip4Trie),
    DatasetType::List(ListType::Ip6TSet),
    DatasetType::List(ListType::Ip6Trie),
    DatasetType::List(ListType::DnSet),
    DatasetType::List(ListType::DnHash),
    DatasetType::Generic,
    DatasetType::Combined,
    DatasetType::Acl,
];

/// What of a file is meant: all of it, or a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// A data set that lists addresses or names.
    List(ListType),
    /// Records.
    Generic,
    /// A part of a combined file.
    Combined(PartName),
    /// Who may ask.
    Acl,
}

impl FromStr for Dataset {
    type Err = UnknownDataset;

    /// The name of a type; `combined` may have the name of a part behind a colon, else it is the zone itself.
    fn from_str(text: &str) -> Result<Self, UnknownDataset> {
        if let Some(part) = text.strip_prefix("combined:") {
            let unknown = |_| UnknownDataset(text.chars().take(80).collect());
            return Ok(Self::Combined(part.parse().map_err(unknown)?));
        }
        Ok(match text.parse()? {
            DatasetType::List(list) => Self::List(list),
            DatasetType::Generic => Self::Generic,
            DatasetType::Combined => Self::Combined(PartName::apex()),
            DatasetType::Acl => Self::Acl,
        })
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => f.write_str(list.as_str()),
            Self::Generic => f.write_str("generic"),
            Self::Combined(part) => write!(f, "combined:{part}"),
            Self::Acl => f.write_str("acl"),
        }
    }
}

impl DatasetType {
    /// Its name on rbldnsd's command line.
    pub fn as_str(self) -> &'static str {
        let place = TYPES.iter().position(|known| *known == self);
        NAMES[place.expect("every type is in the table")]
    }
}

impl ListType {
    /// Its name on rbldnsd's command line.
    pub fn as_str(self) -> &'static str {
        DatasetType::List(self).as_str()
    }

    /// The kind of zone that it can be imported into.
    pub fn kind(self) -> ZoneKind {
        match self {
            Self::DnSet | Self::DnHash => ZoneKind::Domain,
            _ => ZoneKind::Ip,
        }
    }

    /// Whether an entry of this type may be about the same address or name as one of the other.
    pub fn meets(self, other: Self) -> bool {
        self.kind() == other.kind() && self.lists_v4() == other.lists_v4()
    }

    /// Whether its entries are IPv4 addresses.
    pub(super) fn lists_v4(self) -> bool {
        matches!(self, Self::Ip4Set | Self::Ip4TSet | Self::Ip4Trie)
    }

    /// Whether all its entries share the first default value, wherever that stands.
    pub fn shares_value(self) -> bool {
        matches!(self, Self::Ip4TSet | Self::Ip6TSet)
    }
}

impl FromStr for DatasetType {
    type Err = UnknownDataset;

    fn from_str(text: &str) -> Result<Self, UnknownDataset> {
        match NAMES.iter().position(|name| *name == text) {
            Some(place) => Ok(TYPES[place]),
            None => Err(UnknownDataset(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for DatasetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_combined_file_stands_behind_a_colon() {
        for text in
            ["ip4set", "dnhash", "generic", "acl", "combined:@", "combined:a.b", "combined:@:2"]
        {
            assert_eq!(text.parse::<Dataset>().unwrap().to_string(), text);
        }
        assert_eq!("combined".parse::<Dataset>().unwrap().to_string(), "combined:@");
        assert_eq!("combined:A.:1".parse::<Dataset>().unwrap().to_string(), "combined:a:1");
        for text in ["combined:", "combined:a:0", "combined:a:x", "combined:a:1:1", "IP4SET", "x"] {
            assert!(text.parse::<Dataset>().is_err(), "{text}");
        }
    }
}
