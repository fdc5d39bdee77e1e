//! A map from IPv4 addresses to values, for tens of millions of them.
//!
//! A tree of 16 children a node, by four bits of the address each. Its leaves hold the addresses
//! packed (`packed.rs`): a set of ten million takes between two and three bytes an address. A clone
//! is a pointer; a change copies one leaf and the few nodes above it, and none of them while nobody
//! else holds them. So readers keep the version that they loaded and never wait for the writer.

mod packed;

use std::{array, fmt::Debug, hint::black_box};

use arrayvec::ArrayVec;
use triomphe::{Arc, ThinArc};

/// The value of an address.
pub(crate) trait Value: Clone + Debug {
    /// Addresses that one leaf holds at most: what a change copies.
    const LEAF: usize;
    /// The values of a leaf.
    type Many: Clone + Debug;

    /// Keeps the values of a leaf.
    fn keep(values: &[Self]) -> Self::Many;
    /// One of them.
    fn at(values: &Self::Many, at: usize) -> &Self;
}

/// The address is there, and that is all.
impl Value for () {
    const LEAF: usize = 1024;
    type Many = ();

    fn keep(_: &[()]) {}

    fn at(values: &(), _: usize) -> &() {
        values
    }
}

/// The change of an address: a new value, or `None` for none.
pub(crate) type Change<V> = (u32, Option<V>);

/// A map from addresses, as big-endian numbers, to values.
#[derive(Clone, Debug)]
pub(crate) struct HostMap<V: Value> {
    root: HostNode<V>,
    len: usize,
}

/// One pointer, so that as many nodes as can be stay in the caches.
#[derive(Clone, Debug)]
enum HostNode<V: Value> {
    /// The values, and the addresses as `packed.rs` packs them.
    Leaf(ThinArc<V::Many, u16>),
    /// By the next four bits.
    Branch(Arc<[Self; FANOUT]>),
}

/// Bits that one level takes.
const STEP: u32 = 4;
const FANOUT: usize = 1 << STEP;

/// Which child of a node `depth` bits below the root an address belongs to.
fn child(key: u32, depth: u32) -> usize {
    (key << depth >> (u32::BITS - STEP)) as usize
}

impl<V: Value> Default for HostMap<V> {
    fn default() -> Self {
        Self { root: HostNode::build(&[], &[], 0), len: 0 }
    }
}

impl<V: Value> HostMap<V> {
    /// How many addresses there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of an address.
    pub(crate) fn find(&self, key: u32) -> Option<&V> {
        let (mut node, mut depth) = (&self.root, 0);
        loop {
            match node {
                HostNode::Branch(children) => node = &children[child(key, depth)],
                HostNode::Leaf(leaf) => {
                    let at = packed::position(&leaf.slice, key, depth)?;
                    return Some(V::at(&leaf.header.header, at));
                }
            }
            depth += STEP;
        }
    }

    /// Applies changes that lie in the order of their addresses, each of which occurs once.
    pub(crate) fn apply(&mut self, changes: &[Change<V>]) {
        if !changes.is_empty() {
            let grown = self.root.apply(changes, 0);
            self.len = self.len.saturating_add_signed(grown);
        }
    }

    /// The bytes that the map takes, what its values point to left out.
    pub(crate) fn bytes(&self) -> usize {
        self.root.bytes()
    }
}

