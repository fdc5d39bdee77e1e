//! A digest of what an import accepted.

use crate::import::merge::Merge;

/// The digest of the rows of an import; see [`crate::ImportSummary::digest`].
#[derive(Default)]
pub(crate) struct Digest {
    hosts: Hashing,
    rows: Hashing,
}

/// Hashes in pieces of some size, since many small ones are slow.
#[derive(Default)]
struct Hashing {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Digest {
    pub(crate) fn add(&mut self, row: &Merge<'_>) {
        match (row.host(), row.key()) {
            (Some(addr), _) => self.hosts.add(&addr.to_be_bytes()),
            (None, Some(subject)) => {
                self.rows.add(&(subject.len() as u32).to_be_bytes());
                self.rows.add(&(row.value().len() as u32).to_be_bytes());
                self.rows.add(subject);
                self.rows.add(row.value());
            }
            (None, None) => {}
        }
    }

    pub(crate) fn finish(self) -> String {
        let mut both = blake3::Hasher::new();
        both.update(self.hosts.finish().as_bytes()).update(self.rows.finish().as_bytes());
        both.finalize().to_hex().to_string()
    }
}

impl Hashing {
    const PIECE: usize = 64 << 10;

    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= Self::PIECE {
            self.hasher.update(&self.bytes);
            self.bytes.clear();
        }
    }

    fn finish(mut self) -> blake3::Hash {
        self.hasher.update(&self.bytes);
        self.hasher.finalize()
    }
}
