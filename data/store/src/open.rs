//! Opening the store, and what is done with it.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicU32},
};

use dnsbl_types::{Follower, Name, Source, UnixTime};
use rocksdb::{ColumnFamilyDescriptor, DB, ErrorKind, Options, WriteOptions};

use crate::{
    Actor, Change, ChangeError, Done, Reader, Staging, StoreError,
    check::{self, Presence},
    group::Ledger,
    head::{self, Head},
    import::{self, StagedSegments},
    key::{SegmentId, SegmentKey, ZoneId},
    load,
    scan::{View, cf},
    schema, state,
    state::Zones,
    sweep::Swept,
    writer::{self, Job, Writer},
};

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    /// `None` before [`Store::start`] and after [`Store::close`].
    writer: Arc<Mutex<Option<Writer>>>,
}

pub(crate) struct Inner {
    pub(crate) db: Arc<DB>,
    pub(crate) path: PathBuf,
    pub(crate) next_segment: AtomicU32,
    pub(crate) staged: StagedSegments,
    pub(crate) options: StoreOptions,
    failed: OnceLock<Failure>,
}

/// Why the store takes no writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// Whether room on the disk would help.
    pub(crate) full: bool,
}

impl Inner {
    pub(crate) fn set_failed(&self, failure: Failure) {
        // The first reason is the one that matters.
        let _ = self.failed.set(failure);
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failed.get()
    }

    /// An error that says that nothing can be written, if that is so.
    pub(crate) fn unwritable(&self) -> Option<ChangeError> {
        let Failure { reason, full } = self.failure()?.clone();
        Some(ChangeError::Unwritable { reason, full })
    }
}

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

/// Integer properties of RocksDB that each column family has of its own.
const OF_FAMILIES: [&str; 5] = [
    "estimate-num-keys",
    "estimate-live-data-size",
    "live-sst-files-size",
    "cur-size-all-mem-tables",
    "estimate-pending-compaction-bytes",
];
/// Those that all families share, and each tells.
const SHARED: [&str; 2] = ["block-cache-usage", "num-running-compactions"];
/// What the database counts with the family that every one has.
const OF_DATABASE: &str = "background-errors";

