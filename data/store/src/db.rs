//! The open database, and what all that work on it share.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use dnsbl_types::{Fork, Forks};
use rocksdb::{DB, ReadOptions, WriteBatch};

use crate::{
    StoreError,
    format::{
        key::{self, SegmentId, SegmentKey, ZoneId},
        schema::{self, cf, synced},
    },
};

/// What can be chosen when a store is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes of an import that are kept in memory, about; what is more goes to files meanwhile.
    pub staging_bytes: usize,
}

impl Default for StoreOptions {
    /// 48 MiB: twelve million plain IPv4 addresses.
    fn default() -> Self {
        Self { staging_bytes: 48 << 20 }
    }
}

/// The open database.
pub(crate) struct Db {
    pub(crate) rocks: DB,
    pub(crate) path: PathBuf,
    pub(crate) options: StoreOptions,
    next_segment: AtomicU32,
    /// Segments that are decided and not named yet. What is neither here nor named by a zone is garbage.
    staged: Mutex<HashSet<SegmentKey>>,
    failure: OnceLock<Failure>,
    /// Held by who adds to usage.
    pub(crate) usage_turn: Mutex<()>,
    /// Whether there is a copy for a backup.
    pub(crate) is_copied: AtomicBool,
    /// Where forks of the follower come from, if it has any.
    forks: Mutex<Option<Arc<dyn Forks>>>,
}

/// The reason for which the store takes no writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// Whether room on the disk would help.
    pub(crate) full: bool,
}

impl From<&StoreError> for Failure {
    fn from(err: &StoreError) -> Self {
        Self { reason: err.reason(), full: err.is_full() }
    }
}

impl Db {
    /// A database whose newest segment is `last`.
    pub(crate) fn new(
        rocks: DB,
        path: PathBuf,
        options: StoreOptions,
        last: SegmentId,
        failure: Option<Failure>,
    ) -> Self {
        Self {
            rocks,
            path,
            options,
            next_segment: AtomicU32::new(last.0 + 1),
            staged: Mutex::default(),
            failure: failure.map(OnceLock::from).unwrap_or_default(),
            usage_turn: Mutex::default(),
            is_copied: AtomicBool::new(false),
            forks: Mutex::default(),
        }
    }

    /// Takes no more writes from now on.
    pub(crate) fn set_failed(&self, failure: Failure) {
        // The first reason is the one that matters.
        let _ = self.failure.set(failure);
    }

    /// The reason for which there are no more writes.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Writes and syncs what is no change of the log. What a failed write leaves on the disk is unknown, so there is none
    /// after it, unless it is known that nothing was written.
    pub(crate) fn write_beside(&self, batch: WriteBatch) -> Result<(), StoreError> {
        if let Some(failure) = self.failure() {
            return Err(StoreError::Unwritable(failure.reason.clone()));
        }
        let written = self.rocks.write_opt(batch, &synced()).map_err(StoreError::from);
        written.inspect_err(|err| {
            if !err.is_out_of_files() {
                self.set_failed(Failure::from(err));
                tracing::error!(%err, "the store failed; it takes no writes until the server is started again");
            }
        })
    }

    /// Says where forks of the follower come from.
    pub(crate) fn set_forks(&self, forks: Option<Arc<dyn Forks>>) {
        *self.forks.lock().unwrap_or_else(PoisonError::into_inner) = forks;
    }

    /// A fork of the follower, and the last change that it has.
    pub(crate) fn fork(&self) -> Option<(Box<dyn Fork>, u64)> {
        let forks = self.forks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        forks.map(|forks| forks.fork())
    }

    /// A segment id that no other has, higher than all before it.
    pub(crate) fn next_segment(&self) -> SegmentId {
        SegmentId(self.next_segment.fetch_add(1, Ordering::Relaxed))
    }

    /// Writes the expiries of rows of a segment that no zone names yet. Should it never get a name, they are found by
    /// the sweep only, so what is begun after a restart takes another id.
    pub(crate) fn write_expiries(&self, mut batch: WriteBatch) -> Result<(), StoreError> {
        // A later write has a higher id.
        let _turn = self.staged();
        let free = self.next_segment.load(Ordering::Relaxed);
        batch.put_cf(cf(&self.rocks, schema::META), key::FREE_SEGMENT, free.to_be_bytes());
        Ok(self.rocks.write_opt(batch, &synced())?)
    }

    /// Whether a segment is decided and not named yet.
    pub(crate) fn is_staged(&self, segment: SegmentKey) -> bool {
        self.staged().contains(&segment)
    }

    fn staged(&self) -> MutexGuard<'_, HashSet<SegmentKey>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes all rows of a family between two keys: whole tables at once, then what is left.
    pub(crate) fn remove_rows(
        &self,
        family: &'static str,
        from: &[u8],
        to: &[u8],
    ) -> Result<(), StoreError> {
        let family = cf(&self.rocks, family);
        let mut within = ReadOptions::default();
        within.set_iterate_upper_bound(to);
        let mut iter = self.rocks.raw_iterator_cf_opt(family, within);
        iter.seek(from);
        if !iter.valid() {
            return Ok(iter.status()?);
        }
        drop(iter);
        self.rocks.delete_file_in_range_cf(family, from, to)?;
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(family, from, to);
        Ok(self.rocks.write_opt(batch, &synced())?)
    }
}

/// A segment that no zone and no undo record names yet; dropping it before that removes its rows.
pub(crate) struct UnnamedSegment {
    db: Arc<Db>,
    /// Where its rows lie.
    family: &'static str,
    key: SegmentKey,
    named: bool,
}

impl UnnamedSegment {
    /// A new one in a family.
    pub(crate) fn new(db: &Arc<Db>, family: &'static str, zone: ZoneId) -> Self {
        let key = SegmentKey { zone, segment: db.next_segment() };
        db.staged().insert(key);
        Self { db: db.clone(), family, key, named: false }
    }

    /// The start of the keys of its rows.
    pub(crate) fn key(&self) -> SegmentKey {
        self.key
    }

    /// Leaves the rows where they are: they are named now.
    pub(crate) fn set_named(mut self) {
        self.named = true;
    }
}

impl Drop for UnnamedSegment {
    fn drop(&mut self) {
        self.db.staged().remove(&self.key);
        if self.named {
            return;
        }
        if let Err(err) = self.db.remove_rows(self.family, &self.key.bytes(), &self.key.end()) {
            // The rows stay invisible, and the next start removes them.
            tracing::warn!(%err, "could not remove the rows of an import that was not committed");
        }
    }
}
