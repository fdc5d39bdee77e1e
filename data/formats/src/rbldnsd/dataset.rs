//! The types of rbldnsd's data sets.

use std::{fmt, str::FromStr};

use dnsbl_types::ZoneKind;

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
#[error("{0:?} is no type of data set: it is none of {names}", names = NAMES.join(", "))]
pub struct UnknownDataset(String);

const NAMES: [&str; 10] = [
    "ip4set", "ip4tset", "ip4trie", "ip6tset", "ip6trie", "dnset", "dnhash", "generic", "combined", "acl",
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
    pub(super) fn shares_value(self) -> bool {
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