/// Reads what finding addresses will read into the processor's caches, in step: the loads of one step do not depend on each other,
/// so that the processor has all of them under way at once. Takes `N` addresses at most; how many it took.
pub(crate) fn prefetch<'a, V: Value + 'a, const N: usize>(
    hosts: impl Iterator<Item = (&'a HostMap<V>, u32)>,
) -> usize {
    let mut paths: ArrayVec<_, N> = hosts.take(N).map(|(map, key)| (&map.root, key, 0)).collect();
    let taken = paths.len();
    let mut below = true;
    while below {
        below = false;
        for (node, key, depth) in &mut paths {
            if let HostNode::Branch(children) = *node {
                *node = &children[child(*key, *depth)];
                *depth += STEP;
                below = true;
            }
        }
    }
    let searched = paths.iter().filter_map(|(node, key, depth)| match node {
        HostNode::Leaf(leaf) => Some(packed::searched(&leaf.slice, *key, *depth)),
        HostNode::Branch(_) => None,
    });
    let searched: ArrayVec<&[u16], N> = searched.collect();
    // They may lie across two cache lines.
    let ends = searched.iter().flat_map(|words| [words.first(), words.last()]);
    black_box(ends.flatten().fold(0, |sum, &word| sum ^ word));
    taken
}

impl<V: Value> HostNode<V> {
    /// The node of some addresses, ascending, which have their first `depth` bits in common.
    fn build(keys: &[u32], values: &[V], depth: u32) -> Self {
        if keys.len() <= Self::leaf_limit(depth) {
            let words = packed::pack(keys, depth);
            return Self::Leaf(ThinArc::from_header_and_slice(V::keep(values), &words));
        }
        let (mut keys, mut values) = (keys, values);
        Self::Branch(Arc::new(array::from_fn(|nibble| {
            let count = keys.partition_point(|&key| child(key, depth) <= nibble);
            let (of_child, rest) = keys.split_at(count);
            let (values_of_child, values_rest) = values.split_at(count);
            (keys, values) = (rest, values_rest);
            Self::build(of_child, values_of_child, depth + STEP)
        })))
    }

    /// Near the root addresses have too much of their own to be packed, so leaves there are small.
    fn leaf_limit(depth: u32) -> usize {
        if packed::shares_bits(depth) { V::LEAF } else { V::LEAF.min(256) }
    }

    /// By how many addresses the node has grown.
    fn apply(&mut self, changes: &[Change<V>], depth: u32) -> isize {
        match self {
            Self::Leaf(leaf) => {
                let (keys, values) = merge::<V>(leaf, changes, depth);
                let grown = keys.len() as isize - packed::count(&leaf.slice) as isize;
                *self = Self::build(&keys, &values, depth);
                grown
            }
            Self::Branch(children) => {
                let children = Arc::make_mut(children);
                let mut grown = 0;
                for changes in changes.chunk_by(|a, b| child(a.0, depth) == child(b.0, depth)) {
                    grown += children[child(changes[0].0, depth)].apply(changes, depth + STEP);
                }
                if grown < 0
                    && let Some(leaf) = Self::join(children, changes[0].0, depth)
                {
                    *self = leaf;
                }
                grown
            }
        }
    }

    /// One leaf of what `children` hold, where that would be at most half full.
    fn join(children: &[Self; FANOUT], near: u32, depth: u32) -> Option<Self> {
        let mut count = 0;
        for child in children {
            let Self::Leaf(leaf) = child else { return None };
            count += packed::count(&leaf.slice);
        }
        if count > Self::leaf_limit(depth) / 2 {
            return None;
        }
        let (mut keys, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (nibble, child) in (0u32..).zip(children) {
            if let Self::Leaf(leaf) = child {
                let base = packed::base(near, depth) | nibble << (u32::BITS - STEP - depth);
                packed::unpack(&leaf.slice, base, depth + STEP, &mut keys);
                values.extend(values_of::<V>(leaf, 0..packed::count(&leaf.slice)));
            }
        }
        Some(Self::build(&keys, &values, depth))
    }

    fn bytes(&self) -> usize {
        /// A counter and a length come before what a leaf holds, a counter before a branch.
        const WORD: usize = size_of::<usize>();
        match self {
            Self::Leaf(leaf) => {
                let values = packed::count(&leaf.slice) * size_of::<V>();
                2 * WORD + size_of::<V::Many>() + size_of_val(&leaf.slice) + values
            }
            Self::Branch(children) => {
                let below: usize = children.iter().map(Self::bytes).sum();
                WORD + size_of_val::<[Self; FANOUT]>(children) + below
            }
        }
    }
}

fn values_of<V: Value>(
    leaf: &ThinArc<V::Many, u16>,
    range: std::ops::Range<usize>,
) -> impl Iterator<Item = V> {
    range.map(|at| V::at(&leaf.header.header, at).clone())
}

/// What a leaf holds after `changes`.
fn merge<V: Value>(
    leaf: &ThinArc<V::Many, u16>,
    changes: &[Change<V>],
    depth: u32,
) -> (Vec<u32>, Vec<V>) {
    let count = packed::count(&leaf.slice);
    let mut old = Vec::with_capacity(count);
    packed::unpack(&leaf.slice, packed::base(changes[0].0, depth), depth, &mut old);
    let most = count + changes.len();
    let (mut keys, mut values) = (Vec::with_capacity(most), Vec::with_capacity(most));
    let mut at = 0;
    for (key, value) in changes {
        let next = at + old[at..].partition_point(|old| old < key);
        keys.extend_from_slice(&old[at..next]);
        values.extend(values_of::<V>(leaf, at..next));
        at = next + usize::from(old.get(next) == Some(key));
        if let Some(value) = value {
            keys.push(*key);
            values.push(value.clone());
        }
    }
    keys.extend_from_slice(&old[at..]);
    values.extend(values_of::<V>(leaf, at..count));
    (keys, values)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Change, HostMap, Value};

    impl Value for u8 {
        const LEAF: usize = 64;
        type Many = Box<[Self]>;

        fn keep(values: &[Self]) -> Box<[Self]> {
            values.into()
        }

        fn at(values: &Box<[Self]>, at: usize) -> &Self {
            &values[at]
        }
    }

    /// Addresses in a few dense places, so that leaves fill, split and join.
    fn key() -> impl Strategy<Value = u32> {
        let place =
            prop::sample::select(vec![0u32, 0x0a00_0000, 0xc633_6400, 0xc633_0000, 0xffff_f000]);
        (place, prop_oneof![0u32..256, 0u32..4096, any::<u32>()])
            .prop_map(|(place, low)| place.wrapping_add(low))
    }

    fn batch() -> impl Strategy<Value = BTreeMap<u32, Option<u8>>> {
        let many =
            prop::collection::btree_map(key(), prop::option::weighted(0.7, any::<u8>()), 0..900);
        let run =
            (key(), 0u32..3000, prop::option::of(any::<u8>())).prop_map(|(from, len, value)| {
                (from..from.saturating_add(len)).map(|key| (key, value)).collect()
            });
        prop_oneof![many, run]
    }

    proptest! {
        #[test]
        fn it_agrees_with_an_ordered_map(batches in prop::collection::vec(batch(), 1..12)) {
            let (mut hosts, mut model) = (HostMap::default(), BTreeMap::new());
            let mut seen = Vec::new();
            for batch in batches {
                let before = (hosts.clone(), model.clone());
                seen.extend(batch.keys().copied());
                hosts.apply(&batch.iter().map(|(&key, &value)| (key, value)).collect::<Vec<Change<u8>>>());
                for (key, value) in batch {
                    match value {
                        Some(value) => model.insert(key, value),
                        None => model.remove(&key),
                    };
                }
                for (hosts, model) in [before, (hosts.clone(), model.clone())] {
                    prop_assert_eq!(hosts.len(), model.len());
                    for key in seen.iter().flat_map(|&key| [key.wrapping_sub(1), key, key.wrapping_add(1)]) {
                        prop_assert_eq!(hosts.find(key), model.get(&key), "{:#x}", key);
                    }
                }
            }
        }
    }

    /// The figure that memory is planned with.
    #[test]
    fn a_large_clustered_set_takes_less_than_four_bytes_an_address() {
        // Every 16th /24 has 1 to 64 addresses: as uneven as lists are, and the same each time.
        let mut changes = Vec::new();
        for block in (0..1u32 << 24).step_by(16) {
            let count = 1 + (block.wrapping_mul(0x9e37_79b1) >> 26);
            changes.extend((0..count).map(|i| ((block << 8) + i * 4, Some(()))));
        }
        let mut hosts = HostMap::default();
        for batch in changes.chunks(1 << 16) {
            hosts.apply(batch);
        }
        assert_eq!(hosts.len(), changes.len());
        let per_address = hosts.bytes() as f64 / hosts.len() as f64;
        assert!(per_address < 4.0, "{per_address} bytes for each of {}", hosts.len());
    }
}
