//! Lists as others publish them, of which each line stands for itself.
//!
//! A [`ListReader`] takes the lines of a file one after the other, and says of each what it lists: an [`Entry`], or
//! nothing, as of a comment. A line of which only a part would be understood is a [`ListError`]: nothing is taken of it.

mod adblock;
mod addresses;
mod hosts;
mod rpz;
mod words;

use std::str::FromStr;

use dnsbl_types::{Subject, SubjectError};

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

/// What a line lists, or excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// At least one.
    pub subjects: Vec<Subject>,
    /// Whether they are not to be listed, whatever other lines say.
    pub exclusion: bool,
}

/// The reason why nothing is taken of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// There is no subject where one should be.
    #[error("{0}")]
    Subject(#[from] SubjectError),
    /// There is no address where one should be.
    #[error("{0:?} is not an address")]
    Address(String),
    /// The last address of a range lies before the first, or is of another family.
    #[error("{0:?} is not a range: its last address does not follow the first")]
    Backwards(String),
    /// It is hardly a range.
    #[error("{0:?} looks like an address and a netmask, which the format netmask reads")]
    Netmask(String),
    /// The mask is none.
    #[error("{0:?} is not a netmask or a number of bits")]
    Mask(String),
    /// The address has bits behind the mask.
    #[error("{given} has host bits set; the prefix is {prefix}")]
    HostBits {
        /// As typed.
        given: String,
        /// The same prefix without host bits.
        prefix: String,
    },
    /// There is more in the line, and it can't be told what it says.
    #[error("{0:?} stands behind the subject, and is not understood")]
    Rest(String),
    /// A hosts file leads the name somewhere.
    #[error("the line leads names to {0}, which lists nothing")]
    Leads(String),
    /// The rule is about something else than a domain, or holds only sometimes.
    #[error("{0:?} is no rule for a whole domain (||example.com^)")]
    Rule(String),
    /// The record of a policy zone does something else than denying the name.
    #[error("{0:?} is no record that denies its name (CNAME . or CNAME *.)")]
    Record(String),
    /// The record is triggered by something else than a name or an address in an answer.
    #[error("{0:?} is about who asks or who answers, which no listing can say")]
    Trigger(String),
    /// The name lies outside of the policy zone, or the zone's own name is not known.
    #[error("{0:?} is not below the zone's own name")]
    Outside(String),
}

/// Reads the lines of a list.
#[derive(Debug)]
pub struct ListReader {
    format: ListFormat,
    zone: rpz::PolicyZone,
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

impl ListReader {
    /// A reader of the first line.
    pub fn new(format: ListFormat) -> Self {
        Self { format, zone: rpz::PolicyZone::default() }
    }

    /// Reads a line, without its end; `None` where it lists nothing and means nothing else.
    ///
    /// # Errors
    /// Not all of the line is understood; other lines still count.
    pub fn read(&mut self, line: &str) -> Result<Option<Entry>, ListError> {
        match self.format {
            ListFormat::Ranges => addresses::range(line),
            ListFormat::Netmask => addresses::netmask(line),
            ListFormat::Netset => addresses::netset(line),
            ListFormat::Hosts => hosts::line(line),
            ListFormat::Rpz => self.zone.line(line),
            ListFormat::Adblock => adblock::line(line),
        }
    }
}

impl Entry {
    fn listed(subjects: Vec<Subject>) -> Self {
        Self { subjects, exclusion: false }
    }
}
