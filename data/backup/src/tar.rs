//! The frames of tar (POSIX.1-2001, ustar) around the files of a backup. One of ours is like another, so a frame that is read is
//! compared with the one that would be written.

use std::io::{self, Read, Write};

use crate::BackupError;

/// The name of the manifest.
pub(crate) const MANIFEST: &str = "backup.json";
/// The largest manifest, in octets.
const LARGEST_MANIFEST: u64 = 32 << 20;
/// All that tar writes comes in blocks of so many octets.
pub(crate) const BLOCK: usize = 512;
/// The largest file whose size octal digits can tell; larger ones are told in 256s, as GNU tar does.
const LARGEST_OCTAL: u64 = 0o77_777_777_777;

const SIZE: std::ops::Range<usize> = 124..136;

/// The frame of a file.
pub(crate) fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\0");
    put(263, b"00");
    if size <= LARGEST_OCTAL {
        put(SIZE.start, format!("{size:011o}\0").as_bytes());
    } else {
        put(SIZE.start, &[0x80]);
        put(SIZE.end - 8, &size.to_be_bytes());
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// How many octets of nothing follow a file.
pub(crate) fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Writes the end of an archive.
pub(crate) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// Reads the frame of a file that is known.
pub(crate) fn expect_header(
    from: &mut impl Read,
    name: &str,
    size: u64,
) -> Result<(), BackupError> {
    match block(from)? == header(name, size) {
        true => Ok(()),
        false => Err(BackupError::Damaged("a file in it is not where it should be")),
    }
}

/// Reads the frame of the manifest; its size.
pub(crate) fn read_first(from: &mut impl Read) -> Result<u64, BackupError> {
    let block = block(from)?;
    let digits = std::str::from_utf8(&block[SIZE.start..SIZE.end - 1]).ok();
    let size = digits.and_then(|digits| u64::from_str_radix(digits, 8).ok());
    match size.filter(|size| *size <= LARGEST_MANIFEST && block == header(MANIFEST, *size)) {
        Some(size) => Ok(size),
        None => Err(BackupError::Foreign),
    }
}

/// Reads what has to be nothing.
pub(crate) fn expect_zeros(from: &mut impl Read, count: usize) -> Result<(), BackupError> {
    let mut zeros = vec![0; count];
    from.read_exact(&mut zeros)?;
    match zeros.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(BackupError::Damaged("there is something between the files in it")),
    }
}

fn block(from: &mut impl Read) -> io::Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    from.read_exact(&mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, header, padding};

    #[test]
    fn a_frame_has_the_sum_of_its_octets_and_the_size() {
        let block = header("CURRENT", 16);
        assert_eq!(&block[..8], b"CURRENT\0");
        assert_eq!(&block[124..136], b"00000000020\0");
        let huge = header("a", 1 << 40);
        assert_eq!((huge[124], &huge[128..136]), (0x80, &(1u64 << 40).to_be_bytes()[..]));
        assert_eq!([padding(0), padding(1), padding(512), padding(513)], [0, BLOCK - 1, 0, 511]);
    }
}
