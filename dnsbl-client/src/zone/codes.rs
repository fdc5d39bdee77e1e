//! What the answers of well-known lists mean beyond "listed".

use std::net::Ipv4Addr;

use super::ZoneName;
use crate::{Blocked, ReplyFilter};

/// What the answers of a list mean beyond "listed".
///
/// 127.255.255.0/24 is an error for every list, 127.0.0.1 bogus unless told otherwise here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Codes {
    /// Return codes by which this list refuses to tell.
    pub blocked: Vec<(ReplyFilter, Blocked)>,
    /// Whether 127.0.0.1 is one of its return codes.
    pub localhost_is_listed: bool,
}

impl Codes {
    /// Those of a list by its name; nothing of its own where the list is not known.
    pub fn of(_name: &ZoneName) -> Self {
        Self::default()
    }

    /// The refusal that an address stands for.
    pub(crate) fn refusal(&self, addr: Ipv4Addr) -> Option<Blocked> {
        let matching = self.blocked.iter().find(|(filter, _)| filter.matches(&[addr]));
        matching.map(|(_, blocked)| *blocked)
    }
}
