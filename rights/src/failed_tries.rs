//! Failed tries to be let in: some from each network, then one every few seconds.
//!
//! A program whose token has ended tries the same one again and again. So each text has its share of its own, and only a
//! new one takes from the share of the network: whoever is at the same address is not shut out by it.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use dnsbl_daemon::PeerNetwork;

/// Tries that may fail in one moment.
const BURST: u64 = 10;
/// After how many milliseconds there is one more.
const EVERY: u64 = 6_000;
/// Places, each with room for so many; 128 KiB in all, whoever tries how often.
const PLACES: usize = 1024;
const ROOM: usize = 8;

/// What was tried of late. Networks and texts are known by keyed hashes.
pub(crate) struct FailedTries {
    begun: Instant,
    hashes: RandomState,
    shares: Mutex<Box<[[Share; ROOM]]>>,
}

/// The share of a network, or of a text that comes from there.
#[derive(Clone, Copy, Default)]
struct Share {
    key: u64,
    /// The theoretical arrival time (ITU-T I.371), in milliseconds since the beginning.
    arrival: u64,
}

/// A try that has taken from its shares.
#[must_use]
pub struct Try<'a> {
    tries: &'a FailedTries,
    taken: [Option<u64>; 2],
}

impl Default for FailedTries {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            hashes: RandomState::new(),
            shares: Mutex::new(vec![[Share::default(); ROOM]; PLACES].into()),
        }
    }
}

impl FailedTries {
    /// Takes a try from the share of a network, or says how long there is none.
    pub(crate) fn begin(
        &self,
        from: PeerNetwork,
        text: &str,
        now: Instant,
    ) -> Result<Try<'_>, Duration> {
        let now = u64::try_from(now.saturating_duration_since(self.begun).as_millis());
        let now = now.unwrap_or(u64::MAX);
        let of_text = self.hashes.hash_one((from, text));
        let of_network = self.hashes.hash_one(from);
        let mut shares = self.lock();
        let arrival = share(&mut shares, of_text).arrival;
        let is_new = arrival <= now;
        is_due(arrival, now)?;
        if is_new {
            let share = share(&mut shares, of_network);
            is_due(share.arrival, now)?;
            share.arrival = share.arrival.max(now) + EVERY;
        }
        let share = share(&mut shares, of_text);
        share.arrival = share.arrival.max(now) + EVERY;
        drop(shares);
        Ok(Try { tries: self, taken: [Some(of_text), is_new.then_some(of_network)] })
    }

    fn lock(&self) -> MutexGuard<'_, Box<[[Share; ROOM]]>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Try<'_> {
    /// It did not fail, so it took nothing.
    pub fn succeeded(self) {
        let mut shares = self.tries.lock();
        for key in self.taken.into_iter().flatten() {
            let share = share(&mut shares, key);
            share.arrival = share.arrival.saturating_sub(EVERY);
        }
    }
}

fn is_due(arrival: u64, now: u64) -> Result<(), Duration> {
    match arrival.saturating_sub(now).checked_sub(EVERY * (BURST - 1)) {
        None | Some(0) => Ok(()),
        Some(wait) => Err(Duration::from_millis(wait)),
    }
}

/// The share with this key; a new one takes the place of the one that has most left.
fn share(shares: &mut [[Share; ROOM]], key: u64) -> &mut Share {
    let place = &mut shares[key as usize % PLACES];
    let known = place.iter().position(|share| share.key == key);
    let at = known.unwrap_or_else(|| {
        let most = place.iter().enumerate().min_by_key(|(_, share)| share.arrival);
        let at = most.map_or(0, |(at, _)| at);
        place[at] = Share { key, arrival: 0 };
        at
    });
    &mut place[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> PeerNetwork {
        PeerNetwork::of(text.parse().unwrap())
    }

    /// How many of so many different texts may be tried at once.
    fn tried(tries: &FailedTries, from: &str, texts: std::ops::Range<u32>, now: Instant) -> usize {
        texts.filter(|text| tries.begin(at(from), &text.to_string(), now).is_ok()).count()
    }

    #[test]
    fn a_network_has_so_many_tries_and_then_one_every_few_seconds() {
        let (tries, now) = (FailedTries::default(), Instant::now());
        assert_eq!(tried(&tries, "192.0.2.1", 0..50, now), BURST as usize);
        let wait = tries.begin(at("192.0.2.1"), "other", now).err().unwrap();
        assert_eq!(wait, Duration::from_millis(EVERY));
        assert_eq!(tried(&tries, "192.0.2.1", 50..99, now + wait), 1);
        assert_eq!(tried(&tries, "192.0.2.2", 0..50, now), BURST as usize, "another address");
    }

    #[test]
    fn a_64_is_one_network() {
        let (tries, now) = (FailedTries::default(), Instant::now());
        assert_eq!(tried(&tries, "2001:db8::1", 0..9, now), 9);
        assert_eq!(tried(&tries, "2001:db8::ffff:2", 9..50, now), 1);
        assert_eq!(tried(&tries, "2001:db8:0:1::1", 0..50, now), BURST as usize);
    }

    #[test]
    fn the_same_text_again_and_again_is_refused_and_shuts_out_nobody_else() {
        let (tries, now) = (FailedTries::default(), Instant::now());
        let again = |now| tries.begin(at("192.0.2.1"), "revoked", now).is_ok();
        assert_eq!((0..50).filter(|_| again(now)).count(), BURST as usize);
        assert_eq!(tried(&tries, "192.0.2.1", 0..50, now), BURST as usize - 1);
        let later = now + Duration::from_millis(EVERY);
        assert_eq!((0..50).filter(|_| again(later)).count(), 1);
    }

    #[test]
    fn what_succeeds_takes_nothing() {
        let (tries, now) = (FailedTries::default(), Instant::now());
        for text in 0..1000 {
            tries.begin(at("192.0.2.1"), &text.to_string(), now).ok().unwrap().succeeded();
        }
        assert_eq!(tried(&tries, "192.0.2.1", 0..50, now), BURST as usize);
    }

    #[test]
    fn however_many_networks_try_the_table_stays_as_large_as_it_is() {
        let (tries, now) = (FailedTries::default(), Instant::now());
        for n in 0..100_000u32 {
            let from = PeerNetwork::V4(n);
            let _try = tries.begin(from, "x", now);
        }
        assert_eq!(tries.lock().len(), PLACES);
        assert_eq!(tried(&tries, "192.0.2.1", 0..50, now), BURST as usize);
    }
}
