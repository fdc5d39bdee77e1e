//! The places for connections: how many there are, and who loses one when they run out.
//!
//! RFC 7766 section 6.2.3 lets a server close idle connections as places run out; here every protocol
//! does. A newcomer is turned away only where all connections that might make room are being answered.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::Peer;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all; at least 1.
    pub all: usize,
    /// Of one network; at least 1.
    pub per_network: usize,
}

/// The places of one listener, or of several that share them.
#[derive(Clone, Debug)]
pub struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    table: Mutex<Table>,
    epoch: Instant,
}

#[derive(Debug, Default)]
struct Table {
    taken: usize,
    by_peer: HashMap<Peer, Vec<Arc<Slot>>>,
}

/// A connection's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    slot: Arc<Slot>,
    peer: Peer,
    places: Places,
}

#[derive(Debug)]
struct Slot {
    /// Milliseconds from the epoch to the last progress.
    progress: AtomicU64,
    /// Requests that are being answered.
    busy: AtomicUsize,
    evicted: CancellationToken,
}

/// A request is being answered as long as this lives.
#[derive(Debug)]
pub struct Busy(Arc<Slot>);

impl Places {
    /// So many places, all free.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits { all: limits.all.max(1), per_network: limits.per_network.max(1) };
        Self(Arc::new(Shared { limits, table: Mutex::default(), epoch: Instant::now() }))
    }

    /// A place for a connection of this peer.
    ///
    /// Where its network has as many as it may, the longest idle one of them goes; where there are none left
    /// at all, the longest idle one of the network that has the most. Idle is who has no request that is
    /// being answered. `None`: nobody is idle who could go.
    pub fn take(&self, peer: Peer) -> Option<Place> {
        let mut table = self.lock();
        let own = table.by_peer.get(&peer).map_or(0, Vec::len);
        if peer.is_limited() && own >= self.0.limits.per_network {
            table.evict(peer, false).then_some(())?;
        } else if table.taken >= self.0.limits.all {
            table.make_room(peer, own)?;
        }
        let slot = Arc::new(Slot {
            progress: AtomicU64::new(self.now()),
            busy: AtomicUsize::new(0),
            evicted: CancellationToken::new(),
        });
        table.taken += 1;
        table.by_peer.entry(peer).or_default().push(slot.clone());
        drop(table);
        Some(Place { slot, peer, places: self.clone() })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.lock().taken
    }

    /// Whether more than half are taken, so that connections should not stay without need.
    pub fn is_crowded(&self) -> bool {
        self.taken() > self.0.limits.all / 2
    }

    fn now(&self) -> u64 {
        self.0.epoch.elapsed().as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Frees a place for a peer that has `own`. Of those who are being answered one goes only where its
    /// network has more than the newcomer's would have.
    fn make_room(&mut self, newcomer: Peer, own: usize) -> Option<()> {
        let mut networks: Vec<(usize, Peer)> =
            self.by_peer.iter().map(|(peer, slots)| (slots.len(), *peer)).collect();
        // Of equal ones the newcomer's own comes first, so that nobody gains by coming again.
        networks.sort_by_key(|(count, peer)| (std::cmp::Reverse(*count), *peer != newcomer));
        if networks.iter().any(|(_, peer)| self.evict(*peer, false)) {
            return Some(());
        }
        let (largest, peer) = networks.first()?;
        (*largest > own + 1 && self.evict(*peer, true)).then_some(())
    }

    /// Takes the place of the connection of a network that has made no progress for longest.
    fn evict(&mut self, peer: Peer, also_busy: bool) -> bool {
        let Some(slots) = self.by_peer.get_mut(&peer) else { return false };
        let idle = slots.iter().enumerate().filter(|(_, slot)| also_busy || !slot.is_busy());
        let Some(at) = idle.min_by_key(|(_, slot)| slot.progress()).map(|(at, _)| at) else {
            return false;
        };
        // In order, so that of equal ones the oldest goes.
        let slot = slots.remove(at);
        if slots.is_empty() {
            self.by_peer.remove(&peer);
        }
        self.taken -= 1;
        slot.evicted.cancel();
        true
    }
}

impl Place {
    /// Notes that octets came or went.
    pub fn touch(&self) {
        self.slot.progress.store(self.places.now(), Ordering::Relaxed);
    }

