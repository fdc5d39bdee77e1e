//! Putting a backup in the place of a store.
//!
//! All of the backup is read into a folder beside the store, verified, opened and read whole before anything is
//! replaced. What was taken out of the store since the backup is taken out of it too, by the old store's log: a listing
//! that somebody got removed must not come back because a disk broke (RFC 6471). What comes of that is exchanged with the
//! old store in one step, and begins a new epoch, so that nobody takes its next changes for ones that were lost.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use dnsbl_backup::{BackupError, Destination, Folder, Manifest};
use dnsbl_types::{Listing, Name, Serial, Source, SubscriberId, UnixTime};
use rocksdb::DB;
use rustix::fs::{CWD, FlockOperation, RenameFlags, fcntl_lock, renameat_with};

use crate::{
    Actor, Change, ChangeError, DocumentKind, Filter, Operation, Precondition, Reader, Sources,
    StoreError,
    format::{
        log::{LogEntry, decode_entry, read_seq},
        schema::{self, cf},
    },
    head::{self, Head},
    open::{
        check::{self, Presence, sibling},
        checkpoint::{RESTORING, free_bytes},
        database::{locked, open_db},
        recover::{free_sibling, read_all},
        removals::Removals,
        salvage::{Salvage, io_at},
        store::Store,
    },
};

/// Who the log says takes out again what must not come back.
const ACTOR: &str = "dnsbl-server restore";
/// Operations of one change.
const CHUNK: usize = 500;
/// Bytes that the disk must have left beside what the backup takes.
const ROOM: u64 = 64 << 20;
/// By so much serials move for each second since the backup where nothing says how far they had come.
const SERIALS_A_SECOND: u64 = 1000;

/// Why a backup is not restored. Nothing was replaced.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The file of the backup can't be read, or is damaged.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The store in it is not what the backup says.
    #[error(
        "the backup says that it ends with change {said} of epoch {said_epoch}, but ends with {found} of epoch {found_epoch}"
    )]
    Mismatch {
        /// The last change by its manifest.
        said: u64,
        /// The epoch by its manifest.
        said_epoch: u64,
        /// The last change that is there.
        found: u64,
        /// Its epoch.
        found_epoch: u64,
    },
    /// A store can't be opened, read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was removed since the backup can't be removed from it.
    #[error("what was removed since the backup can't be taken out of it: {0}")]
    Change(#[from] ChangeError),
}

/// A backup that was read whole beside the store whose place it may take.
pub struct Restore {
    store: PathBuf,
    staged: StagedFolder,
    /// What the backup is of.
    pub manifest: Manifest,
    /// Why it is not known of everything that was removed since, in words; empty where it is.
    pub unknown: Vec<String>,
    removals: Removals,
    old: Option<OldStore>,
    /// No server may start on the old store meanwhile.
    _lock: Option<File>,
}

/// What a restore did.
#[derive(Debug)]
pub struct Restored {
    /// Where the old store now lies, if there was one.
    pub aside: Option<PathBuf>,
    /// The epoch that has begun.
    pub epoch: u64,
    /// The last change now: that of the backup, and those that took out again what was removed since.
    pub seq: u64,
    /// How many listings were taken out again.
    pub listings: u64,
    /// What else is to be told.
    pub notes: Vec<String>,
}

/// The store that is to be replaced.
struct OldStore {
    epoch: u64,
    /// How far it had come.
    head: u64,
    /// `None` where it is damaged.
    db: Option<DB>,
}

/// A folder that goes unless it was given another name.
struct StagedFolder(PathBuf);

