//! A timer wheel: many times to wait for, at one timer's cost.

use std::mem;

/// Keys that are due at some tick. An entry can't be taken back; whoever gets it looks whether it
/// still means anything.
pub(super) struct Wheel<K> {
    buckets: Vec<Vec<K>>,
    len: usize,
    /// All before it have been given out.
    next: u64,
}

impl<K> Wheel<K> {
    /// How far ahead entries can lie, in ticks; what is due later comes early.
    pub(super) const SPAN: u64 = 256;

    pub(super) fn new() -> Self {
        Self { buckets: (0..Self::SPAN).map(|_| Vec::new()).collect(), len: 0, next: 0 }
    }

    /// Adds a key; gives the tick at which it comes out. `now` sets a wheel that stood still.
    pub(super) fn insert(&mut self, tick: u64, key: K, now: u64) -> u64 {
        if self.len == 0 {
            self.next = self.next.max(now);
        }
        let tick = tick.clamp(self.next, self.next + Self::SPAN - 1);
        self.bucket(tick).push(key);
        self.len += 1;
        tick
    }

    /// The first tick that has an entry.
    pub(super) fn first(&mut self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        (self.next..self.next + Self::SPAN).find(|&tick| !self.bucket(tick).is_empty())
    }

    /// Takes out what is due up to and with `now`.
    pub(super) fn take(&mut self, now: u64, mut due: impl FnMut(K)) {
        let last = now.min(self.next + Self::SPAN - 1);
        for tick in self.next..=last {
            let keys = mem::take(self.bucket(tick));
            self.len -= keys.len();
            keys.into_iter().for_each(&mut due);
        }
        self.next = self.next.max(now + 1);
    }

    fn bucket(&mut self, tick: u64) -> &mut Vec<K> {
        &mut self.buckets[(tick % Self::SPAN) as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Wheel;

    fn taken(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut keys = Vec::new();
        wheel.take(now, |key| keys.push(key));
        keys.sort_unstable();
        keys
    }

    #[test]
    fn keys_come_out_at_their_tick_and_late_ones_early() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.first(), None);
        assert_eq!(wheel.insert(7, 7, 0), 7);
        assert_eq!(wheel.insert(3, 3, 0), 3);
        assert_eq!(wheel.insert(1000, 1000, 0), 255);
        assert_eq!(wheel.first(), Some(3));
        assert_eq!(taken(&mut wheel, 6), [3]);
        assert_eq!(wheel.insert(2, 2, 6), 7, "what is due already comes next");
        assert_eq!(taken(&mut wheel, 10_000), [2, 7, 1000]);
        assert_eq!(wheel.first(), None);
    }

    proptest! {
        #[test]
        fn nothing_is_late_and_nothing_is_lost(
            ticks in prop::collection::vec(0_u64..600, 0..50),
            steps in prop::collection::vec(1_u64..300, 1..10),
        ) {
            let mut wheel = Wheel::new();
            for &tick in &ticks {
                wheel.insert(tick, tick, 0);
            }
            let (mut now, mut all) = (0, Vec::new());
            for step in steps {
                now += step;
                all.extend(taken(&mut wheel, now));
                let first = wheel.first();
                prop_assert!(first.is_none_or(|first| first > now));
            }
            let left = taken(&mut wheel, now + Wheel::<u64>::SPAN);
            prop_assert!(left.iter().all(|&tick| tick > now));
            all.extend(left);
            all.sort_unstable();
            let mut ticks = ticks;
            ticks.sort_unstable();
            prop_assert_eq!(all, ticks);
        }
    }
}
