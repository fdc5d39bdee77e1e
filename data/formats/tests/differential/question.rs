//! Questions and what is answered to them.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use dnsbl_types::{Name, query_name};

/// The zone.
pub(crate) fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

/// A question below the zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    Addr(IpAddr),
    Name(Name),
}

impl Question {
    /// The name that is asked below an origin.
    pub(crate) fn below(&self, origin: &Name) -> String {
        match self {
            Self::Addr(addr) => query_name::encode(*addr, origin).unwrap().to_string(),
            Self::Name(name) => format!("{name}.{origin}"),
        }
    }
}

/// The name that is asked.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.below(&origin()))
    }
}

/// What is answered to a question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) codes: BTreeSet<String>,
    pub(crate) texts: BTreeSet<String>,
}
