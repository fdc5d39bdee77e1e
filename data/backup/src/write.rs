//! Writing a backup.

use std::io::{Read, Write};

use zstd::Encoder;

use crate::{BackupError, Manifest, seal::SealWriter, tar};

/// The tables of a store are packed already; more takes much longer and saves little.
const LEVEL: i32 = 1;
/// Octets that are copied at once.
const PIECE: usize = 256 << 10;

/// Writes a backup of the files that a manifest names, each of which `open` opens, and returns what it was written to.
///
/// # Errors
/// Reading or writing fails, or a file is not as the manifest says.
pub fn write<W: Write, R: Read>(
    out: W,
    manifest: &Manifest,
    mut open: impl FnMut(&str) -> std::io::Result<R>,
) -> Result<W, BackupError> {
    let mut packer = Encoder::new(SealWriter::new(out), LEVEL)?;
    packer.include_checksum(true)?;
    let encoded = manifest.encode()?;
    let size = encoded.len() as u64;
    packer.write_all(&tar::header(tar::MANIFEST, size))?;
    packer.write_all(&encoded)?;
    packer.write_all(&[0; tar::BLOCK][..tar::padding(size)])?;
    let mut piece = vec![0; PIECE];
    for file in &manifest.files {
        packer.write_all(&tar::header(&file.name, file.size))?;
        let (mut from, mut hasher, mut left) =
            (open(&file.name)?, blake3::Hasher::new(), file.size);
        while left > 0 {
            let most = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = from.read(&mut piece[..most])?;
            if read == 0 {
                return Err(BackupError::Changed(file.name.clone()));
            }
            hasher.update(&piece[..read]);
            packer.write_all(&piece[..read])?;
            left -= read as u64;
        }
        if *hasher.finalize().to_hex() != *file.blake3 {
            return Err(BackupError::Changed(file.name.clone()));
        }
        packer.write_all(&[0; tar::BLOCK][..tar::padding(file.size)])?;
    }
    tar::end(&mut packer)?;
    Ok(packer.finish()?.finish()?)
}
