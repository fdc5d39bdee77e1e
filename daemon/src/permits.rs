//! Permits for connections: how many there are, and which connection loses its own when they run out.
//!
//! RFC 7766 section 6.2.3 lets a server close idle connections as permits run out; here every protocol
//! does. A newcomer is turned away only where all connections that might make room are being answered.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::PeerNetwork;

/// The limits of how many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In all; at least 1.
    pub all: usize,
    /// Of one network; at least 1.
    pub per_network: usize,
}

/// The permits for connections of one listener, or of several that share them.
#[derive(Clone, Debug)]
pub struct ConnectionPermits(Arc<Shared>);

/// The state that all permits of a listener share.
#[derive(Debug)]
struct Shared {
    limits: ConnectionLimits,
    table: Mutex<Table>,
    epoch: Instant,
}

/// The connections that hold a permit.
#[derive(Debug, Default)]
struct Table {
    in_use: usize,
    by_network: HashMap<PeerNetwork, Vec<Arc<Slot>>>,
}

/// The permit of one connection; it is free again when this is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    slot: Arc<Slot>,
    peer: PeerNetwork,
    permits: ConnectionPermits,
}

/// The state of one connection.
#[derive(Debug)]
struct Slot {
    /// Milliseconds from the epoch to the last progress.
    progress: AtomicU64,
    /// Requests that are being answered.
    busy: AtomicUsize,
    revoked: CancellationToken,
}

/// A guard that keeps its connection busy: a request is being answered as long as this lives.
#[derive(Debug)]
pub struct BusyGuard(Arc<Slot>);

impl ConnectionPermits {
    /// So many permits, all free.
    pub fn new(limits: ConnectionLimits) -> Self {
        let limits =
            ConnectionLimits { all: limits.all.max(1), per_network: limits.per_network.max(1) };
        Self(Arc::new(Shared { limits, table: Mutex::default(), epoch: Instant::now() }))
    }

    /// A permit for a connection of this peer.
    ///
    /// Where its network has as many as it may, the longest idle one of them goes; where there are none left
    /// at all, the longest idle one of the network that has the most. Idle is who has no request that is
    /// being answered. `None`: nobody is idle who could go.
    pub fn acquire(&self, peer: PeerNetwork) -> Option<ConnectionPermit> {
        let mut table = self.lock();
        let own = table.by_network.get(&peer).map_or(0, Vec::len);
        if peer.is_limited() && own >= self.0.limits.per_network {
            table.revoke(peer, false).then_some(())?;
        } else if table.in_use >= self.0.limits.all {
            table.make_room(peer, own)?;
        }
        let slot = Arc::new(Slot {
            progress: AtomicU64::new(self.now()),
            busy: AtomicUsize::new(0),
            revoked: CancellationToken::new(),
        });
        table.in_use += 1;
        table.by_network.entry(peer).or_default().push(slot.clone());
        drop(table);
        Some(ConnectionPermit { slot, peer, permits: self.clone() })
    }

    /// How many connections hold one.
    pub fn in_use(&self) -> usize {
        self.lock().in_use
    }

    /// Whether more than half are in use, so that connections should not stay without need.
    pub fn is_crowded(&self) -> bool {
        self.in_use() > self.0.limits.all / 2
    }

