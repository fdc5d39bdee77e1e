//! A store with followers: one that remembers what it was shown, and the index.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use dnsbl_index::{Index, IndexWriter};
use dnsbl_store::{
    Actor, Change, ChangeError, Committed, Filter, ImportCounts, ImportLimits, ImportMode,
    Operation, OperationResult, Precondition, Sources, Staged, Store, StoreOptions,
};
use dnsbl_types::{Listing, ListingBody, Name, Source, UnixTime, Zone, ZoneKind, ZoneSpec};
use tempfile::TempDir;

use crate::{followers::Followers, mirror::Mirror};

pub(crate) const NOW: UnixTime = UnixTime(1_700_000_000);

pub(crate) fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

pub(crate) fn zone(kind: ZoneKind) -> Zone {
    let ns: Name = "ns.example.net".parse().unwrap();
    let reason = "$".parse().unwrap();
    ZoneSpec::new(origin(), kind, vec![ns], reason).check().unwrap()
}

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) mirror: Mirror,
    pub(crate) index: Arc<Index>,
    pub(crate) options: StoreOptions,
    /// Last, so that the store is closed before its files go.
    pub(crate) dir: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(StoreOptions::default())
    }

    /// A store that keeps hardly anything of an import in memory.
    pub(crate) fn spilling() -> Self {
        Self::with(StoreOptions { staging_bytes: 100 })
    }

    fn with(options: StoreOptions) -> Self {
        let fixture = Self::open_with(tempfile::tempdir().unwrap(), options);
        let zone = Box::new(zone(ZoneKind::Ip));
        fixture.change(Operation::PutZone { zone, serial_floor: None }).unwrap();
        fixture
    }

    pub(crate) fn open(dir: TempDir) -> Self {
        Self::open_with(dir, StoreOptions::default())
    }

    pub(crate) fn open_with(dir: TempDir, options: StoreOptions) -> Self {
        let store = Store::open_with(dir.path(), options.clone()).unwrap();
        let (mirror, index) = (Mirror::default(), Arc::<Index>::default());
        let writer = IndexWriter::new(index.clone());
        let mut followers = Followers { mirror: mirror.clone(), index: writer };
        store.load(&mut followers).unwrap();
        store.start(Box::new(followers)).unwrap();
        Self { store, mirror, index, options, dir }
    }

    pub(crate) fn reopen(self) -> Self {
        let Self { dir, store, options, .. } = self;
        store.close();
        drop(store);
        Self::open_with(dir, options)
    }

    pub(crate) fn change(&self, operation: Operation) -> Result<Committed, ChangeError> {
        self.change_at(operation, NOW)
    }

    pub(crate) fn change_at(
        &self,
        operation: Operation,
        now: UnixTime,
    ) -> Result<Committed, ChangeError> {
        self.store.commit(Change::new(Actor::part("test"), operation), now)
    }

    pub(crate) fn put(
        &self,
        subject: &str,
        source: &str,
        body: ListingBody,
    ) -> Result<Committed, ChangeError> {
        self.change(Operation::PutListing {
            zone: origin(),
            subject: subject.parse().unwrap(),
            source: source.parse().unwrap(),
            body: Box::new(body),
            precondition: Precondition::None,
        })
    }

    pub(crate) fn delete(&self, subject: &str, sources: Sources) -> Result<Committed, ChangeError> {
        let zone = origin();
        let subject = subject.parse().unwrap();
        self.change(Operation::DeleteListing {
            zone,
            subject,
            sources,
            precondition: Precondition::None,
        })
    }

    pub(crate) fn stage(
        &self,
        source: &str,
        rows: &[(&str, ListingBody)],
        mode: ImportMode,
        dry_run: bool,
    ) -> Result<Staged, ChangeError> {
        let mut staging = self.store.stage(&origin(), source.parse().unwrap())?;
        for (subject, body) in rows {
            staging.put(&subject.parse().unwrap(), body)?;
        }
        staging.finish(mode, dry_run, NOW)
    }

    pub(crate) fn commit(&self, staged: Staged) -> Result<ImportCounts, ChangeError> {
        match self.change(staged.commit())?.into_result() {
            Some(OperationResult::Import(counts)) => Ok(counts),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn import(
        &self,
        source: &str,
        rows: &[(&str, ListingBody)],
        mode: ImportMode,
    ) -> Result<ImportCounts, ChangeError> {
        self.commit(self.stage(source, rows, mode, false)?)
    }

    pub(crate) fn fold_all(&self) {
        while matches!(
            self.change(Operation::CompactSegments).unwrap().into_result(),
            Some(OperationResult::Count(1..))
        ) {}
    }

    pub(crate) fn listings(&self, now: UnixTime) -> Vec<Listing> {
        let mut all = Vec::new();
        self.store
            .read(now)
            .each(
                &origin(),
                &Filter::all(),
                || false,
                |listing| {
                    all.push(listing);
                    true
                },
            )
            .unwrap();
        all
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        self.listings(NOW)
            .iter()
            .map(|listing| format!("{} {}", listing.subject, listing.source))
            .collect()
    }

    pub(crate) fn counts(&self, now: UnixTime) -> (u64, u64) {
        let record = self.store.read(now).zone(&origin()).unwrap().unwrap();
        (record.listings, record.exclusions)
    }
}

/// A folder in memory, where there is one: what is opened often shall not wait for a disk.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub(crate) fn source(name: &str) -> Source {
    name.parse().unwrap()
}

pub(crate) fn plain() -> ListingBody {
    ListingBody::default()
}

pub(crate) fn note(text: &str) -> ListingBody {
    ListingBody { note: Some(text.into()), ..plain() }
}

pub(crate) const REPLACE: ImportMode =
    ImportMode::ReplaceSource(ImportLimits { allow_rejected: false, max_removed: 1.0 });

impl Fixture {
    /// Copies the files as they are, since what was forgotten keeps the store open.
    pub(crate) fn reopen_after_crash(self) -> Self {
        self.store.close();
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.dir.path(), copy.path());
        Self::open_with(copy, self.options)
    }
}

/// Copies a folder as it is at one moment: RocksDB goes on deleting and merging files behind our back.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    loop {
        let before = lengths(from);
        let copied = try_copy(from, to);
        if copied.is_ok() && lengths(from) == before {
            return;
        }
        std::fs::remove_dir_all(to).unwrap();
        std::fs::create_dir(to).unwrap();
    }
}

fn try_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            try_copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The files of a folder and their lengths; folders in it have none.
fn lengths(dir: &Path) -> BTreeMap<PathBuf, Option<u64>> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| (entry.path(), entry.metadata().ok().map(|it| it.len()))).collect()
}
