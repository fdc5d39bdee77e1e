//! The lookup of a question: which zone it falls into, and what of it it matches.

use std::net::{IpAddr, Ipv4Addr};

use dnsbl_index::{IndexedZone, Snapshot};
use dnsbl_types::{
    AccessAction, Labels, ZoneKind,
    query_name::{self, AddressName},
};

use super::wire::rtype;

/// A question of class IN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'q> {
    /// Uncompressed lower-case wire form, the root label included.
    pub(crate) qname: &'q [u8],
    pub(crate) qtype: u16,
}

/// A question with what it matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    pub(super) question: Question<'a>,
    pub(super) matched: Matched<'a>,
    /// Whether a zone lies below the name, which exists then.
    pub(super) is_empty_non_terminal: bool,
}

/// The part of the index that a question matches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Matched<'a> {
    /// The store has not been read whole.
    NotLoaded,
    /// Outside all zones.
    OutsideZones,
    /// In a zone that this client may not ask.
    Refused(&'a IndexedZone),
    Apex(&'a IndexedZone),
    /// The apex of another zone that lies in this one, asked for what the parent says of it (DS).
    Delegation(&'a IndexedZone),
    /// Below the apex of an IP zone.
    Address(&'a IndexedZone, AddressName),
    /// Below the apex of a domain zone.
    Domain(&'a IndexedZone, Labels<'a>),
}

/// Looks up a client's question. Allocates nothing.
pub(crate) fn look_up<'a>(
    snapshot: &'a Snapshot,
    question: Question<'a>,
    client: IpAddr,
) -> Lookup<'a> {
    let matched = match_question(snapshot, question);
    let refused =
        matched.zone().filter(|zone| zone.settings().access.of(client) == AccessAction::Refuse);
    Lookup {
        question,
        matched: refused.map_or(matched, Matched::Refused),
        is_empty_non_terminal: snapshot.is_empty_non_terminal(question.qname),
    }
}

fn match_question<'a>(snapshot: &'a Snapshot, question: Question<'a>) -> Matched<'a> {
    match snapshot.zone_of(question.qname) {
        _ if !snapshot.is_loaded() => Matched::NotLoaded,
        None => Matched::OutsideZones,
        Some((zone, labels)) if labels.is_empty() => match question.qtype {
            // RFC 4035 section 3.1.4.1.
            rtype::DS => {
                snapshot.parent_of(question.qname).map_or(Matched::Apex(zone), Matched::Delegation)
            }
            _ => Matched::Apex(zone),
        },
        Some((zone, labels)) => match zone.settings().kind {
            ZoneKind::Ip | ZoneKind::Allow(_) => Matched::Address(zone, query_name::decode(labels)),
            ZoneKind::Domain => Matched::Domain(zone, labels),
        },
    }
}

impl<'a> Matched<'a> {
    /// The zone that the question falls into.
    fn zone(self) -> Option<&'a IndexedZone> {
        match self {
            Self::NotLoaded | Self::OutsideZones => None,
            Self::Refused(zone)
            | Self::Apex(zone)
            | Self::Delegation(zone)
            | Self::Address(zone, _)
            | Self::Domain(zone, _) => Some(zone),
        }
    }
}

impl<'a> Lookup<'a> {
    /// The IPv4 address that is asked for, if it is one.
    pub(super) fn address(&self) -> Option<(&'a IndexedZone, Ipv4Addr)> {
        match self.matched {
            Matched::Address(zone, AddressName::V4 { addr, .. }) => Some((zone, addr)),
            _ => None,
        }
    }
}