impl Restore {
    /// Reads a backup beside a store that no server has open. Documents of the kinds `guards` keep something from being
    /// done, so that what was written of them since counts as well.
    ///
    /// # Errors
    /// The backup is damaged or of a newer release, the disk has no room, or the store is in use.
    pub fn read(
        store: &Path,
        backup: impl Read,
        guards: &[DocumentKind],
    ) -> Result<Self, RestoreError> {
        let lock = hold(store)?;
        let staged = StagedFolder::make(sibling(store, RESTORING))?;
        let mut room = Room { folder: Folder::new(staged.0.clone()), path: &staged.0 };
        let manifest = dnsbl_backup::read(backup, &mut room)?;
        sync(&staged.0)?;
        read_all(&staged.0)?;
        let db = check::open_read_only(&staged.0, schema::RECOVERY)?;
        check_format(&db, &staged.0)?;
        let reader = Reader::new(&db, UnixTime(0));
        let (found_epoch, found) = (reader.epoch()?, reader.head()?);
        let (said_epoch, said) = (manifest.epoch, manifest.seq);
        if (found_epoch, found) != (said_epoch, said) {
            return Err(RestoreError::Mismatch { said, said_epoch, found, found_epoch });
        }
        let mut restore = Self {
            store: store.into(),
            staged,
            manifest,
            unknown: Vec::new(),
            removals: Removals::default(),
            old: None,
            _lock: lock,
        };
        restore.read_old(&reader, guards)?;
        Ok(restore)
    }

    /// Finds out what was removed since the backup.
    fn read_old(&mut self, backup: &Reader<'_>, guards: &[DocumentKind]) -> Result<(), StoreError> {
        let seq = self.manifest.seq;
        match check::presence(&self.store) {
            Ok(Presence::Store) | Err(StoreError::Damaged { .. }) => {}
            Ok(Presence::Nothing | Presence::Begun) => {
                let store = self.store.display();
                self.unknown.push(format!(
                    "there is no store {store}, so nothing tells what was removed after change {seq}"
                ));
                return Ok(());
            }
            Err(err) => return Err(err),
        }
        let db = match check::inspect(&self.store) {
            Ok(sound) => check::open_read_only(&self.store, sound.mode).ok(),
            Err(_) => None,
        };
        let log = OldLog::read(&self.store, seq, guards)?;
        let expected = io_at(&self.store, head::read(&self.store)).ok().flatten();
        let head = expected.map_or(log.head, |head| head.seq.max(log.head));
        let epoch = expected.map_or(log.epoch, |head| head.epoch.max(log.epoch));
        if !log.is_same_history(backup, self.manifest.epoch, seq)? {
            self.unknown.push(format!(
                "the log of the store that is there does not go back to change {seq} of the backup, or has another in its \
                 place, so nothing tells what was removed since"
            ));
            self.old = Some(OldStore { epoch, head, db });
            return Ok(());
        }
        self.unknown.extend(log.missing(seq, head));
        if db.is_none() {
            for ((zone, source), removed) in &log.removals.imports {
                if *removed > 0 {
                    self.unknown.push(format!(
                        "imports by {source} into {zone} removed {removed} listings since, and the store that knows which is damaged"
                    ));
                }
            }
        }
        self.removals = log.removals;
        self.old = Some(OldStore { epoch, head, db });
        Ok(())
    }

    /// Takes out of the backup what must not come back, as far as that is known, and puts it in the place of the store.
    ///
    /// # Errors
    /// It can't be written; then the old store is where it was.
    pub fn apply(mut self, now: UnixTime) -> Result<Restored, RestoreError> {
        let old_epoch = self.old.as_ref().map_or(0, |old| old.epoch);
        let epoch = self.manifest.epoch.max(old_epoch) + 1;
        self.begin_epoch(epoch)?;
        let store = Store::open(&self.staged.0)?;
        store.start(Box::new(()))?;
        let mut rework =
            Rework { store: &store, now, listings: 0, notes: Vec::new(), operations: Vec::new() };
        rework.remove(&self.removals, self.old.as_ref().and_then(|old| old.db.as_ref()))?;
        rework.lift_serials(self.old.as_ref(), &self.manifest)?;
        let Rework { listings, notes, .. } = rework;
        let seq = store.read(now).head()?;
        store.close();
        drop(store);
        self.old = None;
        let aside = self.put_in_place(now)?;
        Ok(Restored { aside, epoch, seq, listings, notes })
    }

