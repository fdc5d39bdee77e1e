//! Where a question leads: the zone, and what of it.

use dnsbl_index::{IndexedZone, Snapshot};
use dnsbl_types::{
    Labels, ZoneKind,
    query_name::{self, AddressName},
};

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
}

/// What of the index a question is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    /// The store has not been read whole.
    Unknown,
    /// Outside all zones.
    Outside,
    Apex(&'a IndexedZone),
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
        Some((zone, labels)) if labels.is_empty() => Target::Apex(zone),
        Some((zone, labels)) => match zone.settings().kind {
            ZoneKind::Ip => Target::Address(zone, query_name::decode(labels)),
            ZoneKind::Domain => Target::Domain(zone, labels),
        },
    };
    Place { question, target }
}

impl Place<'_> {
    /// Brings what the answer depends on into the processor's caches. Doing that for many places in a
    /// row lets the processor wait for all of them at once.
    pub(crate) fn warm_up(&self) {
        if let Target::Address(zone, AddressName::V4 { addr, .. }) = self.target {
            zone.warm_up(addr);
        }
    }
}
