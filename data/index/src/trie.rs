//! A path-compressed binary trie whose versions share what they have in common.
//!
//! A clone is a pointer; a change copies the nodes on its path only, and none of them while nobody
//! else holds them. Readers keep the version that they loaded, so they never wait for the writer.

use std::sync::Arc;

use crate::key::{Bits, Key};

/// A map from bit strings to values.
#[derive(Clone, Debug)]
pub(crate) struct Trie<K, V> {
    root: Child<K, V>,
    /// How many values there are.
    len: usize,
    /// Bytes that their keys take elsewhere.
    key_bytes: usize,
}

/// A node below, if there is one.
type Child<K, V> = Option<Arc<TrieNode<K, V>>>;

/// A value, or the place where two ways part.
#[derive(Clone, Debug)]
struct TrieNode<K, V> {
    key: K,
    /// Invariant: a node without a value has two children.
    value: Option<V>,
    /// By the first bit after `key`.
    children: [Child<K, V>; 2],
}

impl<K, V> Default for Trie<K, V> {
    fn default() -> Self {
        Self { root: None, len: 0, key_bytes: 0 }
    }
}

impl<K: Key, V: Clone> Trie<K, V> {
    /// Puts a value at `key`, or removes the one that is there.
    pub(crate) fn set(&mut self, key: &K, value: Option<V>) {
        if let Some(value) = value {
            if insert(&mut self.root, key, value) {
                self.len += 1;
                self.key_bytes += key.heap_bytes();
            }
        } else if remove(&mut self.root, key) {
            self.len -= 1;
            self.key_bytes -= key.heap_bytes();
        }
    }

    /// About how many bytes it takes: nearly two nodes a value, and the keys.
    pub(crate) fn bytes(&self) -> usize {
        2 * self.len * (size_of::<TrieNode<K, V>>() + 2 * size_of::<usize>()) + self.key_bytes
    }

    /// Whether there is no value.
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The value at exactly `key`.
    pub(crate) fn find(&self, key: Bits<'_>) -> Option<&V> {
        let mut found = None;
        self.visit_above(key, |at, value| {
            if at.bits().len() == key.len() {
                found = Some(value);
            }
        });
        found
    }

    /// Visits the values whose keys are prefixes of `key`, `key` included, shortest first.
    pub(crate) fn visit_above<'a>(&'a self, key: Bits<'_>, mut visit: impl FnMut(&'a K, &'a V)) {
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            let len = node.key.bits().len();
            if len > key.len() || node.key.bits().common(key) < len {
                return;
            }
            if let Some(value) = &node.value {
                visit(&node.key, value);
            }
            next = if len < key.len() { node.children[key.bit(len)].as_deref() } else { None };
        }
    }

    /// Visits all values.
    pub(crate) fn visit_all(&self, visit: &mut impl FnMut(&V)) {
        if let Some(root) = &self.root {
            root.visit_all(visit);
        }
    }

    /// Whether any value whose key begins with `key`, itself included, passes `test`.
    pub(crate) fn any_below(&self, key: Bits<'_>, test: &impl Fn(&K, &V) -> bool) -> bool {
        let mut next = self.root.as_deref();
        while let Some(node) = next {
            let len = node.key.bits().len();
            if node.key.bits().common(key) < len.min(key.len()) {
                return false;
            }
            if len >= key.len() {
                return node.any(test);
            }
            next = node.children[key.bit(len)].as_deref();
        }
        false
    }
}

impl<K: Key, V: Clone> TrieNode<K, V> {
    fn leaf(key: K, value: V) -> Child<K, V> {
        Some(Arc::new(Self { key, value: Some(value), children: [None, None] }))
    }

    fn visit_all(&self, visit: &mut impl FnMut(&V)) {
        self.value.iter().for_each(&mut *visit);
        self.children.iter().flatten().for_each(|child| child.visit_all(visit));
    }

    /// Whether any value here or below passes `test`. The depth is bounded by the bits of a key.
    fn any(&self, test: &impl Fn(&K, &V) -> bool) -> bool {
        self.value.as_ref().is_some_and(|value| test(&self.key, value))
            || self.children.iter().flatten().any(|child| child.any(test))
    }
}

