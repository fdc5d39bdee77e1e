//! Opening the store, and what is done with it.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::sync_channel},
};

use dnsbl_types::{Day, Follower, Name, Source, UnixTime};
use rocksdb::DB;

use crate::{
    Change, ChangeError, Committed, DocumentId, DocumentKind, FiguresRow, Operation, Reader,
    Remembered, RequestId, Selection, Span, Spent, Staging, StoreError, Terms, TokenUse, UsageRow,
    db::{Db, Failure, StoreOptions},
    format::{
        key::{self, SegmentId, SegmentKey, ZoneId},
        schema::{self, cf},
    },
    head::{self, Head},
    import::{folder, stage},
    open::{
        check::{self, Presence},
        checkpoint::{self, Checkpoint},
        database::{classify, damage, locked, open_db},
        history,
    },
    read::{show, state, undo, view::View},
    write::{
        bookmarks, figures, idempotency, usage,
        writer::{self, Job, Writer},
    },
};

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Arc<Db>,
    /// `None` before [`Store::start`] and after [`Store::close`].
    writer: Arc<Mutex<Option<Writer>>>,
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
                let failure = Failure::from(&err);
                (open_as_it_is(path, err)?, Some(failure))
            }
            Err(err) => return Err(err),
        };
        let zones = state::read_zones(&View::snapshot(&db)).map_err(damage(path))?;
        let segments = zones.values().flat_map(|state| &state.segments);
        let named: Vec<SegmentKey> = segments.map(|segment| segment.key).collect();
        let kept = undo::read_segments(&View::snapshot(&db)).map_err(damage(path))?;
        let last = named.iter().chain(&kept).map(|key| key.segment).max().unwrap_or(SegmentId(0));
        let free =
            state::read_free(&View::snapshot(&db), key::FREE_SEGMENT).map_err(damage(path))?;
        let last = last.max(SegmentId(free.saturating_sub(1)));
        let is_writable = failure.is_none();
        let db = Db::new(db, path.into(), options, last, failure);
        if is_writable {
            remove_unnamed_rows(&db, schema::LISTINGS, named).map_err(damage(path))?;
            remove_unnamed_rows(&db, schema::UNDO_ROWS, kept).map_err(damage(path))?;
            history::complete(&db.rocks).map_err(damage(path))?;
        }
        Ok(Self { db: Arc::new(db), writer: Arc::default() })
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
    ///
    /// # Errors
    ///
    /// If some of it can't be read.
    pub fn load(&self, follower: &mut dyn Follower) -> Result<(), StoreError> {
        self.show(follower).map_err(damage(&self.db.path))
    }

    fn show(&self, follower: &mut dyn Follower) -> Result<(), StoreError> {
        let reader = self.read(UnixTime(0));
        let zones: Vec<_> = state::read_zones(&reader.view)?.into_values().collect();
        show::show_all(&reader.view, &zones, reader.head()?, follower)
    }

    /// Starts the writer. The follower must have been shown what the store holds.
    ///
    /// # Errors
    ///
    /// If the store can't be read, or the system gives no thread.
    pub fn start(&self, follower: Box<dyn Follower>) -> Result<(), StoreError> {
        *self.writer() = Some(Writer::start(&self.db, follower)?);
        Ok(())
    }

    /// Hands a change to the writer, which calls `reply` once it is durable and visible, or refused.
    ///
    /// Returns at once; `reply` runs on the writer's thread and must be quick.
    pub fn submit(
        &self,
        change: Change,
        now: UnixTime,
        reply: impl FnOnce(Result<Committed, ChangeError>) + Send + 'static,
    ) {
        self.submit_on(Terms::default(), change, now, reply);
    }

    /// The same on terms.
    pub fn submit_on(
        &self,
        terms: Terms,
        change: Change,
        now: UnixTime,
        reply: impl FnOnce(Result<Committed, ChangeError>) + Send + 'static,
    ) {
        let job = Job { change, terms, now, reply: Box::new(reply) };
        match &*self.writer() {
            Some(writer) => writer.send(job),
            None => (job.reply)(Err(writer::closed())),
        }
    }

    /// Makes a change and waits until it is durable and visible.
    ///
    /// # Errors
    ///
    /// If it is refused; then nothing has changed.
    pub fn commit(&self, change: Change, now: UnixTime) -> Result<Committed, ChangeError> {
        let (tx, rx) = sync_channel(1);
        self.submit(change, now, move |result| drop(tx.send(result)));
        rx.recv().unwrap_or_else(|_| Err(writer::closed()))
    }

    /// Begins an import into a zone.
    ///
    /// # Errors
    ///
    /// If there is no such zone, or the store takes no writes.
    pub fn stage(&self, origin: &Name, source: Source) -> Result<Staging, ChangeError> {
        Staging::begin(&self.db, origin, source)
    }

    /// Decides what a purge would remove of some zones, and writes down what that takes: the operation that does it.
    ///
    /// Takes as long as reading what the zones list; other changes do not wait for it. The operation is refused unless it
    /// removes as many as `expect` says; a dry run needs no such number.
    ///
    /// # Errors
    ///
    /// If one of the zones does not exist, or the store fails.
    pub fn stage_purge(
        &self,
        zones: &[Name],
        selection: Selection,
        expect: Option<u64>,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<Operation, ChangeError> {
        stage::purge(&self.db, zones, selection, expect, dry_run, now)
    }

    /// Decides what an undo of a change would do, and writes down what that takes: the operation that does it.
    ///
    /// Takes as long as reading what the change did; other changes do not wait for it.
    ///
    /// # Errors
    ///
    /// If there was no such change, what an undo needs is no longer kept, the zone is gone, or the store fails.
    pub fn stage_undo(
        &self,
        of: u64,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<Operation, ChangeError> {
        stage::undo(&self.db, of, dry_run, now)
    }

    /// Keeps the answer to a request that was carried out, beside what was remembered with its change.
    ///
    /// # Errors
    ///
    /// If the store can't be written.
    pub fn keep_answer(&self, request: &RequestId, known: &Remembered) -> Result<(), StoreError> {
        idempotency::keep(&self.db, request, known)
    }

    /// Forgets requests that were carried out before a time, and those of a token beyond so many, the oldest first;
    /// how many these were.
    ///
    /// # Errors
    ///
    /// If the store can't be read or written.
    pub fn forget_requests(&self, before: UnixTime, most: usize) -> Result<usize, StoreError> {
        idempotency::forget(&self.db, before, most)
    }

    /// Adds usage to what is there of the same day, subscriber and zone, and puts what is spent in the place of
    /// what was; all of it, or nothing. What was spent on other days is forgotten.
    ///
    /// It is no change: it has neither number nor audit record.
    ///
    /// # Errors
    ///
    /// If the store can't be read or written.
    pub fn add_usage(&self, rows: &[UsageRow], spent: &Spent) -> Result<(), StoreError> {
        usage::add(&self.db, rows, spent)
    }

    /// Forgets the usage of the days before one.
    ///
    /// # Errors
    ///
    /// If the store can't be written.
    pub fn drop_usage_before(&self, day: Day) -> Result<(), StoreError> {
        usage::drop_before(&self.db, day)
    }

    /// Adds figures to what is there of the same zone and span, and notes up to which change the log was counted for
    /// them.
    ///
    /// It is no change: it has neither number nor audit record.
    ///
    /// # Errors
    ///
    /// If the store can't be read or written.
    pub fn add_figures(&self, rows: &[FiguresRow], counted: u64) -> Result<(), StoreError> {
        figures::add(&self.db, rows, counted)
    }

    /// Forgets the figures of the spans before one.
    ///
    /// # Errors
    ///
    /// If the store can't be written.
    pub fn drop_figures_before(&self, span: Span, number: u32) -> Result<(), StoreError> {
        figures::drop_before(&self.db, span, number)
    }

    /// Keeps the key by which those who are no subscribers are known in [`Spent`].
    ///
    /// # Errors
    ///
    /// If the store can't be written.
    pub fn keep_quota_key(&self, key: [u8; 16]) -> Result<(), StoreError> {
        usage::keep_quota_key(&self.db, key)
    }

    /// Keeps when tokens were last used, in the place of what was kept of them. It is no change.
    ///
    /// # Errors
    ///
    /// If the store can't be read or written.
    pub fn keep_token_uses(&self, uses: &[TokenUse]) -> Result<(), StoreError> {
        usage::keep_token_uses(&self.db, uses)
    }

    /// Keeps how far somebody has come who follows the change log as a document says, in the place of what was kept of
    /// that; `None` forgets it. What is in a bookmark only its owner knows. It is no change.
    ///
    /// # Errors
    ///
    /// If the store can't be written.
    pub fn keep_bookmark(
        &self,
        kind: &DocumentKind,
        id: &DocumentId,
        bookmark: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        bookmarks::keep(&self.db, kind, id, bookmark)
    }

    /// Copies the store as it is at one moment, beside it. Changes go on.
    ///
    /// # Errors
    /// There is a copy already ([`StoreError::Copied`]), the disk has no room, or the store can't be read.
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        Checkpoint::take(self.db.clone())
    }

    /// Keeps the time of a backup that was handed over whole.
    ///
    /// # Errors
    /// The store can't be written.
    pub fn keep_backup_time(&self, at: UnixTime) -> Result<(), StoreError> {
        if let Some(failure) = self.db.failure() {
            return Err(StoreError::Unwritable(failure.reason.clone()));
        }
        let (meta, value) = (cf(&self.db.rocks, schema::META), at.0.to_be_bytes());
        Ok(self.db.rocks.put_cf_opt(meta, schema::LAST_BACKUP, value, &schema::synced())?)
    }

    /// One state of the store, as it looks at `now`.
    pub fn read(&self, now: UnixTime) -> Reader<'_> {
        Reader::new(&self.db.rocks, now)
    }

    /// Why the store takes no writes, if it does not.
    pub fn failure(&self) -> Option<&str> {
        self.db.failure().map(|failure| failure.reason.as_str())
    }

    /// RocksDB's own statistics of the whole store: property name without `rocksdb.`, value.
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        let db = &self.db.rocks;
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

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
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
    folder::clear(path)?;
    checkpoint::clear(path)?;
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
    let (meta, format) = (cf(db, schema::META), schema::FORMAT.to_be_bytes());
    Ok(db.put_cf_opt(meta, b"format", format, &schema::synced())?)
}

/// Removes rows of segments that nobody names: imports that a crash cut off, and what is no longer kept for an undo.
fn remove_unnamed_rows(
    db: &Db,
    family: &'static str,
    mut named: Vec<SegmentKey>,
) -> Result<(), StoreError> {
    named.sort_unstable();
    named.dedup();
    let mut start = SegmentKey { zone: ZoneId(0), segment: SegmentId(0) }.bytes();
    for key in named {
        db.remove_rows(family, &start, &key.bytes())?;
        start = key.end();
    }
    db.remove_rows(family, &start, &[u8::MAX; 8])
}
