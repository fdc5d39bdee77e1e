//! Where a question leads: the zone, and what of it.

use std::net::Ipv4Addr;

use dnsbl_index::{IndexedZone, Snapshot};
use dnsbl_types::{
    Labels, ZoneKind,
    query_name::{self, AddressName},
};

use super::answer::qtype;

/// A question of class IN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'q> {
    /// Uncompressed lower-case wire form, the root label included.
    pub(crate) qname: &'q [u8],
    pub(crate) qtype: u16,
}

/// Where a question leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(super) question: Question<'a>,
    pub(super) target: Target<'a>,
    /// Whether a zone lies below the name, which exists then.
    pub(super) is_above_zone: bool,
}

/// What of the index a question is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    /// The store has not been read whole.
    Unknown,
    /// Outside all zones.
    Outside,
    Apex(&'a IndexedZone),
    /// The apex of another zone that lies in this one, asked for what the parent says of it (DS).
    Delegation(&'a IndexedZone),
    /// Below the apex of an IP zone.
    Address(&'a IndexedZone, AddressName),
    /// Below the apex of a domain zone.
    Domain(&'a IndexedZone, Labels<'a>),
}

/// Finds where a question leads. Allocates nothing.
pub(crate) fn locate<'a>(snapshot: &'a Snapshot, question: Question<'a>) -> Place<'a> {
    let target = match snapshot.zone_of(question.qname) {
        _ if !snapshot.is_loaded() => Target::Unknown,
        None => Target::Outside,
        Some((zone, labels)) if labels.is_empty() => match question.qtype {
            // RFC 4035 section 3.1.4.1.
            qtype::DS => {
                snapshot.parent_of(question.qname).map_or(Target::Apex(zone), Target::Delegation)
            }
            _ => Target::Apex(zone),
        },
        Some((zone, labels)) => match zone.settings().kind {
            ZoneKind::Ip => Target::Address(zone, query_name::decode(labels)),
            ZoneKind::Domain => Target::Domain(zone, labels),
        },
    };
    Place { question, target, is_above_zone: snapshot.is_between(question.qname) }
}

impl<'a> Place<'a> {
    /// The IPv4 address that is asked for, if it is one.
    pub(super) fn address(&self) -> Option<(&'a IndexedZone, Ipv4Addr)> {
        match self.target {
            Target::Address(zone, AddressName::V4 { addr, .. }) => Some((zone, addr)),
            _ => None,
        }
    }
}
