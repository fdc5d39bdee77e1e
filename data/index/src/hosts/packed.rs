//! The addresses of one leaf, packed into 16-bit words.
//!
//! A leaf's addresses have their first `depth` bits in common. Where they have much in common, a
//! directory leads by the next bits to a bucket of about ten addresses, of which only the low half
//! is kept. A few addresses with little in common are kept whole, in two words each.
//!
//! ```text
//! narrow:  bits · directory: 2^bits + 1 offsets · low halves, ascending in each bucket
//! wide:    WIDE · high half, low half · high half, low half · …, ascending
//! ```

use std::sync::Arc;

/// Ascending addresses, without repetition.
#[derive(Clone, Debug)]
pub(super) struct Packed(Arc<[u16]>);

/// The first word where addresses are kept whole.
const WIDE: u16 = u16::MAX;
/// Bits that the low half of an address has.
const HALF: u32 = 16;
/// Addresses that a bucket should hold at least.
const BUCKET: usize = 8;
/// The most directory bits: what is below the /8 of the widest packed leaf and above its low half.
const MAX_BITS: u32 = 8;

/// The first `depth` bits of an address.
pub(super) fn base(key: u32, depth: u32) -> u32 {
    key & u32::MAX.checked_shl(u32::BITS - depth).unwrap_or(0)
}

impl Packed {
    /// Whether addresses with `depth` bits in common can leave their high half out.
    pub(super) fn shares_bits(depth: u32) -> bool {
        depth + MAX_BITS >= HALF
    }

    /// Packs ascending addresses that have `depth` bits in common.
    pub(super) fn new(keys: &[u32], depth: u32) -> Self {
        let least = HALF.saturating_sub(depth);
        // A directory pays once it is smaller than the high halves.
        if least > MAX_BITS || (least > 0 && keys.len() <= 1 << least) {
            let halves = keys.iter().flat_map(|&key| [(key >> HALF) as u16, key as u16]);
            return Self(std::iter::once(WIDE).chain(halves).collect());
        }
        let bits = (keys.len() / BUCKET).max(1).ilog2().clamp(least, MAX_BITS);
        let buckets = 1usize << bits;
        let mut words = Vec::with_capacity(2 + buckets + keys.len());
        words.push(bits as u16);
        words.resize(2 + buckets, 0);
        words.extend(keys.iter().map(|&key| key as u16));
        for &key in keys {
            words[2 + bucket(key, depth, bits)] += 1;
        }
        for at in 2..2 + buckets {
            words[at] += words[at - 1];
        }
        Self(words.into())
    }

    /// Where an address stands.
    pub(super) fn position(&self, key: u32, depth: u32) -> Option<usize> {
        let (&form, words) = self.0.split_first()?;
        if form == WIDE {
            let (pairs, _) = words.as_chunks::<2>();
            let halves = [(key >> HALF) as u16, key as u16];
            return pairs.binary_search(&halves).ok();
        }
        let (directory, lows) = words.split_at((1 << form) + 1);
        let bucket = bucket(key, depth, form.into());
        let (from, to) = (directory[bucket].into(), directory[bucket + 1].into());
        let lows: &[u16] = &lows[from..to];
        // Counting without branches is quicker than a search in so few.
        let below = lows.iter().filter(|&&low| low < key as u16).count();
        (lows.get(below) == Some(&(key as u16))).then_some(from + below)
    }

    /// Appends the addresses; `base` is what they have in common.
    pub(super) fn unpack(&self, base: u32, depth: u32, keys: &mut Vec<u32>) {
        let Some((&form, words)) = self.0.split_first() else { return };
        if form == WIDE {
            let (pairs, _) = words.as_chunks::<2>();
            keys.extend(pairs.iter().map(|[high, low]| u32::from(*high) << HALF | u32::from(*low)));
            return;
        }
        let (directory, lows) = words.split_at((1 << form) + 1);
        for (bucket, range) in (0u32..).zip(directory.array_windows::<2>()) {
            let bits = bucket.checked_shl(u32::BITS - depth - u32::from(form)).unwrap_or(0);
            let high = (base | bits) >> HALF << HALF;
            let [from, to] = range.map(usize::from);
            keys.extend(lows[from..to].iter().map(|&low| high | u32::from(low)));
        }
    }

    /// The bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[u16]>(&self.0)
    }
}

/// The bucket of an address: the `bits` bits that follow the first `depth`.
fn bucket(key: u32, depth: u32, bits: u32) -> usize {
    (u64::from(key << depth) >> (u32::BITS - bits)) as usize
}
