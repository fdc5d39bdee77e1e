//! A map of bounded size that throws out what was not asked for lately.

use std::{collections::HashMap, hash::Hash};

/// How many entries get a second chance before one has to go: what an insertion costs is bounded.
const CHANCES: usize = 8;

/// The CLOCK algorithm: a hand goes round, and takes the place of the first entry that was not asked
/// for since it came by last.
#[derive(Debug)]
pub(crate) struct Ring<K, V> {
    places: HashMap<K, u32>,
    slots: Vec<RingSlot<K, V>>,
    hand: usize,
    capacity: usize,
}

#[derive(Debug)]
struct RingSlot<K, V> {
    key: K,
    value: V,
    wanted: bool,
}

impl<K: Hash + Eq + Clone, V> Ring<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.min(u32::MAX as usize);
        Self { places: HashMap::new(), slots: Vec::new(), hand: 0, capacity }
    }

    pub(crate) fn find(&mut self, key: &K) -> Option<&mut V> {
        let slot = &mut self.slots[*self.places.get(key)? as usize];
        slot.wanted = true;
        Some(&mut slot.value)
    }

    /// Puts a value in place of the one that the key had, or of another key's where it is full.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if let Some(&place) = self.places.get(&key) {
            self.slots[place as usize].value = value;
        } else if self.slots.len() < self.capacity {
            self.places.insert(key.clone(), self.slots.len() as u32);
            self.slots.push(RingSlot { key, value, wanted: false });
        } else if self.capacity > 0 {
            let place = self.victim();
            let slot = RingSlot { key: key.clone(), value, wanted: false };
            let gone = std::mem::replace(&mut self.slots[place], slot);
            self.places.remove(&gone.key);
            self.places.insert(key, place as u32);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.slots.clear();
        self.hand = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    fn victim(&mut self) -> usize {
        for _ in 0..CHANCES {
            let place = self.advance();
            if !std::mem::take(&mut self.slots[place].wanted) {
                return place;
            }
        }
        self.advance()
    }

    fn advance(&mut self) -> usize {
        let place = self.hand;
        self.hand = (self.hand + 1) % self.slots.len();
        place
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::Ring;

    #[test]
    fn what_is_asked_for_stays_and_what_is_not_goes() {
        let mut ring = Ring::new(100);
        ring.insert(0, "wanted");
        for key in 1..10_000 {
            ring.insert(key, "scanned");
            assert_eq!(ring.find(&0), Some(&mut "wanted"));
        }
        assert_eq!(ring.len(), 100);
        assert_eq!(ring.find(&1), None);
        assert!(ring.find(&9_999).is_some());
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let mut ring = Ring::new(0);
        ring.insert(1, 1);
        assert_eq!(ring.find(&1), None);
        assert_eq!(ring.len(), 0);
    }

    proptest! {
        #[test]
        fn it_never_grows_beyond_its_capacity_nor_gives_the_wrong_value(
            capacity in 0usize..10,
            steps in prop::collection::vec((0u8..20, any::<u16>(), any::<bool>()), 0..200),
        ) {
            let mut ring = Ring::new(capacity);
            let mut last = HashMap::new();
            for (key, value, insert) in steps {
                if insert {
                    ring.insert(key, value);
                    last.insert(key, value);
                    prop_assert_eq!(ring.find(&key).is_some(), capacity > 0);
                } else if let Some(found) = ring.find(&key) {
                    prop_assert_eq!(Some(&*found), last.get(&key));
                }
                prop_assert!(ring.len() <= capacity);
                prop_assert_eq!(ring.len(), ring.places.len());
            }
        }
    }
}