impl Store {
    /// The store in a folder. One is made where the folder is empty or absent, and nowhere else.
    ///
    /// Where the disk is full or read-only the store is opened all the same and takes no writes
    /// ([`failure`](Self::failure) says why).
    ///
    /// # Errors
    ///
    /// If it is locked, damaged, of a newer release, or has fewer changes than were acknowledged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, StoreOptions::default())
    }

    /// The same with options of its own.
    pub fn open_with(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let (db, failure) = match open_for_writing(path) {
            Ok(db) => (db, None),
            Err(err) if err.is_full() || err.is_read_only() => {
                let failure = Failure { reason: err.reason(), full: err.is_full() };
                (open_as_it_is(path, err)?, Some(failure))
            }
            Err(err) => return Err(err),
        };
        let zones = state::read_zones(&View::new(&db)).map_err(|err| err.into_damage(path))?;
        if failure.is_none() {
            remove_unnamed_rows(&db, &zones).map_err(|err| err.into_damage(path))?;
        }
        let segments = zones.values().flat_map(|state| &state.segments);
        let last = segments.map(|segment| segment.key.segment.0).max().unwrap_or(0);
        let inner = Inner {
            db: Arc::new(db),
            path: path.into(),
            next_segment: AtomicU32::new(last + 1),
            staged: StagedSegments::default(),
            options,
            failed: failure.map(OnceLock::from).unwrap_or_default(),
        };
        Ok(Self { inner: Arc::new(inner), writer: Arc::default() })
    }

    /// Whether anything of a store lies in a folder.
    ///
    /// # Errors
    ///
    /// If what lies there is damaged, or something else.
    pub fn exists(path: &Path) -> Result<bool, StoreError> {
        Ok(check::presence(path)? != Presence::Nothing)
    }

    /// Shows a follower everything that the store holds.
    pub fn load(&self, follower: &mut dyn Follower) -> Result<(), StoreError> {
        self.show(follower).map_err(|err| err.into_damage(&self.inner.path))
    }

    fn show(&self, follower: &mut dyn Follower) -> Result<(), StoreError> {
        let reader = self.read(UnixTime(0));
        let zones: Vec<_> = state::read_zones(&reader.view)?.into_values().collect();
        load::show_all(&reader.view, &zones, reader.head()?, follower)
    }

    /// Starts the writer. The follower must have been shown what the store holds.
    pub fn start(&self, follower: Box<dyn Follower>) -> Result<(), StoreError> {
        let reader = self.read(UnixTime(0));
        let zones = state::read_zones(&reader.view)?;
        let next_zone = zones.values().map(|state| state.id.0 + 1).max().unwrap_or(1);
        let ledger = Ledger {
            zones,
            head: reader.head()?,
            epoch: reader.epoch()?,
            next_zone,
            swept: Swept::read(&reader.view)?,
            folding: None,
            copies: HashMap::new(),
        };
        drop(reader);
        let writer = Writer::start(self, ledger, follower)?;
        *self.writer() = Some(writer);
        Ok(())
    }

    /// Hands a change to the writer, which calls `reply` once it is durable and visible, or refused.
    ///
    /// Returns at once; `reply` runs on the writer's thread and must be quick.
    pub fn submit(
        &self,
        actor: Actor,
        change: Change,
        now: UnixTime,
        reply: impl FnOnce(Result<Done, ChangeError>) + Send + 'static,
    ) {
        let job = Job { actor, change, now, reply: Box::new(reply) };
        match &*self.writer() {
            Some(writer) => writer.send(job),
            None => (job.reply)(Err(writer::closed())),
        }
    }

    /// Makes a change and waits for it.
    pub fn change(&self, actor: Actor, change: Change, now: UnixTime) -> Result<Done, ChangeError> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.submit(actor, change, now, move |result| drop(tell.send(result)));
        told.recv().unwrap_or_else(|_| Err(writer::closed()))
    }

    /// Begins an import into a zone.
    pub fn stage(&self, origin: &Name, source: Source) -> Result<Staging, ChangeError> {
        if let Some(err) = self.inner.unwritable() {
            return Err(err);
        }
        let state = state::read_zone(&View::new(&self.inner.db), origin)?;
        let state = state.ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        let settings = state.zone.as_ref().clone();
        Ok(Staging::new(self.inner.clone(), state.id, settings, source))
    }

    /// One state of the store, as it looks at `now`.
    pub fn read(&self, now: UnixTime) -> Reader<'_> {
        Reader { view: View::new(&self.inner.db), now }
    }

    /// Why the store takes no writes, if it does not.
    pub fn failure(&self) -> Option<&str> {
        self.inner.failure().map(|failure| failure.reason.as_str())
    }

    /// RocksDB's own figures of the whole store: property name without `rocksdb.`, value.
    pub fn figures(&self) -> Vec<(&'static str, u64)> {
        let db = &self.inner.db;
        let families = schema::FAMILIES.map(|family| cf(db, family));
        let of_each = |property: &str| -> Vec<u64> {
            let property = format!("rocksdb.{property}");
            let of = |family| db.property_int_value_cf(family, property.as_str()).ok().flatten();
            families.into_iter().filter_map(of).collect()
        };
        let sum = |property| of_each(property).into_iter().sum();
        let first = |property| of_each(property).first().copied().unwrap_or(0);
        let errors = format!("rocksdb.{OF_DATABASE}");
        let errors = db.property_int_value(errors.as_str()).ok().flatten();
        let sums = OF_FAMILIES.into_iter().map(|property| (property, sum(property)));
        let shared = SHARED.into_iter().map(|property| (property, first(property)));
        sums.chain(shared).chain([(OF_DATABASE, errors.unwrap_or(0))]).collect()
    }

    /// Finishes what is queued and takes no more. Dropping the last clone does the same.
    pub fn close(&self) {
        let writer = self.writer().take();
        drop(writer);
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a folder that only the owner can read, so that it is still there after a power failure.
fn create_folder(path: &Path) -> io::Result<()> {
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = path.ancestors().take_while(is_new).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for folder in new {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Opens a store that is whole, or makes a new one where there is nothing.
fn open_for_writing(path: &Path) -> Result<DB, StoreError> {
    create_folder(path).map_err(|reason| StoreError::Io { path: path.into(), reason })?;
    match check::presence(path)? {
        Presence::Nothing => return make(path),
        Presence::Begun => {
            check::clear_begun(path)?;
            return make(path);
        }
        Presence::Store => {}
    }
    let sound = match check::inspect(path) {
        Err(StoreError::Damaged { path: file, detail }) => {
            // Another process may be writing what was read.
            if let Some(locked) = locked(path) {
                return Err(locked);
            }
            let Some(torn) = check::mend_manifest(path)? else {
                return Err(StoreError::Damaged { path: file, detail });
            };
            warn_torn(&torn);
            check::inspect(path)?
        }
        Err(err @ StoreError::Behind { .. }) => return Err(locked(path).unwrap_or(err)),
        inspected => inspected?,
    };
    if let Some(torn) = &sound.torn {
        warn_torn(torn);
    }
    let db = open_db(path, &check::options(sound.mode))?;
    check_format(&db, path)?;
    check::end(path)?;
    import::clear_folder(path)?;
    Ok(db)
}

fn warn_torn(torn: &str) {
    tracing::warn!(
        torn,
        "the last write was cut off, by a loss of power for example; it was never acknowledged and is dropped"
    );
}

/// Makes a new store.
fn make(path: &Path) -> Result<DB, StoreError> {
    check::begin(path)?;
    let db = open_db(path, &schema::db_options())?;
    check_format(&db, path)?;
    let start = Head { epoch: 1, ..Head::default() };
    head::create(path, start).map_err(|reason| StoreError::Io { path: path.into(), reason })?;
    check::end(path)?;
    Ok(db)
}

/// Opens a store on a disk that takes no writes, so that DNS has what is there.
fn open_as_it_is(path: &Path, why: StoreError) -> Result<DB, StoreError> {
    if check::presence(path)? != Presence::Store {
        return Err(why);
    }
    tracing::error!(
        err = %why,
        "the store can't be written; DNS serves what is there, and writes are refused until there is room and the server is started again"
    );
    let db = check::open_read_only(path, check::inspect(path)?.mode)?;
    let missing = schema::FAMILIES.iter().any(|family| db.cf_handle(family).is_none());
    if missing { Err(why) } else { Ok(db) }
}

/// Opens the database with every column family that it has, also those of a newer release.
pub(crate) fn open_db(path: &Path, options: &Options) -> Result<DB, StoreError> {
    let there =
        if path.join("CURRENT").exists() { DB::list_cf(options, path) } else { Ok(Vec::new()) };
    let there = there.map_err(|err| classify(path, err))?;
    let families = schema::families().into_iter().chain(foreign_families(&there));
    DB::open_cf_descriptors(options, path, families).map_err(|err| classify(path, err))
}

/// Those of these column families that are not ours.
pub(crate) fn foreign_families(there: &[String]) -> Vec<ColumnFamilyDescriptor> {
    let foreign = there.iter().filter(|name| !schema::FAMILIES.contains(&name.as_str()));
    foreign.map(|name| ColumnFamilyDescriptor::new(name, Options::default())).collect()
}

/// Tells a store in use and a damaged one from other failures.
pub(crate) fn classify(path: &Path, err: rocksdb::Error) -> StoreError {
    let text = err.to_string();
    let is_lock = text.contains("While lock file") || text.contains("lock hold by current process");
    let err = StoreError::Rocks(err);
    if is_lock && !err.is_out_of_files() {
        return StoreError::Locked { path: path.into(), holder: holder(path) };
    }
    let missing =
        text.contains("No such file") && (text.contains(".sst") || text.contains("MANIFEST"));
    let is_corrupt = matches!(&err, StoreError::Rocks(err) if err.kind() == ErrorKind::Corruption);
    if is_corrupt || missing {
        return StoreError::Damaged { path: damaged_file(path, &text), detail: text };
    }
    err
}

/// The error that says who has a store open, if somebody has.
pub(crate) fn locked(path: &Path) -> Option<StoreError> {
    lock_holder(path)?;
    Some(StoreError::Locked { path: path.into(), holder: holder(path) })
}

/// The file that RocksDB complains about; where its error names none, the last one from which its own
/// log says that something was dropped; else the folder.
fn damaged_file(path: &Path, text: &str) -> PathBuf {
    let of_log = || {
        let log = fs::read(path.join("LOG")).ok()?;
        let log = String::from_utf8_lossy(&log).into_owned();
        file_name(log.lines().rfind(|line| line.contains(": dropping "))?)
    };
    file_name(text).or_else(of_log).map_or_else(|| path.into(), |name| path.join(name))
}

fn file_name(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '"' | '\''));
    let mut names = words.filter_map(|word| word.trim_end_matches('.').rsplit('/').next());
    let is_file = |name: &&str| {
        name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST-")
    };
    names.find(is_file).map(Into::into)
}

/// Who holds the lock of a store, as far as the system tells.
fn holder(path: &Path) -> String {
    match lock_holder(path) {
        Some(pid) => format!(
            "process {pid}{}",
            command(pid).map(|name| format!(" ({name})")).unwrap_or_default()
        ),
        None => "another process".into(),
    }
}

/// The process that holds RocksDB's lock, from `/proc/locks`.
pub(crate) fn lock_holder(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{}", fs::metadata(path.join("LOCK")).ok()?.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let line = locks
        .lines()
        .find(|line| line.split_whitespace().nth(5).is_some_and(|id| id.ends_with(&inode)))?;
    line.split_whitespace().nth(4)?.parse().ok()
}

fn command(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().into())
}

