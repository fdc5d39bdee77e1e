//! How many connections there are, in all and of one peer.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places for connections.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
    max_per_peer: usize,
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    peer: IpAddr,
}

impl Places {
    pub(super) fn new(max: usize, max_per_peer: usize) -> Self {
        Self { taken: Arc::default(), max, max_per_peer }
    }

    /// A place for this peer, unless there are too many connections.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Place> {
        let peer = network(peer);
        let mut taken = self.lock();
        let all: usize = taken.values().sum();
        let own = taken.get(&peer).copied().unwrap_or_default();
        if all >= self.max || own >= self.max_per_peer {
            return None;
        }
        taken.insert(peer, own + 1);
        drop(taken);
        Some(Place { places: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.peer) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.remove(&self.peer);
            }
        }
    }
}

/// Who has one IPv6 address has its /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(peer) => Ipv6Addr::from(u128::from(peer) >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn places_are_limited_for_a_peer_and_in_all_and_given_back() {
        let places = Places::new(3, 2);
        let take = |text: &str| places.take(text.parse().unwrap());
        let first = take("192.0.2.1").unwrap();
        let _second = take("192.0.2.1").unwrap();
        assert!(take("192.0.2.1").is_none());
        let _other = take("192.0.2.2").unwrap();
        assert!(take("192.0.2.3").is_none(), "three in all");
        drop(first);
        assert!(take("192.0.2.1").is_some());
    }

    #[test]
    fn addresses_of_one_64_are_one_peer() {
        let places = Places::new(10, 1);
        let _first = places.take("2001:db8::1".parse().unwrap()).unwrap();
        assert!(places.take("2001:db8::2".parse().unwrap()).is_none());
        assert!(places.take("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
