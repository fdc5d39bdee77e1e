//! The addresses of one leaf, packed into 16-bit words.
//!
//! A leaf's addresses have their first `depth` bits in common. Where they have much in common, a
//! directory leads by the next bits to a bucket of about ten addresses, of which only the low half
//! is kept. A few addresses with little in common are kept whole, in two words each.
//!
//! ```text
//! narrow:  bits · directory: where each of 2^bits buckets begins, and the end · low halves
//! wide:    WIDE · high half, low half · high half, low half · …, ascending
//! ```

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

/// Whether addresses with `depth` bits in common can leave their high half out.
pub(super) fn shares_bits(depth: u32) -> bool {
    depth + MAX_BITS >= HALF
}

/// Packs ascending addresses that have `depth` bits in common.
pub(super) fn pack(keys: &[u32], depth: u32) -> Vec<u16> {
    let least = HALF.saturating_sub(depth);
    // A directory pays once it is smaller than the high halves.
    if least > MAX_BITS || (least > 0 && keys.len() <= 1 << least) {
        let halves = keys.iter().flat_map(|&key| [(key >> HALF) as u16, key as u16]);
        return std::iter::once(WIDE).chain(halves).collect();
    }
    let bits = (keys.len() / BUCKET).max(1).ilog2().clamp(least, MAX_BITS);
    let first = first_low(bits);
    let mut words = Vec::with_capacity(first + keys.len());
    words.push(bits as u16);
    words.resize(first, 0);
    words.extend(keys.iter().map(|&key| key as u16));
    for &key in keys {
        words[2 + bucket(key, depth, bits)] += 1;
    }
    words[1] = first as u16;
    for at in 2..first {
        words[at] += words[at - 1];
    }
    words
}

/// How many addresses there are.
pub(super) fn count(words: &[u16]) -> usize {
    match words {
        [WIDE, halves @ ..] => halves.len() / 2,
        [bits, ..] => words.len() - first_low((*bits).into()),
        [] => 0,
    }
}

/// Where an address stands among the others.
pub(super) fn position(words: &[u16], key: u32, depth: u32) -> Option<usize> {
    let (&form, rest) = words.split_first()?;
    if form == WIDE {
        let (pairs, _) = rest.as_chunks::<2>();
        return pairs.binary_search_by_key(&key, join).ok();
    }
    let bits = form.into();
    let bucket = bucket(key, depth, bits);
    let (from, to) = (rest[bucket].into(), rest[bucket + 1].into());
    let at = search(&words[..to], from, key as u16)?;
    Some(at - first_low(bits))
}

/// The words that finding an address looks at last.
pub(super) fn searched(words: &[u16], key: u32, depth: u32) -> &[u16] {
    match words {
        [form, rest @ ..] if *form != WIDE => {
            let to = usize::from(rest[bucket(key, depth, (*form).into()) + 1]);
            &words[to.saturating_sub(LANES)..to]
        }
        _ => words,
    }
}

/// How many words are compared at once.
const LANES: usize = 32;

/// The place of each of the last words counted from 1, and nothing for those before them; beginning at
/// the number of the last words.
const PLACES: [u16; 2 * LANES] = {
    let mut places = [0; 2 * LANES];
    let mut at = LANES;
    while at < 2 * LANES {
        places[at] = (at - LANES + 1) as u16;
        at += 1;
    }
    places
};

/// Where `low` stands among the last words, those from `from` on, which ascend.
fn search(words: &[u16], from: usize, low: u16) -> Option<usize> {
    let len = words.len() - from;
    let (Some(last), true) = (words.last_chunk::<LANES>(), len <= LANES) else {
        return words[from..].binary_search(&low).ok().map(|at| from + at);
    };
    // All at once and without a branch, which is quicker than a search in so few. At most one is equal.
    let mut place = 0;
    for (&word, &its_place) in last.iter().zip(&PLACES[len..len + LANES]) {
        place |= if word == low { its_place } else { 0 };
    }
    (place != 0).then(|| from + usize::from(place) - 1)
}

/// An address of its two halves.
fn join([high, low]: &[u16; 2]) -> u32 {
    u32::from(*high) << HALF | u32::from(*low)
}

/// Appends the addresses; `base` is what they have in common.
pub(super) fn unpack(words: &[u16], base: u32, depth: u32, keys: &mut Vec<u32>) {
    let Some((&form, rest)) = words.split_first() else { return };
    if form == WIDE {
        let (pairs, _) = rest.as_chunks::<2>();
        keys.extend(pairs.iter().map(join));
        return;
    }
    let directory = &words[1..first_low(form.into())];
    for (bucket, range) in (0u32..).zip(directory.array_windows::<2>()) {
        let bits = bucket.checked_shl(u32::BITS - depth - u32::from(form)).unwrap_or(0);
        let high = (base | bits) >> HALF << HALF;
        let [from, to] = range.map(usize::from);
        keys.extend(words[from..to].iter().map(|&low| high | u32::from(low)));
    }
}

/// Where the low halves begin behind a directory of so many bits.
fn first_low(bits: u32) -> usize {
    (1 << bits) + 2
}

/// The bucket of an address: the `bits` bits that follow the first `depth`.
fn bucket(key: u32, depth: u32, bits: u32) -> usize {
    (u64::from(key << depth) >> (u32::BITS - bits)) as usize
}
