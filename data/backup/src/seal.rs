//! The seal of a backup: the digest of all its octets, in a frame of zstd that whoever unpacks it skips (RFC 8878 section
//! 3.1.2).

use std::io::{self, Read, Write};

use crate::BackupError;

/// The octets of a seal before the digest: the frame's magic number, and the length of what is in it.
const HEAD: [u8; 8] = [0x5b, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];
/// The octets of a seal.
const LEN: usize = HEAD.len() + blake3::OUT_LEN;
/// Octets that are read at once.
const PIECE: usize = 128 << 10;

/// A writer that hashes what goes through it.
pub(crate) struct SealWriter<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> SealWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, hasher: blake3::Hasher::new() }
    }

    /// Writes the seal behind what was written.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&HEAD)?;
        self.out.write_all(self.hasher.finalize().as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A reader of all that comes before a seal, which hashes it.
pub(crate) struct SealReader<R> {
    from: R,
    hasher: blake3::Hasher,
    /// What was read and not handed out; the last octets may be the seal.
    held: Vec<u8>,
    /// How much of that was handed out.
    taken: usize,
    is_at_end: bool,
    /// The reading itself failed, whatever whoever unpacks makes of it.
    failed: Option<io::Error>,
}

impl<R: Read> SealReader<R> {
    pub(crate) fn new(from: R) -> Self {
        let (held, hasher) = (Vec::with_capacity(PIECE + LEN), blake3::Hasher::new());
        Self { from, hasher, held, taken: 0, is_at_end: false, failed: None }
    }

    /// The error that reading met, if any.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Checks the seal once all before it was read.
    pub(crate) fn check(mut self) -> Result<(), BackupError> {
        if self.read(&mut [0])? != 0 {
            return Err(BackupError::Damaged("something follows behind its end"));
        }
        let seal = &self.held[self.taken..];
        match seal.split_first_chunk::<8>() {
            Some((head, digest))
                if *head == HEAD && *digest == self.hasher.finalize().as_bytes()[..] =>
            {
                Ok(())
            }
            _ => Err(BackupError::Damaged("its digest is another one, or its end is missing")),
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.held.drain(..self.taken);
        self.taken = 0;
        let before = self.held.len();
        self.held.resize(PIECE + LEN, 0);
        let read = loop {
            match self.from.read(&mut self.held[before..]) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let found = *read.as_ref().unwrap_or(&0);
        self.held.truncate(before + found);
        self.is_at_end = found == 0;
        read.map(drop)
    }
}

impl<R: Read> Read for SealReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.held.len() - self.taken <= LEN && !self.is_at_end {
            if let Err(err) = self.fill() {
                self.failed = Some(io::Error::new(err.kind(), err.to_string()));
                return Err(err);
            }
        }
        let count = (self.held.len() - self.taken).saturating_sub(LEN).min(bytes.len());
        let handed = &self.held[self.taken..][..count];
        bytes[..count].copy_from_slice(handed);
        self.hasher.update(handed);
        self.taken += count;
        Ok(count)
    }
}
