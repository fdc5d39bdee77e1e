//! Reading a backup, all of it verified on the way. Nothing counts before the end has been reached.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use zstd::Decoder;

use crate::{BackupError, Manifest, seal::SealReader, tar};

/// How a frame of zstd begins (RFC 8878 section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Octets that are copied at once.
const PIECE: usize = 256 << 10;

/// Where the files of a backup go. What it is given is not verified yet.
pub trait Destination {
    /// Hears what is to come.
    ///
    /// # Errors
    /// It can't be taken, as for want of room.
    fn admit(&mut self, manifest: &Manifest) -> io::Result<()>;
    /// Begins a file.
    ///
    /// # Errors
    /// It can't be made.
    fn begin(&mut self, name: &str) -> io::Result<()>;
    /// Takes more of the file.
    ///
    /// # Errors
    /// It can't be written.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Ends the file.
    ///
    /// # Errors
    /// It can't be kept.
    fn end(&mut self) -> io::Result<()>;
}

/// A destination that keeps nothing: the backup is only verified.
#[derive(Debug)]
pub struct Nowhere;

impl Destination for Nowhere {
    fn admit(&mut self, _: &Manifest) -> io::Result<()> {
        Ok(())
    }
    fn begin(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn take(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A folder, in which each file is new, synced, and its owner's alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    file: Option<File>,
}

impl Folder {
    /// A folder that is there and empty.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }
}

impl Destination for Folder {
    fn admit(&mut self, _: &Manifest) -> io::Result<()> {
        Ok(())
    }

    fn begin(&mut self, name: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        self.file = Some(options.open(self.path.join(name))?);
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    fn end(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.sync_all())
    }
}

/// Reads a backup to its end and returns what it is of, if all of it is as it was written.
///
/// # Errors
/// It is no backup, of a newer form, damaged, cut off, followed by something else, or reading or writing fails. What
/// the destination was given is worth nothing then.
pub fn read(from: impl Read, to: &mut impl Destination) -> Result<Manifest, BackupError> {
    let mut packed = BufReader::new(SealReader::new(from));
    if !packed.fill_buf()?.starts_with(&ZSTD) {
        return Err(BackupError::Foreign);
    }
    let unpacked = {
        let mut unpacker = Decoder::with_buffer(&mut packed)?.single_frame();
        unpack(&mut unpacker, to)
    };
    // Else what failed would be taken for damage.
    if let Some(err) = packed.get_mut().take_failure() {
        return Err(err.into());
    }
    let manifest = unpacked?;
    if !packed.fill_buf()?.is_empty() {
        return Err(BackupError::Damaged("something follows behind its end"));
    }
    packed.into_inner().check()?;
    Ok(manifest)
}

fn unpack(from: &mut impl Read, to: &mut impl Destination) -> Result<Manifest, BackupError> {
    let mut encoded = vec![0; tar::read_first(from).map_err(as_damage)? as usize];
    exact(from, &mut encoded)?;
    tar::expect_zeros(from, tar::padding(encoded.len() as u64)).map_err(as_damage)?;
    let manifest = Manifest::decode(&encoded)?;
    to.admit(&manifest)?;
    let mut piece = vec![0; PIECE];
    for file in &manifest.files {
        tar::expect_header(from, &file.name, file.size).map_err(as_damage)?;
        to.begin(&file.name)?;
        let (mut hasher, mut left) = (blake3::Hasher::new(), file.size);
        while left > 0 {
            let most = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            exact(from, &mut piece[..most])?;
            hasher.update(&piece[..most]);
            to.take(&piece[..most])?;
            left -= most as u64;
        }
        if *hasher.finalize().to_hex() != *file.blake3 {
            return Err(BackupError::File(file.name.clone()));
        }
        to.end()?;
        tar::expect_zeros(from, tar::padding(file.size)).map_err(as_damage)?;
    }
    tar::expect_zeros(from, 2 * tar::BLOCK).map_err(as_damage)?;
    let mut more = [0];
    match from.read(&mut more) {
        Ok(0) => Ok(manifest),
        Ok(_) => Err(BackupError::Damaged("there is more in it than its manifest says")),
        Err(_) => Err(BROKEN),
    }
}

const BROKEN: BackupError = BackupError::Damaged("it can't be unpacked, or is cut off");

fn exact(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), BackupError> {
    from.read_exact(bytes).map_err(|_| BROKEN)
}

/// What fails while it is unpacked is damage.
fn as_damage(err: BackupError) -> BackupError {
    match err {
        BackupError::Io(_) => BROKEN,
        err => err,
    }
}