fn check_format(db: &DB, path: &Path) -> Result<(), StoreError> {
    let meta = cf(db, schema::META);
    let found = db.get_pinned_cf(meta, b"format").map_err(|err| classify(path, err))?;
    let Some(found) = found else {
        return write_format(db);
    };
    let found =
        <[u8; 4]>::try_from(&*found).map_err(|err| StoreError::unreadable("format", err))?;
    match u32::from_be_bytes(found) {
        found if found > schema::FORMAT => {
            Err(StoreError::Newer { path: path.into(), found, known: schema::FORMAT })
        }
        schema::FORMAT => Ok(()),
        // Whatever an older release wrote is read as it is; that release can't read what comes now.
        _ => write_format(db),
    }
}

fn write_format(db: &DB) -> Result<(), StoreError> {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    let (meta, format) = (cf(db, schema::META), schema::FORMAT.to_be_bytes());
    Ok(db.put_cf_opt(meta, b"format", format, &options)?)
}

/// Removes rows of segments that no zone names: imports that a crash cut off.
fn remove_unnamed_rows(db: &DB, zones: &Zones) -> Result<(), StoreError> {
    let mut named: Vec<SegmentKey> =
        zones.values().flat_map(|state| &state.segments).map(|segment| segment.key).collect();
    named.sort_unstable();
    let mut start = SegmentKey { zone: ZoneId(0), segment: SegmentId(0) }.bytes();
    for key in named {
        import::remove_rows(db, &start, &key.bytes())?;
        start = key.end();
    }
    import::remove_rows(db, &start, &[u8::MAX; 8])
}
