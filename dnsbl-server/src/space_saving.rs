//! The space-saving counters of Metwally, Agrawal and El Abbadi (2005): who comes most, in bounded memory.
//!
//! Of `n` things seen, whatever came more than `n / capacity` times is there. What is there came at most as often
//! as its count says, and at least as often as its count less its error.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

/// The things that came most.
#[derive(Debug)]
pub(crate) struct SpaceSaving<K, D> {
    capacity: usize,
    counts: HashMap<K, Count<D>>,
    /// The same by count, the lowest first.
    order: BTreeSet<(u64, K)>,
}

/// How often a thing came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count<D> {
    /// At most so often.
    pub(crate) count: u64,
    /// By how much that may be too high.
    pub(crate) error: u64,
    /// What else was seen of it, since it last was taken in.
    pub(crate) details: D,
}

impl<K: Clone + Eq + Hash + Ord, D: Clone + Default> SpaceSaving<K, D> {
    /// Room for so many things; at least one.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), counts: HashMap::new(), order: BTreeSet::new() }
    }

    /// Counts a thing, and adds to its details.
    pub(crate) fn add(&mut self, key: K, detail: impl FnOnce(&mut D)) {
        let mut count = match self.counts.remove(&key) {
            Some(known) => known,
            None => self.make_room(),
        };
        let is_known = count.count > count.error;
        if is_known {
            self.order.remove(&(count.count, key.clone()));
        }
        count.count += 1;
        detail(&mut count.details);
        self.order.insert((count.count, key.clone()));
        self.counts.insert(key, count);
    }

    /// The count with which a thing begins: that of the one that goes, where there is no room.
    fn make_room(&mut self) -> Count<D> {
        if self.counts.len() < self.capacity {
            return Count::default();
        }
        let Some((least, key)) = self.order.pop_first() else { return Count::default() };
        self.counts.remove(&key);
        Count { count: least, error: least, details: D::default() }
    }

    /// All that are there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &Count<D>)> {
        self.counts.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_within_their_bounds_and_nobody_heavy_is_missing(
            things in prop::collection::vec(prop_oneof![0u32..4, 0u32..200], 1..2_000),
            capacity in 1usize..40,
        ) {
            let mut counters = SpaceSaving::<u32, u64>::new(capacity);
            let mut truth = HashMap::new();
            for &thing in &things {
                counters.add(thing, |seen| *seen += 1);
                *truth.entry(thing).or_insert(0u64) += 1;
            }
            prop_assert!(counters.iter().count() <= capacity);
            prop_assert_eq!(counters.order.len(), counters.counts.len());
            let sum: u64 = counters.iter().map(|(_, count)| count.count).sum();
            prop_assert_eq!(sum, things.len() as u64);
            for (thing, count) in counters.iter() {
                let came = truth[thing];
                prop_assert!(count.count >= came && count.count - count.error <= came);
                prop_assert!(count.error <= (things.len() / capacity) as u64);
                prop_assert_eq!(count.details, count.count - count.error);
            }
            for (thing, came) in truth {
                let is_there = counters.iter().any(|(there, _)| *there == thing);
                prop_assert!(is_there || came <= (things.len() / capacity) as u64, "{}", thing);
            }
        }
    }

    #[test]
    fn few_things_are_counted_exactly() {
        let mut counters = SpaceSaving::<&str, ()>::new(3);
        ["a", "b", "a", "c", "a"].into_iter().for_each(|thing| counters.add(thing, |()| {}));
        let of = |thing| counters.iter().find(|(there, _)| **there == thing).unwrap().1;
        assert_eq!(*of("a"), Count { count: 3, error: 0, details: () });
        assert_eq!(*of("b"), Count { count: 1, error: 0, details: () });
    }
}