    fn now(&self) -> u64 {
        self.0.epoch.elapsed().as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Frees a permit for a peer that has `own`. Of those who are being answered one goes only where its
    /// network has more than the newcomer's would have.
    fn make_room(&mut self, newcomer: PeerNetwork, own: usize) -> Option<()> {
        let networks = self.by_network.iter().map(|(peer, slots)| {
            let idle = slots.iter().filter(|slot| !slot.is_busy());
            let last = idle.map(|slot| slot.progress()).min().unwrap_or(u64::MAX);
            (Reverse(slots.len()), *peer != newcomer, last, *peer)
        });
        let mut networks: Vec<_> = networks.collect();
        // Of equal ones the newcomer's own comes first, so that nobody gains by coming again, then who
        // was idle for longest, so that who asks and reads stays among many who only hold a connection.
        networks.sort_unstable_by_key(|(count, other, last, _)| (*count, *other, *last));
        if networks.iter().any(|(.., peer)| self.revoke(*peer, false)) {
            return Some(());
        }
        let (Reverse(largest), .., peer) = networks.first()?;
        (*largest > own + 1 && self.revoke(*peer, true)).then_some(())
    }

    /// Takes the permit of the connection of a network that has made no progress for longest.
    fn revoke(&mut self, peer: PeerNetwork, also_busy: bool) -> bool {
        let Some(slots) = self.by_network.get_mut(&peer) else { return false };
        let idle = slots.iter().enumerate().filter(|(_, slot)| also_busy || !slot.is_busy());
        let Some(at) = idle.min_by_key(|(_, slot)| slot.progress()).map(|(at, _)| at) else {
            return false;
        };
        // In order, so that of equal ones the oldest goes.
        let slot = slots.remove(at);
        if slots.is_empty() {
            self.by_network.remove(&peer);
        }
        self.in_use -= 1;
        slot.revoked.cancel();
        true
    }
}

impl ConnectionPermit {
    /// Notes that octets came or went.
    pub fn touch(&self) {
        self.slot.progress.store(self.permits.now(), Ordering::Relaxed);
    }

    /// Notes that a request is being answered.
    pub fn busy(&self) -> BusyGuard {
        self.slot.busy.fetch_add(1, Ordering::Relaxed);
        BusyGuard(self.slot.clone())
    }

    /// Whether somebody else has the permit now.
    pub fn is_revoked(&self) -> bool {
        self.slot.revoked.is_cancelled()
    }

    /// The end of the wait for somebody else to have the permit.
    pub fn revoked(&self) -> WaitForCancellationFutureOwned {
        self.slot.revoked.clone().cancelled_owned()
    }

    /// The permits that this is one of.
    pub fn permits(&self) -> &ConnectionPermits {
        &self.permits
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut table = self.permits.lock();
        let Some(slots) = table.by_network.get_mut(&self.peer) else { return };
        // Where it was revoked it is not in the table any more.
        let Some(at) = slots.iter().position(|slot| Arc::ptr_eq(slot, &self.slot)) else { return };
        slots.remove(at);
        if slots.is_empty() {
            table.by_network.remove(&self.peer);
        }
        table.in_use -= 1;
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

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionLimits, ConnectionPermit, ConnectionPermits, PeerNetwork};

    fn permits(all: usize, per_network: usize) -> impl Fn(&str) -> Option<ConnectionPermit> {
        let permits = ConnectionPermits::new(ConnectionLimits { all, per_network });
        move |text| permits.acquire(PeerNetwork::of(text.parse().unwrap()))
    }

    #[test]
    fn permits_are_given_back() {
        let acquire = permits(2, 2);
        let first = acquire("192.0.2.1").unwrap();
        let _second = acquire("192.0.2.2").unwrap();
        drop(first);
        let _third = acquire("192.0.2.3").unwrap();
        assert_eq!(_third.permits().in_use(), 2);
    }

    #[test]
    fn two_hundred_addresses_of_one_64_hold_no_more_than_one_network_may() {
        let acquire = permits(1024, 8);
        let stranger = acquire("2001:db8:0:1::1").unwrap();
        let held: Vec<ConnectionPermit> =
            (1..=200).map(|host| acquire(&format!("2001:db8::{host:x}")).unwrap()).collect();
        assert_eq!(stranger.permits().in_use(), 1 + 8);
        assert!(held[..192].iter().all(ConnectionPermit::is_revoked));
        assert!(!held[192..].iter().any(ConnectionPermit::is_revoked) && !stranger.is_revoked());
        let busy: Vec<_> = held[192..].iter().map(ConnectionPermit::busy).collect();
        assert!(acquire("2001:db8::ffff:1").is_none());
        drop(busy);
        assert!(acquire("2001:db8::ffff:1").is_some());
    }