    fn begin_epoch(&self, epoch: u64) -> Result<(), StoreError> {
        let folder = &self.staged.0;
        let db = open_db(folder, &schema::db_options())?;
        db.put_cf_opt(cf(&db, schema::META), b"epoch", epoch.to_be_bytes(), &schema::synced())?;
        drop(db);
        let head = Head { epoch, seq: self.manifest.seq, ..Head::default() };
        io_at(folder, head::create(folder, head))
    }

    /// Exchanges the two in one step, so that there is a whole store at any moment.
    fn put_in_place(&self, now: UnixTime) -> Result<Option<PathBuf>, StoreError> {
        let (staged, store) = (&self.staged.0, &self.store);
        let there = fs::metadata(store);
        if let Ok(there) = &there {
            io_at(staged, fs::set_permissions(staged, there.permissions()))?;
        }
        sync(staged)?;
        let aside = if there.is_ok() {
            let aside = free_sibling(store, &format!("before-restore-{}", now.0));
            // Under the name that the old store will have: nothing takes that for a rest of something.
            io_at(staged, fs::rename(staged, &aside))?;
            if let Err(err) = renameat_with(CWD, &aside, CWD, store, RenameFlags::EXCHANGE) {
                tracing::debug!(%err, "the file system can't exchange two folders in one step");
                io_at(staged, fs::rename(&aside, staged))?;
                io_at(store, fs::rename(store, &aside))?;
                io_at(staged, fs::rename(staged, store))?;
            }
            Some(aside)
        } else {
            io_at(staged, fs::rename(staged, store))?;
            None
        };
        if let Some(parent) = store.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent)?;
        }
        Ok(aside)
    }
}

/// Takes RocksDB's lock of a store, if there is one.
fn hold(store: &Path) -> Result<Option<File>, StoreError> {
    if let Some(locked) = locked(store) {
        return Err(locked);
    }
    let path = store.join("LOCK");
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => io_at(&path, opened)?,
    };
    let held = fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive);
    match held {
        Ok(()) => Ok(Some(file)),
        Err(err) => Err(locked(store).unwrap_or(StoreError::Io { path, reason: err.into() })),
    }
}

fn sync(folder: &Path) -> Result<(), StoreError> {
    io_at(folder, File::open(folder).and_then(|folder| folder.sync_all()))
}

fn check_format(db: &DB, path: &Path) -> Result<(), StoreError> {
    let found = db.get_pinned_cf(cf(db, schema::META), b"format")?;
    let found = found.and_then(|bytes| Some(u32::from_be_bytes(*bytes.first_chunk()?)));
    match found {
        Some(found) if found > schema::FORMAT => {
            Err(StoreError::Newer { path: path.into(), found, known: schema::FORMAT })
        }
        Some(_) => Ok(()),
        None => Err(StoreError::unreadable("format", "it is missing")),
    }
}

impl StagedFolder {
    fn make(path: PathBuf) -> Result<Self, StoreError> {
        let folder = Self(path);
        folder.remove()?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder.0);
        io_at(&folder.0, made)?;
        Ok(folder)
    }

    fn remove(&self) -> Result<(), StoreError> {
        match fs::remove_dir_all(&self.0) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => io_at(&self.0, Err(err)),
            _ => Ok(()),
        }
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        if let Err(err) = self.remove() {
            tracing::warn!(%err, "what was read of a backup can't be removed; the next start does that");
        }
    }
}

/// The folder of a backup, if the disk has room for all of it.
struct Room<'a> {
    folder: Folder,
    path: &'a Path,
}

