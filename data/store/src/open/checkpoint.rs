//! Copies of a store that goes on: what RocksDB calls a checkpoint, in a folder beside the store.
//!
//! Tables are hard links, so a copy takes no room at first but for the log; what compaction would delete meanwhile stays as
//! long as the copy does. So there is one at a time, and none where the disk is nearly full.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use dnsbl_types::UnixTime;
use rocksdb::checkpoint::Checkpoint as RocksCheckpoint;
use rustix::fs::statvfs;

use crate::{
    Reader, StoreError,
    db::Db,
    format::schema,
    open::{
        check::{self, sibling},
        database::damage,
        salvage::io_at,
    },
};

/// Bytes that the disk must have left when a copy begins: the log and what is in memory, and then some.
const ROOM: u64 = 256 << 20;
/// Bytes below which a copy is given up.
const LEAST: u64 = 64 << 20;
/// What the folder of a copy is called, behind the store's name.
const SUFFIX: &str = "backup";
/// What the folder is called into which a backup is read.
pub(crate) const RESTORING: &str = "restoring";

/// A copy of a store, all of which could be read. It goes when this is dropped.
pub struct Checkpoint {
    db: Arc<Db>,
    path: PathBuf,
    /// The history that it is of.
    pub epoch: u64,
    /// The last change that it has; it has all before it.
    pub seq: u64,
}

/// Reads every row of a copy, as nobody wants a backup of what is damaged; returns its epoch and last change.
fn read_all(path: &Path) -> Result<(u64, u64), StoreError> {
    let db = check::open_read_only(path, schema::RECOVERY)?;
    for family in schema::FAMILIES {
        check::read_family(&db, family).map_err(damage(path))?;
    }
    let reader = Reader::new(&db, UnixTime(0));
    Ok((reader.epoch()?, reader.head()?))
}

impl Checkpoint {
    /// Copies a store as it is at one moment, beside it. Changes go on.
    pub(crate) fn take(db: Arc<Db>) -> Result<Self, StoreError> {
        if db.is_copied.swap(true, Ordering::Acquire) {
            return Err(StoreError::Copied);
        }
        // From here on it is dropped, and so removed, whatever fails.
        let path = sibling(&db.path, SUFFIX);
        let mut copy = Self { db, path, epoch: 0, seq: 0 };
        copy.require_room(ROOM)?;
        remove(&copy.path)?;
        RocksCheckpoint::new(&copy.db.rocks)?.create_checkpoint(&copy.path)?;
        (copy.epoch, copy.seq) = read_all(&copy.path)?;
        Ok(copy)
    }

    /// The folder of the copy.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file of the copy, as long as the disk has room for what the copy keeps from being deleted.
    ///
    /// # Errors
    /// It has not, or the file can't be opened.
    pub fn open(&self, name: &str) -> io::Result<File> {
        self.require_room(LEAST).map_err(io::Error::other)?;
        File::open(self.path.join(name))
    }

    fn require_room(&self, bytes: u64) -> Result<(), StoreError> {
        let free = free_bytes(&self.db.path)?;
        if free >= bytes {
            return Ok(());
        }
        let (free, bytes) = (free >> 20, bytes >> 20);
        let reason =
            format!("the disk has {free} MiB left, and a backup needs {bytes} MiB beside it");
        let reason = io::Error::new(io::ErrorKind::StorageFull, reason);
        Err(StoreError::Io { path: self.db.path.clone(), reason })
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        if let Err(err) = remove(&self.path) {
            tracing::warn!(%err, "the copy of the store for a backup can't be removed; the next start does that");
        }
        self.db.is_copied.store(false, Ordering::Release);
    }
}

/// Bytes that may yet be written to the disk of a folder.
pub(crate) fn free_bytes(folder: &Path) -> Result<u64, StoreError> {
    let found = statvfs(folder).map_err(io::Error::from);
    let found = io_at(folder, found)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Removes what a crash has left of a copy, or of the reading of one.
pub(crate) fn clear(store: &Path) -> Result<(), StoreError> {
    remove(&sibling(store, SUFFIX))?;
    remove(&sibling(store, RESTORING))
}

/// Removes a copy, and one that was not finished.
fn remove(path: &Path) -> Result<(), StoreError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    for path in [path, Path::new(&unfinished)] {
        match fs::remove_dir_all(path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => io_at(path, Err(err))?,
            _ => {}
        }
    }
    Ok(())
}