/// Returns whether the value is new rather than another.
fn insert<K: Key, V: Clone>(slot: &mut Child<K, V>, key: &K, value: V) -> bool {
    let Some(node) = slot else {
        *slot = TrieNode::leaf(key.clone(), value);
        return true;
    };
    let common = node.key.bits().common(key.bits());
    if common < node.key.bits().len() {
        *slot = split(slot.take(), common, key, value);
        return true;
    }
    let node = Arc::make_mut(node);
    if common == key.bits().len() {
        node.value.replace(value).is_none()
    } else {
        insert(&mut node.children[key.bits().bit(common)], key, value)
    }
}

/// Puts a node above `old`, where `key` leaves its path after `common` bits.
fn split<K: Key, V: Clone>(old: Child<K, V>, common: usize, key: &K, value: V) -> Child<K, V> {
    let mut children = [None, None];
    let side = old.as_deref().map_or(0, |node| node.key.bits().bit(common));
    children[side] = old;
    if common == key.bits().len() {
        return Some(Arc::new(TrieNode { key: key.clone(), value: Some(value), children }));
    }
    children[1 - side] = TrieNode::leaf(key.clone(), value);
    Some(Arc::new(TrieNode { key: key.truncate(common), value: None, children }))
}

/// Returns whether there was a value.
fn remove<K: Key, V: Clone>(slot: &mut Child<K, V>, key: &K) -> bool {
    let Some(node) = slot else { return false };
    let len = node.key.bits().len();
    if len > key.bits().len() || node.key.bits().common(key.bits()) < len {
        return false;
    }
    let node = Arc::make_mut(node);
    let removed = if len == key.bits().len() {
        node.value.take().is_some()
    } else {
        remove(&mut node.children[key.bits().bit(len)], key)
    };
    if node.value.is_none() {
        let only_child = match &mut node.children {
            [Some(_), Some(_)] => return removed,
            [left, right] => left.take().or_else(|| right.take()),
        };
        *slot = only_child;
    }
    removed
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, net::Ipv6Addr};

    use ipnet::Ipv6Net;
    use proptest::prelude::*;

    use super::Trie;
    use crate::key::{Key as _, NetKey};

    /// Prefixes of every length, /0 and /128 included, that part at every bit.
    fn net() -> impl Strategy<Value = Ipv6Net> {
        let bits = prop_oneof![
            (0u32..=128).prop_map(|shift| u128::MAX.checked_shr(shift).unwrap_or(0)),
            (0u32..=128).prop_map(|shift| u128::MAX.checked_shl(shift).unwrap_or(0)),
            (0u32..128).prop_map(|bit| 1 << bit),
        ];
        (bits, prop_oneof![0u8..=128, Just(0), Just(128)])
            .prop_map(|(bits, len)| Ipv6Net::new_assert(Ipv6Addr::from(bits), len).trunc())
    }

    fn covering(model: &HashMap<Ipv6Net, u32>, net: Ipv6Net) -> Vec<u32> {
        let mut nets: Vec<&Ipv6Net> = model.keys().filter(|key| key.contains(&net)).collect();
        nets.sort_by_key(|net| net.prefix_len());
        nets.into_iter().map(|net| model[net]).collect()
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map_in_every_version(changes in prop::collection::vec((net(), any::<bool>()), 1..80)) {
            let (mut trie, mut model) = (Trie::default(), HashMap::new());
            let mut versions = Vec::new();
            for (number, (net, is_put)) in (0u32..).zip(&changes) {
                let value = is_put.then_some(number);
                trie.set(&NetKey::from(*net), value);
                match value {
                    Some(value) => model.insert(*net, value),
                    None => model.remove(net),
                };
                versions.push((trie.clone(), model.clone()));
            }
            for (trie, model) in versions {
                prop_assert_eq!(trie.is_empty(), model.is_empty());
                prop_assert_eq!(trie.len, model.len());
                for (net, _) in &changes {
                    let key = NetKey::from(*net);
                    prop_assert_eq!(trie.find(key.bits()), model.get(net));
                    let mut above = Vec::new();
                    trie.visit_above(key.bits(), |_, value| above.push(*value));
                    prop_assert_eq!(above, covering(&model, *net), "{}", net);
                    let below = model.keys().any(|key| net.contains(key));
                    prop_assert_eq!(trie.any_below(key.bits(), &|_, _| true), below, "{}", net);
                }
            }
        }
    }
}
