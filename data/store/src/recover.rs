//! Saving what can be saved of a store that RocksDB refuses to open.
//!
//! Nothing is done to the store itself until it is told to: a copy is recovered and looked at. The
//! copy keeps the longest run of changes that can be read without a gap, and begins a new epoch, so
//! that nobody takes its next changes for the ones that were lost.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dnsbl_types::{Name, UnixTime};
use rocksdb::{DB, DBRecoveryMode, Options, WriteOptions};

use crate::{
    LogEntry, Reader, StoreError,
    cursor::Reading,
    documents,
    open::{lock_holder, open_db},
    scan::{View, cf},
    schema, state,
};

/// What a recovery would keep and drop.
#[derive(Debug)]
pub struct Recovery {
    store: PathBuf,
    copy: PathBuf,
    /// The last change that is kept.
    pub head: u64,
    /// Zones that are kept.
    pub zones: Vec<ZoneSurvey>,
    /// Changes after the last one that is kept, as far as they can be read. There may have been others.
    pub dropped: Vec<LogEntry>,
    /// Why none of them could be read, if that failed.
    pub unread: Option<String>,
    /// Whether even the tables had to be rebuilt, so that older rows may be missing too.
    pub repaired: bool,
}

/// What a recovered copy holds of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSurvey {
    /// The zone.
    pub origin: Name,
    /// Listings and exclusions in the copy.
    pub found: u64,
    /// How many there should be.
    pub expected: u64,
}

impl Recovery {
    /// Recovers a copy beside the store and looks at what it holds.
    pub fn plan(store: &Path) -> Result<Self, StoreError> {
        if let Some(pid) = lock_holder(store) {
            return Err(StoreError::Locked {
                path: store.into(),
                holder: format!("process {pid}"),
            });
        }
        let copy = sibling(store, "recovered");
        copy_store(store, &copy)?;
        let (db, repaired) = open_prefix(&copy)?;
        let (head, zones) = survey(&db)?;
        begin_epoch(&db)?;
        drop(db);
        let (dropped, unread) = match read_beyond(store, head) {
            Ok(dropped) => (dropped, None),
            Err(err) => (Vec::new(), Some(err.to_string())),
        };
        Ok(Self { store: store.into(), copy, head, zones, dropped, unread, repaired })
    }

    /// Puts the copy in the store's place and returns where the damaged store now lies.
    pub fn apply(self, now: UnixTime) -> Result<PathBuf, StoreError> {
        let aside = sibling(&self.store, &format!("damaged-{}", now.0));
        rename(&self.store, &aside)?;
        rename(&self.copy, &self.store)?;
        if let Some(parent) = self.store.parent() {
            io_at(parent, fs::File::open(parent).and_then(|folder| folder.sync_all()))?;
        }
        Ok(aside)
    }

    /// Removes the copy.
    pub fn discard(self) -> Result<(), StoreError> {
        io_at(&self.copy, fs::remove_dir_all(&self.copy))
    }
}

/// Opens the copy up to the first record that can't be read; rebuilds its tables if it must.
fn open_prefix(copy: &Path) -> Result<(DB, bool), StoreError> {
    match open_db(copy, &lenient(DBRecoveryMode::PointInTime)) {
        Err(StoreError::Damaged { .. }) => {
            let mut options = lenient(DBRecoveryMode::PointInTime);
            options.set_paranoid_checks(false);
            DB::repair(&options, copy)?;
            let db = open_db(copy, &options)?;
            documents::rebuild_index(&db)?;
            Ok((db, true))
        }
        opened => Ok((opened?, false)),
    }
}

fn lenient(mode: DBRecoveryMode) -> Options {
    let mut options = schema::db_options();
    options.set_wal_recovery_mode(mode);
    options.set_track_and_verify_wals_in_manifest(false);
    options
}

fn survey(db: &DB) -> Result<(u64, Vec<ZoneSurvey>), StoreError> {
    let reader = Reader { view: View::new(db), now: UnixTime(0) };
    let mut zones = Vec::new();
    for (origin, state) in state::read_zones(&reader.view)? {
        let mut found = 0;
        let mut scan = reader.view.scan(&state.segments, &[], None, Reading::All)?;
        while let Some(at) = scan.next()? {
            found += at.rows.len() as u64;
        }
        let expected = state.listings + state.exclusions;
        zones.push(ZoneSurvey { origin, found, expected });
    }
    Ok((reader.head()?, zones))
}

fn begin_epoch(db: &DB) -> Result<(), StoreError> {
    let epoch = Reader { view: View::new(db), now: UnixTime(0) }.epoch()? + 1;
    let mut options = WriteOptions::default();
    options.set_sync(true);
    Ok(db.put_cf_opt(cf(db, schema::META), b"epoch", epoch.to_be_bytes(), &options)?)
}

/// Entries after `head` that can still be read, from a second copy that skips what can't.
fn read_beyond(store: &Path, head: u64) -> Result<Vec<LogEntry>, StoreError> {
    let copy = sibling(store, "salvaged");
    copy_store(store, &copy)?;
    let entries = open_db(&copy, &lenient(DBRecoveryMode::SkipAnyCorruptedRecord)).and_then(|db| {
        let reader = Reader { view: View::new(&db), now: UnixTime(0) };
        Ok(reader.log_within(head, usize::MAX, usize::MAX)?.unwrap_or_default())
    });
    io_at(&copy, fs::remove_dir_all(&copy))?;
    entries
}

/// Copies a store; tables never change, so links to them do.
fn copy_store(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(to) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return io_at(to, Err(err)),
        _ => io_at(to, fs::create_dir_all(to))?,
    }
    for entry in io_at(from, fs::read_dir(from))? {
        let entry = io_at(from, entry)?;
        let (source, name) = (entry.path(), entry.file_name());
        let target = to.join(&name);
        let name = name.to_string_lossy();
        if name == "LOCK"
            || name.starts_with("LOG")
            || !io_at(&source, entry.file_type())?.is_file()
        {
            continue;
        }
        let linked = name.ends_with(".sst") && fs::hard_link(&source, &target).is_ok();
        if !linked {
            io_at(&source, fs::copy(&source, &target))?;
        }
    }
    Ok(())
}

fn sibling(store: &Path, suffix: &str) -> PathBuf {
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    store.with_file_name(format!("{name}.{suffix}"))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    io_at(from, fs::rename(from, to))
}

fn io_at<T>(path: &Path, result: io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|reason| StoreError::Io { path: path.into(), reason })
}