    #[test]
    fn the_longest_idle_of_a_network_goes_when_it_has_its_share() {
        let acquire = permits(10, 2);
        let first = acquire("2001:db8::1").unwrap();
        let second = acquire("2001:db8::2").unwrap();
        let other = acquire("2001:db8:0:1::1").unwrap();
        let third = acquire("2001:db8::3").unwrap();
        assert!(
            first.is_revoked()
                && !second.is_revoked()
                && !third.is_revoked()
                && !other.is_revoked()
        );
        assert_eq!(third.permits().in_use(), 3);
        drop(first);
        assert_eq!(
            third.permits().in_use(),
            3,
            "a permit that was revoked is not given back twice"
        );
    }

    #[test]
    fn the_largest_network_makes_room_when_all_are_taken() {
        let acquire = permits(4, 3);
        let stranger = acquire("192.0.2.9").unwrap();
        let many: Vec<ConnectionPermit> = (0..3).map(|_| acquire("192.0.2.1").unwrap()).collect();
        let newcomer = acquire("192.0.2.8").unwrap();
        assert!(many[0].is_revoked() && !many[1].is_revoked());
        assert!(!stranger.is_revoked() && !newcomer.is_revoked());
    }

    /// Otherwise a few thousand that hold a connection would drive out those who use theirs.
    #[test]
    fn of_networks_that_have_as_many_the_one_that_was_idle_for_longest_makes_room() {
        let acquire = permits(40, 2);
        let held: Vec<ConnectionPermit> =
            (1..=40).map(|host| acquire(&format!("192.0.2.{host}")).unwrap()).collect();
        let last = held.iter().map(|permit| permit.slot.progress()).max().unwrap();
        let reader = &held[7];
        while reader.slot.progress() <= last {
            reader.touch();
        }
        let newcomers: Vec<ConnectionPermit> =
            (1..40).map(|host| acquire(&format!("198.51.100.{host}")).unwrap()).collect();
        assert!(!newcomers.iter().any(ConnectionPermit::is_revoked) && !reader.is_revoked());
        assert_eq!(held.iter().filter(|permit| permit.is_revoked()).count(), 39);
    }

    #[test]
    fn who_is_being_answered_stays_while_others_are_idle() {
        let acquire = permits(3, 3);
        let busy = acquire("192.0.2.1").unwrap();
        let answered = busy.busy();
        let idle = acquire("192.0.2.1").unwrap();
        let _other = acquire("192.0.2.2").unwrap();
        let _newcomer = acquire("192.0.2.3").unwrap();
        assert!(idle.is_revoked() && !busy.is_revoked());
        drop(answered);
        let _another = acquire("192.0.2.4").unwrap();
        assert!([&busy, &_other, &_newcomer].iter().any(|permit| permit.is_revoked()));
    }

    #[test]
    fn nobody_who_is_being_answered_goes_for_one_of_his_own_network() {
        let acquire = permits(10, 2);
        let held: Vec<ConnectionPermit> = (0..2).map(|_| acquire("192.0.2.1").unwrap()).collect();
        let _busy: Vec<_> = held.iter().map(ConnectionPermit::busy).collect();
        assert!(acquire("192.0.2.1").is_none());
        assert!(acquire("192.0.2.2").is_some());
    }

    #[test]
    fn a_network_that_has_all_permits_busy_makes_room_for_a_stranger() {
        let acquire = permits(3, 3);
        let held: Vec<ConnectionPermit> = (0..3).map(|_| acquire("192.0.2.1").unwrap()).collect();
        let _busy: Vec<_> = held.iter().map(ConnectionPermit::busy).collect();
        let _stranger = acquire("192.0.2.2").unwrap();
        assert_eq!(held.iter().filter(|permit| permit.is_revoked()).count(), 1);
    }

    #[test]
    fn a_proxy_may_have_more_than_a_network_but_makes_room_first() {
        let permits = ConnectionPermits::new(ConnectionLimits { all: 4, per_network: 2 });
        let proxy = PeerNetwork::Proxy("192.0.2.1".parse().unwrap());
        let held: Vec<ConnectionPermit> = (0..4).map(|_| permits.acquire(proxy).unwrap()).collect();
        let _stranger = permits.acquire(PeerNetwork::of("192.0.2.2".parse().unwrap())).unwrap();
        assert!(held[0].is_revoked() && !held[1].is_revoked());
    }
}
