//! Blocks of plain IPv4 addresses: what most lists consist of, in two bytes each.
//!
//! A block holds the addresses of one /16 of which a segment says nothing but "listed", and which were
//! written with the segment. Its value is the last two octets of each, ascending and big-endian, or
//! where that would be longer, a bit for each address of the /16. So it has at most 8 KiB, and taking
//! one address out of it stays cheap.

use crate::StoreError;

/// A list follows.
const LIST: u8 = 1;
/// A bitmap follows.
const BITMAP: u8 = 2;
/// The bytes of a bitmap.
const BITMAP_LEN: usize = 1 << 13;
/// The most addresses in a list.
const MOST_LISTED: usize = BITMAP_LEN / 2;

/// The two halves of an address: its /16 and its place therein.
pub(crate) fn split(addr: u32) -> (u16, u16) {
    ((addr >> 16) as u16, addr as u16)
}

/// The address at a place in a /16.
pub(crate) fn join(net: u16, low: u16) -> u32 {
    u32::from(net) << 16 | u32::from(low)
}

/// The value of a block of these places, which are ascending.
pub(crate) fn encode(lows: &[u16]) -> Vec<u8> {
    if lows.len() <= MOST_LISTED {
        let mut bytes = Vec::with_capacity(1 + 2 * lows.len());
        bytes.push(LIST);
        bytes.extend(lows.iter().flat_map(|low| low.to_be_bytes()));
        return bytes;
    }
    let mut bytes = vec![0; 1 + BITMAP_LEN];
    bytes[0] = BITMAP;
    for low in lows {
        bytes[1 + usize::from(low >> 3)] |= 1 << (low & 7);
    }
    bytes
}

/// Reads what [`encode`] wrote into `lows`.
pub(crate) fn decode(bytes: &[u8], lows: &mut Vec<u16>) -> Result<(), StoreError> {
    lows.clear();
    match bytes {
        [LIST, list @ ..] if !list.is_empty() && list.len() % 2 == 0 => {
            let (pairs, _) = list.as_chunks::<2>();
            lows.extend(pairs.iter().map(|pair| u16::from_be_bytes(*pair)));
        }
        [BITMAP, bits @ ..] if bits.len() == BITMAP_LEN => {
            let set = |low: &u16| bits[usize::from(low >> 3)] & 1 << (low & 7) != 0;
            lows.extend((0..=u16::MAX).filter(set));
        }
        _ => return Err(unreadable(bytes)),
    }
    Ok(())
}

/// Whether a block has an address at this place.
pub(crate) fn contains(bytes: &[u8], low: u16) -> Result<bool, StoreError> {
    match bytes {
        [LIST, list @ ..] if !list.is_empty() && list.len() % 2 == 0 => {
            let (pairs, _) = list.as_chunks::<2>();
            Ok(pairs.binary_search(&low.to_be_bytes()).is_ok())
        }
        [BITMAP, bits @ ..] if bits.len() == BITMAP_LEN => {
            Ok(bits[usize::from(low >> 3)] & 1 << (low & 7) != 0)
        }
        _ => Err(unreadable(bytes)),
    }
}

fn unreadable(bytes: &[u8]) -> StoreError {
    let head = &bytes[..bytes.len().min(8)];
    StoreError::unreadable("block of addresses", format!("{} bytes: {head:x?}", bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::{contains, decode, encode};

    #[test]
    fn a_block_of_any_density_is_read_back() {
        for step in [1, 2, 15, 16, 17, 1000, 65_535] {
            let lows: Vec<u16> = (0..=u16::MAX).step_by(step).collect();
            let bytes = encode(&lows);
            assert!(bytes.len() <= 8193, "{}", bytes.len());
            let mut read = Vec::new();
            decode(&bytes, &mut read).unwrap();
            assert_eq!(read, lows);
            for low in [0u16, 1, 1000, 65_535] {
                assert_eq!(contains(&bytes, low).unwrap(), lows.contains(&low), "{step} {low}");
            }
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused() {
        for bytes in [&[][..], &[1], &[1, 2], &[2, 0], &[9, 1, 1]] {
            assert!(decode(bytes, &mut Vec::new()).is_err(), "{bytes:?}");
            assert!(contains(bytes, 0).is_err(), "{bytes:?}");
        }
    }
}
