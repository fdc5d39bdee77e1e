//! The keys of subscribers and of their index rows.
//!
//! A subscriber has its number as key. Its index rows are keys only, and end with that number: by name, by network,
//! and by zone. Names have no zero byte and end with one, networks are of one length, and zones are in wire form, so
//! no key of one of them begins like those of another.

use std::net::IpAddr;

use dnsbl_types::{Name, Subscriber, SubscriberId};
use ipnet::IpNet;

use crate::StoreError;

/// Index rows by name.
const NAME: u8 = 1;
/// Index rows by the networks that are enough.
const NETWORK: u8 = 2;
/// Index rows by zone.
const ZONE: u8 = 3;

/// The key of a subscriber.
pub(crate) fn of_subscriber(id: SubscriberId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// The start of the keys of all that have a name, in whatever case.
pub(crate) fn of_name(name: &str) -> Vec<u8> {
    [&[NAME], name.to_lowercase().as_bytes(), &[0]].concat()
}

/// The start of the keys of all that are recognized by a network.
pub(crate) fn of_network(network: &IpNet) -> Vec<u8> {
    let addr = match network.addr() {
        IpAddr::V4(addr) => [[0; 12].as_slice(), &addr.octets()].concat(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    };
    let family = if network.addr().is_ipv4() { 4 } else { 6 };
    [&[NETWORK, family], addr.as_slice(), &[network.prefix_len()]].concat()
}

/// The start of the keys of all that may ask a zone.
pub(crate) fn of_zone(origin: &Name) -> Vec<u8> {
    [&[ZONE], origin.wire()].concat()
}

/// The keys of a subscriber's index rows.
pub(crate) fn of_index(subscriber: &Subscriber) -> impl Iterator<Item = Vec<u8>> {
    let networks = subscriber.networks.iter().filter(|_| subscriber.recognition.takes_network());
    let starts = [of_name(&subscriber.name)].into_iter();
    let starts = starts.chain(networks.map(of_network));
    let starts = starts.chain(subscriber.zones.iter().map(of_zone));
    starts.map(|start| [start.as_slice(), &of_subscriber(subscriber.id)].concat())
}

/// The number at the end of a key, or that is one.
pub(crate) fn read_id(key: &[u8]) -> Result<SubscriberId, StoreError> {
    let unreadable = || StoreError::unreadable("key of a subscriber", format!("{key:x?}"));
    key.last_chunk().map(|id| SubscriberId(u64::from_be_bytes(*id))).ok_or_else(unreadable)
}