impl Destination for Room<'_> {
    fn admit(&mut self, manifest: &Manifest) -> io::Result<()> {
        let free = free_bytes(self.path).map_err(io::Error::other)?;
        let needed = manifest.bytes().saturating_add(ROOM);
        if free < needed {
            let (free, needed) = (free >> 20, needed >> 20);
            let reason =
                format!("the backup needs {needed} MiB beside the store, and the disk has {free}");
            return Err(io::Error::new(io::ErrorKind::StorageFull, reason));
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> io::Result<()> {
        self.folder.begin(name)
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.folder.take(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        self.folder.end()
    }
}

/// What the log of a store says of the changes behind one, also where the store is damaged.
#[derive(Default)]
struct OldLog {
    /// The oldest entry that is there.
    first: Option<u64>,
    /// The last one that is there.
    last: Option<LogEntry>,
    /// The entry of the change itself.
    at: Option<LogEntry>,
    /// The one behind it.
    next: Option<LogEntry>,
    head: u64,
    epoch: u64,
    /// The first change behind it that is missing, if it is not behind the last.
    gap: Option<u64>,
    /// Something of the log can't be read, and may have been behind the change.
    is_damaged: bool,
    removals: Removals,
}

impl OldLog {
    fn read(store: &Path, seq: u64, guards: &[DocumentKind]) -> Result<Self, StoreError> {
        let salvage = Salvage::open(store)?;
        let mut log = Self::default();
        let mut rows = salvage.rows(schema::LOG)?;
        let mut expected = seq.saturating_add(1);
        while let Some((key, value)) = rows.next()? {
            let Ok(at) = read_seq(&key) else { continue };
            log.first.get_or_insert(at);
            let Ok(entry) = decode_entry(at, &value) else { continue };
            (log.head, log.epoch) = (log.head.max(at), log.epoch.max(entry.epoch));
            if at > seq {
                if at != expected {
                    log.gap.get_or_insert(expected);
                }
                expected = at.saturating_add(1);
                if at == seq.saturating_add(1) {
                    log.next = Some(entry.clone());
                }
                log.removals.take(entry, guards);
            } else if at == seq {
                log.at = Some(entry);
            } else {
                log.last = Some(entry);
            }
        }
        let behind = seq.saturating_add(1).to_be_bytes();
        let may_matter =
            |last: &Option<Vec<u8>>| last.as_deref().is_none_or(|last| last >= behind.as_slice());
        log.is_damaged =
            salvage.lost_writes > 0 || rows.lost.iter().any(|lost| may_matter(&lost.last));
        Ok(log)
    }

    /// Whether a backup that ends with change `seq` is of the history that this log goes on with.
    fn is_same_history(
        &self,
        backup: &Reader<'_>,
        epoch: u64,
        seq: u64,
    ) -> Result<bool, StoreError> {
        if let Some(at) = &self.at {
            return Ok(backup.log_entry(seq)?.as_ref() == Some(at));
        }
        if let Some(next) = &self.next {
            // That one was dropped as it was too old.
            return Ok(seq == 0 || next.epoch == epoch);
        }
        // The store is behind the backup.
        match &self.last {
            Some(last) if self.head < seq => Ok(backup.log_entry(last.seq)?.as_ref() == Some(last)),
            _ => Ok(seq == 0),
        }
    }

    /// What is not known of the changes from behind `seq` up to `head`, in words.
    fn missing(&self, seq: u64, head: u64) -> Option<String> {
        let from = self.gap.unwrap_or(self.head.max(seq).saturating_add(1));
        if self.gap.is_some() || from <= head {
            return Some(format!(
                "the log of the store that is there lacks changes from {from} on, and nothing tells what they removed"
            ));
        }
        self.is_damaged.then(|| {
            format!("the log of the store that is there is damaged, and what is lost of it may have removed something after change {seq}")
        })
    }
}

/// The changes by which a restored store loses what must not come back.
struct Rework<'a> {
    store: &'a Store,
    now: UnixTime,
    listings: u64,
    notes: Vec<String>,
    /// Those that wait to be made.
    operations: Vec<Operation>,
}

impl Rework<'_> {
    fn remove(&mut self, removals: &Removals, old: Option<&DB>) -> Result<(), RestoreError> {
        let old = old.map(|db| Reader::new(db, self.now));
        for (origin, again) in &removals.zones {
            self.remove_zone(origin, again.as_deref())?;
        }
        for ((zone, subject, source), exclusion) in &removals.listings {
            if self.is_listed(zone, subject, source)? {
                self.remove_listing(zone, subject.clone(), source, exclusion.as_deref())?;
            } else if let Some(exclusion) = exclusion {
                self.exclude(zone, exclusion)?;
            }
        }
        if let Some(old) = &old {
            for (zone, source) in removals.imports.keys() {
                self.remove_imported(old, zone, source)?;
            }
        }
        self.flush()?;
        for id in &removals.tokens {
            self.renew_token(id, old.as_ref())?;
        }
        for id in &removals.subscribers {
            self.renew_subscriber(*id, old.as_ref())?;
        }
        for entry in removals.allowed.values() {
            let has_zone = match &entry.zone {
                None => true,
                Some(zone) => self.store.read(self.now).settings(zone)?.is_some(),
            };
            if has_zone {
                let (entry, precondition) = (entry.clone(), Precondition::None);
                self.commit(vec![Operation::PutAllow { entry, precondition }])?;
            }
        }
        for ((kind, id), document) in &removals.documents {
            let precondition = Precondition::None;
            self.push(match document {
                Some(document) => {
                    Operation::PutDocument { document: document.clone(), precondition }
                }
                None => {
                    Operation::DeleteDocument { kind: kind.clone(), id: id.clone(), precondition }
                }
            })?;
        }
        self.flush()
    }

    fn remove_zone(
        &mut self,
        origin: &Name,
        again: Option<&dnsbl_types::Zone>,
    ) -> Result<(), RestoreError> {
        let Some(zone) = self.store.read(self.now).zone(origin)? else { return Ok(()) };
        match self.commit(vec![Operation::DeleteZone(origin.clone())]) {
            // Its listings go all the same.
            Err(RestoreError::Change(err)) => {
                self.notes.push(format!(
                    "zone {origin}, which was deleted since, stays without listings: {err}"
                ));
                return self.empty(origin);
            }
            done => done?,
        }
        self.listings += zone.listings;
        match again {
            Some(settings) => {
                self.notes
                    .push(format!("zone {origin} was deleted and made again since: it is empty"));
                let zone = Box::new(settings.clone());
                self.commit(vec![Operation::PutZone { zone, serial_floor: None }])
            }
            None => {
                self.notes.push(format!("zone {origin} was deleted since, and does not come back"));
                Ok(())
            }
        }
    }

    /// Takes everything out of a zone.
    fn empty(&mut self, origin: &Name) -> Result<(), RestoreError> {
        for listing in self.listed(origin, None)? {
            self.remove_listing(origin, listing.subject, &listing.source, None)?;
        }
        self.flush()
    }

    fn listed(&self, origin: &Name, source: Option<&Source>) -> Result<Vec<Listing>, StoreError> {
        let filter = Filter { source: source.cloned(), ..Filter::all() };
        let mut found = Vec::new();
        let visit = |listing: Listing| {
            found.push(listing);
            true
        };
        self.store.read(UnixTime(0)).each(origin, &filter, || false, visit)?;
        Ok(found)
    }

    /// Takes out what a source lists no more; an import's rows stand in no log, but in the store.
    fn remove_imported(
        &mut self,
        old: &Reader<'_>,
        origin: &Name,
        source: &Source,
    ) -> Result<(), RestoreError> {
        for listing in self.listed(origin, Some(source))? {
            let of_source = |other: &Listing| other.source == *source;
            let now = old.listings_of(origin, &listing.subject)?.into_iter().find(of_source);
            match now {
                None => self.remove_listing(origin, listing.subject, source, None)?,
                Some(now) if now.body.exclusion && !listing.body.exclusion => {
                    self.remove_listing(origin, listing.subject, source, Some(&now))?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn is_listed(
        &self,
        origin: &Name,
        subject: &dnsbl_types::Subject,
        source: &Source,
    ) -> Result<bool, StoreError> {
        let found = self.store.read(UnixTime(0)).listings_of(origin, subject)?;
        Ok(found.iter().any(|listing| listing.source == *source))
    }

    fn remove_listing(
        &mut self,
        zone: &Name,
        subject: dnsbl_types::Subject,
        source: &Source,
        exclusion: Option<&Listing>,
    ) -> Result<(), RestoreError> {
        self.listings += 1;
        match exclusion {
            Some(exclusion) => self.exclude(zone, exclusion),
            None => self.push(Operation::DeleteListing {
                zone: zone.clone(),
                subject,
                sources: Sources::One(source.clone()),
                precondition: Precondition::None,
            }),
        }
    }

    fn exclude(&mut self, zone: &Name, exclusion: &Listing) -> Result<(), RestoreError> {
        if self.store.read(self.now).settings(zone)?.is_none() {
            return Ok(());
        }
        self.push(Operation::PutListing {
            zone: zone.clone(),
            subject: exclusion.subject.clone(),
            source: exclusion.source.clone(),
            body: Box::new(exclusion.body.clone()),
            precondition: Precondition::None,
        })
    }

    /// A token as it is now; one of which that can't be known counts no more.
    fn renew_token(&mut self, id: &str, old: Option<&Reader<'_>>) -> Result<(), RestoreError> {
        let Some(was) = self.store.read(self.now).token(id)? else { return Ok(()) };
        let now = old.map(|old| old.token(id)).transpose()?.flatten();
        if now.as_ref() == Some(&was) {
            return Ok(());
        }
        if let Some(mut now) = now {
            // It takes the place of the one from the backup.
            now.revision = was.revision;
            if self.commit(vec![Operation::PutToken(now)]).is_ok() {
                return Ok(());
            }
        }
        self.notes.push(format!(
            "token {id} ({}) was revoked or changed since, and counts no more",
            was.name
        ));
        self.commit(vec![Operation::DeleteToken { id: id.into(), keep: None }])
    }

    /// The same of a subscriber.
    fn renew_subscriber(
        &mut self,
        id: SubscriberId,
        old: Option<&Reader<'_>>,
    ) -> Result<(), RestoreError> {
        let Some(was) = self.store.read(self.now).subscriber(id)? else { return Ok(()) };
        let now = old.map(|old| old.subscriber(id)).transpose()?.flatten();
        if now.as_ref().is_some_and(|now| now.subscriber == was.subscriber) {
            return Ok(());
        }
        let precondition = Precondition::None;
        self.commit(vec![Operation::DeleteSubscriber { id, precondition: precondition.clone() }])?;
        if let Some(now) = now {
            let subscriber = Box::new(now.subscriber);
            if self.commit(vec![Operation::PutSubscriber { subscriber, precondition }]).is_ok() {
                return Ok(());
            }
        }
        let name = was.subscriber.name;
        self.notes.push(format!(
            "subscriber {id} ({name}) was deleted or changed since, and its keys count no more"
        ));
        Ok(())
    }

    /// Serials go on behind those that others have seen, or they would not look again.
    fn lift_serials(
        &mut self,
        old: Option<&OldStore>,
        manifest: &Manifest,
    ) -> Result<(), RestoreError> {
        let reader = old.and_then(|old| old.db.as_ref()).map(|db| Reader::new(db, self.now));
        let seconds = self.now.0.saturating_sub(manifest.made_at);
        let guess = seconds.saturating_mul(SERIALS_A_SECOND).clamp(1, 1 << 30);
        let changes = old.map(|old| old.head.saturating_sub(manifest.seq));
        let by = changes.map_or(guess, |changes| changes.clamp(1, 1 << 30)) as u32;
        for record in self.store.read(self.now).zones()? {
            let known =
                reader.as_ref().map(|reader| reader.zone(&record.zone.origin)).transpose()?;
            let floor = match known.flatten() {
                Some(known) => known.serial.next(),
                None => Serial(record.serial.0.wrapping_add(by)),
            };
            let zone = Box::new(record.zone);
            self.commit(vec![Operation::PutZone { zone, serial_floor: Some(floor) }])?;
        }
        Ok(())
    }

    fn push(&mut self, operation: Operation) -> Result<(), RestoreError> {
        self.operations.push(operation);
        if self.operations.len() < CHUNK { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), RestoreError> {
        let operations = std::mem::take(&mut self.operations);
        if operations.is_empty() { Ok(()) } else { self.commit(operations) }
    }

    fn commit(&self, operations: Vec<Operation>) -> Result<(), RestoreError> {
        self.store.commit(Change { actor: Actor::part(ACTOR), operations }, self.now)?;
        Ok(())
    }
}