    /// Notes that a request is being answered.
    pub fn busy(&self) -> Busy {
        self.slot.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.slot.clone())
    }

    /// Whether somebody else has the place now.
    pub fn is_lost(&self) -> bool {
        self.slot.evicted.is_cancelled()
    }

    /// Ends when somebody else has the place.
    pub fn lost(&self) -> WaitForCancellationFutureOwned {
        self.slot.evicted.clone().cancelled_owned()
    }

    /// The places that this is one of.
    pub fn places(&self) -> &Places {
        &self.places
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        let Some(slots) = table.by_peer.get_mut(&self.peer) else { return };
        // Who lost it is not in the table any more.
        let Some(at) = slots.iter().position(|slot| Arc::ptr_eq(slot, &self.slot)) else { return };
        slots.remove(at);
        if slots.is_empty() {
            table.by_peer.remove(&self.peer);
        }
        table.taken -= 1;
    }
}

impl Slot {
    fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Peer, Place, Places};

    fn places(all: usize, per_network: usize) -> impl Fn(&str) -> Option<Place> {
        let places = Places::new(Limits { all, per_network });
        move |text| places.take(Peer::of(text.parse().unwrap()))
    }

    #[test]
    fn places_are_given_back() {
        let take = places(2, 2);
        let first = take("192.0.2.1").unwrap();
        let _second = take("192.0.2.2").unwrap();
        drop(first);
        let _third = take("192.0.2.3").unwrap();
        assert_eq!(_third.places().taken(), 2);
    }

    #[test]
    fn the_longest_idle_of_a_network_goes_when_it_has_its_share() {
        let take = places(10, 2);
        let first = take("2001:db8::1").unwrap();
        let second = take("2001:db8::2").unwrap();
        let other = take("2001:db8:0:1::1").unwrap();
        let third = take("2001:db8::3").unwrap();
        assert!(first.is_lost() && !second.is_lost() && !third.is_lost() && !other.is_lost());
        assert_eq!(third.places().taken(), 3);
        drop(first);
        assert_eq!(third.places().taken(), 3, "a place that was lost is not given back twice");
    }

    #[test]
    fn the_largest_network_makes_room_when_all_are_taken() {
        let take = places(4, 3);
        let stranger = take("192.0.2.9").unwrap();
        let many: Vec<Place> = (0..3).map(|_| take("192.0.2.1").unwrap()).collect();
        let newcomer = take("192.0.2.8").unwrap();
        assert!(many[0].is_lost() && !many[1].is_lost());
        assert!(!stranger.is_lost() && !newcomer.is_lost());
    }

    #[test]
    fn who_is_being_answered_stays_while_others_are_idle() {
        let take = places(3, 3);
        let busy = take("192.0.2.1").unwrap();
        let answered = busy.busy();
        let idle = take("192.0.2.1").unwrap();
        let _other = take("192.0.2.2").unwrap();
        let _newcomer = take("192.0.2.3").unwrap();
        assert!(idle.is_lost() && !busy.is_lost());
        drop(answered);
        let _another = take("192.0.2.4").unwrap();
        assert!([&busy, &_other, &_newcomer].iter().any(|place| place.is_lost()));
    }

    #[test]
    fn nobody_who_is_being_answered_goes_for_one_of_his_own_network() {
        let take = places(10, 2);
        let held: Vec<Place> = (0..2).map(|_| take("192.0.2.1").unwrap()).collect();
        let _busy: Vec<_> = held.iter().map(Place::busy).collect();
        assert!(take("192.0.2.1").is_none());
        assert!(take("192.0.2.2").is_some());
    }

    #[test]
    fn a_network_that_has_all_places_busy_makes_room_for_a_stranger() {
        let take = places(3, 3);
        let held: Vec<Place> = (0..3).map(|_| take("192.0.2.1").unwrap()).collect();
        let _busy: Vec<_> = held.iter().map(Place::busy).collect();
        let _stranger = take("192.0.2.2").unwrap();
        assert_eq!(held.iter().filter(|place| place.is_lost()).count(), 1);
    }

    #[test]
    fn a_proxy_may_have_more_than_a_network_but_makes_room_first() {
        let places = Places::new(Limits { all: 4, per_network: 2 });
        let proxy = Peer::Proxy("192.0.2.1".parse().unwrap());
        let held: Vec<Place> = (0..4).map(|_| places.take(proxy).unwrap()).collect();
        let _stranger = places.take(Peer::of("192.0.2.2".parse().unwrap())).unwrap();
        assert!(held[0].is_lost() && !held[1].is_lost());
    }
}
