//! The formats by name.

use std::str::FromStr;

/// A format of lists that others publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// First and last addresses: `a-b`, `a - b`, or in two columns.
    Ranges,
    /// Addresses and netmasks or numbers of bits, with a slash or in two columns.
    Netmask,
    /// Addresses and prefixes as FireHOL publishes them, and ipset's `add` lines.
    Netset,
    /// A hosts file that leads names nowhere.
    Hosts,
    /// A response policy zone.
    Rpz,
    /// Domain rules of ad blockers: `||example.com^`.
    Adblock,
}

impl ListFormat {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Ranges, Self::Netmask, Self::Netset, Self::Hosts, Self::Rpz, Self::Adblock];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ranges => "ranges",
            Self::Netmask => "netmask",
            Self::Netset => "netset",
            Self::Hosts => "hosts",
            Self::Rpz => "rpz",
            Self::Adblock => "adblock",
        }
    }
}

impl FromStr for ListFormat {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or(())
    }
}
