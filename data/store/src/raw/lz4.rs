//! Decompression of an LZ4 block.

/// Decompresses the block at the start of `input` to exactly `len` bytes, and says how many bytes it has.
///
/// A block does not say where it ends, but where its last literals fill the output nothing can follow.
pub(crate) fn decompress(input: &[u8], len: usize) -> Option<(Vec<u8>, usize)> {
    let mut out = Vec::with_capacity(len);
    let mut at = 0;
    loop {
        let token = *input.get(at)?;
        at += 1;
        let literals = length(input, &mut at, usize::from(token >> 4))?;
        out.extend_from_slice(input.get(at..at.checked_add(literals)?)?);
        at += literals;
        if out.len() >= len {
            return (out.len() == len).then_some((out, at));
        }
        let (&[low, high], _) = input.get(at..)?.split_first_chunk::<2>()?;
        at += 2;
        let offset = usize::from(u16::from_le_bytes([low, high]));
        let copied = length(input, &mut at, usize::from(token & 15))?.checked_add(4)?;
        if offset == 0 || offset > out.len() || copied > len - out.len() {
            return None;
        }
        let from = out.len() - offset;
        for i in from..from + copied {
            out.push(out[i]);
        }
    }
}

fn length(input: &[u8], at: &mut usize, nibble: usize) -> Option<usize> {
    let mut len = nibble;
    if nibble == 15 {
        loop {
            let byte = *input.get(*at)?;
            *at += 1;
            len = len.checked_add(usize::from(byte))?;
            if byte != 255 {
                break;
            }
        }
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::decompress;

    #[test]
    fn copies_may_overlap_what_they_write() {
        let block = [0x1f, b'a', 1, 0, 5, 0x50, b'b', b'c', b'd', b'e', b'f', 9, 9];
        let (out, used) = decompress(&block, 30).unwrap();
        assert_eq!(out, [&[b'a'; 25][..], b"bcdef"].concat());
        assert_eq!(used, 11);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for bytes in [&[][..], &[0x10], &[0x10, b'a', 0, 0], &[0x10, b'a', 2, 0], &[0xf0, 255]] {
            assert!(decompress(bytes, 9).is_none(), "{bytes:?}");
        }
    }
}
