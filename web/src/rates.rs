//! How many requests a network may make.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use dnsbl_daemon::PeerNetwork;

/// Slots, a power of two. Networks that share one share what they may.
const SLOTS: usize = 1 << 14;
/// Seconds whose requests may come at once.
const BURST: Duration = Duration::from_secs(20);
/// The same for forms, which are few.
const BURST_OF_FORMS: Duration = Duration::from_secs(1800);

/// Requests of networks, in a table of fixed size: for each slot the time at which what was asked for is paid
/// off (the generic cell rate algorithm).
pub(crate) struct Rates {
    paid_off: Box<[AtomicU64]>,
    hasher: RandomState,
    /// Microseconds that a request costs; 0: nothing.
    cost: u64,
    /// Microseconds whose requests may come at once.
    burst: u64,
    began: Instant,
}

impl Rates {
    /// So many requests a second; 0: any.
    pub(crate) fn new(per_second: u32, began: Instant) -> Self {
        Self::within(Duration::from_secs(1), per_second, BURST, began)
    }

    /// So many forms an hour; 0: any.
    pub(crate) fn of_forms(per_hour: u32, began: Instant) -> Self {
        Self::within(Duration::from_secs(3600), per_hour, BURST_OF_FORMS, began)
    }

    fn within(time: Duration, count: u32, burst: Duration, began: Instant) -> Self {
        let cost = (time.as_micros() as u64).checked_div(count.into()).unwrap_or(0);
        // One may always come.
        let burst = (burst.as_micros() as u64).max(cost);
        let slots = if cost == 0 { 0 } else { SLOTS };
        Self {
            paid_off: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            cost,
            burst,
            began,
        }
    }

    /// Takes one request.
    ///
    /// # Errors
    /// The network has made too many; how long it should wait.
    pub(crate) fn charge(&self, network: PeerNetwork, now: Instant) -> Result<(), Duration> {
        let limited = matches!(network, PeerNetwork::V4(_) | PeerNetwork::V6(_));
        if self.cost == 0 || !limited {
            return Ok(());
        }
        let now = now.duration_since(self.began).as_micros() as u64;
        let slot = &self.paid_off[self.hasher.hash_one(network) as usize % SLOTS];
        let pay = |paid_off: u64| {
            let next = paid_off.max(now) + self.cost;
            (next <= now + self.burst).then_some(next)
        };
        match slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay) {
            Ok(_) => Ok(()),
            Err(paid_off) => {
                let until = (paid_off + self.cost).saturating_sub(now + self.burst);
                Err(Duration::from_micros(until))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use dnsbl_daemon::PeerNetwork;

    use super::Rates;

    #[test]
    fn a_network_that_asks_too_much_waits_and_others_do_not() {
        let began = Instant::now();
        let rates = Rates::new(5, began);
        let network = |text: &str| PeerNetwork::of(text.parse().unwrap());
        let taken = (0..1000).filter(|_| rates.charge(network("192.0.2.1"), began).is_ok());
        assert_eq!(taken.count(), 100);
        let wait = rates.charge(network("192.0.2.1"), began).unwrap_err();
        assert!(wait <= Duration::from_millis(200), "{wait:?}");
        assert!(rates.charge(network("192.0.2.1"), began + wait).is_ok());
        let others = (2..100).map(|last| network(&format!("192.0.2.{last}")));
        let refused = others.filter(|other| rates.charge(*other, began).is_err()).count();
        assert!(refused < 5, "{refused}");
    }

    #[test]
    fn forms_are_few_an_hour() {
        let began = Instant::now();
        let rates = Rates::of_forms(20, began);
        let network = PeerNetwork::of("192.0.2.1".parse().unwrap());
        let take = |at| (0..100).filter(|_| rates.charge(network, at).is_ok()).count();
        assert_eq!(take(began), 10);
        assert_eq!(take(began + Duration::from_secs(360)), 2);
        let one = Rates::of_forms(1, began);
        assert!(one.charge(network, began).is_ok() && one.charge(network, began).is_err());
    }

    #[test]
    fn proxies_and_this_machine_are_not_limited_nor_is_anybody_where_it_is_off() {
        let began = Instant::now();
        let proxy = PeerNetwork::Proxy("192.0.2.1".parse().unwrap());
        let rates = Rates::new(1, began);
        for network in [proxy, PeerNetwork::Local] {
            assert!((0..1000).all(|_| rates.charge(network, began).is_ok()));
        }
        let off = Rates::new(0, began);
        let network = PeerNetwork::of("192.0.2.1".parse().unwrap());
        assert!((0..1000).all(|_| off.charge(network, began).is_ok()));
    }
}
