//! The lookup of a question: which zone it falls into, and what of it it matches.

use std::{fmt, net::Ipv4Addr};

use dnsbl_index::{IndexedZone, Snapshot, Subscribers};
use dnsbl_types::{
    AccessKey, KeyDigest, Labels, SubscriberMode, ZoneKind,
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
    /// What stands for a subscriber in the name.
    pub(super) key: Option<Key<'a>>,
    pub(super) subscribers: &'a Subscribers,
    /// Whether a zone lies below the name, which exists then.
    pub(super) is_empty_non_terminal: bool,
}

/// A label next to a zone's origin that is a subscriber's key, or seems to be one.
#[derive(Clone, Copy)]
pub(super) struct Key<'q> {
    /// In lower case.
    label: &'q [u8],
    pub(super) digest: KeyDigest,
}

/// Shows nothing: it is a secret.
impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The part of the index that a question matches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Matched<'a> {
    /// The store has not been read whole.
    NotLoaded,
    /// Outside all zones.
    OutsideZones,
    Apex(&'a IndexedZone),
    /// The apex of another zone that lies in this one, asked for what the parent says of it (DS).
    Delegation(&'a IndexedZone),
    /// The name of a key, which is an apex below the apex: all below it is the zone once more.
    KeyName(&'a IndexedZone),
    /// Below the apex of an IP zone.
    Address(&'a IndexedZone, AddressName),
    /// Below the apex of a domain zone.
    Domain(&'a IndexedZone, Labels<'a>),
}

/// Looks up a question. Allocates nothing.
pub(crate) fn look_up<'a>(snapshot: &'a Snapshot, question: Question<'a>) -> Lookup<'a> {
    let (matched, key) = match_question(snapshot, question);
    Lookup {
        question,
        matched,
        key,
        subscribers: snapshot.subscribers(),
        is_empty_non_terminal: snapshot.is_empty_non_terminal(question.qname),
    }
}

fn match_question<'a>(
    snapshot: &'a Snapshot,
    question: Question<'a>,
) -> (Matched<'a>, Option<Key<'a>>) {
    let (zone, labels) = match snapshot.zone_of(question.qname) {
        _ if !snapshot.is_loaded() => return (Matched::NotLoaded, None),
        None => return (Matched::OutsideZones, None),
        Some(found) => found,
    };
    let (labels, key) = split_key(zone, labels);
    let matched = match (zone.settings().kind, key) {
        _ if labels.is_empty() => match (question.qtype, key) {
            // RFC 4035 section 3.1.4.1.
            (rtype::DS, None) => {
                snapshot.parent_of(question.qname).map_or(Matched::Apex(zone), Matched::Delegation)
            }
            (_, None) => Matched::Apex(zone),
            (_, Some(_)) => Matched::KeyName(zone),
        },
        (ZoneKind::Ip | ZoneKind::Allow(_), _) => {
            Matched::Address(zone, query_name::decode(labels))
        }
        (ZoneKind::Domain, _) => Matched::Domain(zone, labels),
    };
    (matched, key)
}

/// Splits a key off the labels left of a zone's origin, if there are keys in that zone.
fn split_key<'a>(zone: &IndexedZone, labels: Labels<'a>) -> (Labels<'a>, Option<Key<'a>>) {
    if zone.settings().access.subscribers == SubscriberMode::Off {
        return (labels, None);
    }
    match labels.split_last() {
        Some((rest, label)) if AccessKey::is_like(label) => {
            (rest, Some(Key { label, digest: KeyDigest::of(label) }))
        }
        _ => (labels, None),
    }
}

impl<'a> Matched<'a> {
    /// The zone that the question falls into.
    pub(super) fn zone(self) -> Option<&'a IndexedZone> {
        match self {
            Self::NotLoaded | Self::OutsideZones => None,
            Self::Apex(zone)
            | Self::Delegation(zone)
            | Self::KeyName(zone)
            | Self::Address(zone, _)
            | Self::Domain(zone, _) => Some(zone),
        }
    }
}

impl Key<'_> {
    /// How many octets it takes in a name.
    pub(super) fn wire_len(self) -> usize {
        1 + self.label.len()
    }
}

impl<'a> Lookup<'a> {
    /// Whether the name is one that a zone has of its own, whatever it lists.
    pub(super) fn is_own_name(&self) -> bool {
        match self.matched {
            Matched::Apex(_) | Matched::Delegation(_) | Matched::KeyName(_) => true,
            Matched::Address(zone, _) | Matched::Domain(zone, _) => {
                zone.settings().has_own_name(self.question.qname)
            }
            Matched::NotLoaded | Matched::OutsideZones => false,
        }
    }

    /// The IPv4 address that is asked for, if it is one.
    pub(super) fn address(&self) -> Option<(&'a IndexedZone, Ipv4Addr)> {
        match self.matched {
            Matched::Address(zone, AddressName::V4 { addr, .. }) => Some((zone, addr)),
            _ => None,
        }
    }
}
