//! Imports: rows are staged outside the database, decided against what the source says, and put into
//! the database as a segment of their own, which becomes visible with one batch.
//!
//! 1. [`Staging`] takes the rows in any order. It keeps them in memory as they would stand in the
//!    database, and when that is full, sorts them and writes them to a *run* in the staging folder.
//! 2. [`Staging::finish`] merges the runs with what the source says, and writes what differs into
//!    tables that become part of the database at once. Nobody sees them, since no zone names their
//!    segment. All this is done by the thread that imports.
//! 3. The writer names the segment. If the source changed meanwhile, it decides again first.
//!
//! What is cut off in between leaves files in the staging folder, or rows of a segment that no zone
//! names; the next start removes both.

mod before;
mod buffer;
mod commit;
mod decide;
mod digest;
mod merge;
mod run;
mod tables;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, atomic::Ordering},
};

use dnsbl_types::{ListingBody, Name, Source, Subject, UnixTime, ZoneKind};

use decide::Decided;
pub(crate) use decide::remove_rows;
use run::Runs;

use crate::{
    ChangeError, ImportMode, StoreError, codec,
    key::{self, SegmentId, SegmentKey, ZoneId},
    listings::check_subject,
    open::Inner,
    row::{Origin, Row, Said},
};

/// The folder for files of imports, in the store's folder.
const FOLDER: &str = "staging";

/// Segments that are decided and not named yet. What is neither here nor named by a zone is garbage.
#[derive(Clone, Default)]
pub(crate) struct StagedSegments(Arc<Mutex<HashSet<SegmentKey>>>);

impl StagedSegments {
    fn lock(&self) -> MutexGuard<'_, HashSet<SegmentKey>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn contains(&self, segment: SegmentKey) -> bool {
        self.lock().contains(&segment)
    }
}

/// Removes what imports have left in the staging folder when the server was killed.
pub(crate) fn clear_folder(store: &Path) -> Result<(), StoreError> {
    let folder = store.join(FOLDER);
    match std::fs::remove_dir_all(&folder) {
        Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::Io { path: folder, reason })
        }
        _ => Ok(()),
    }
}

/// The folder of one import; it goes with all that is in it.
struct Folder(PathBuf);

impl Folder {
    /// The path of a new file.
    fn file(&self, name: &str) -> Result<PathBuf, StoreError> {
        std::fs::create_dir_all(&self.0).map_err(|err| io_at(&self.0, err))?;
        Ok(self.0.join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.0) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                // The next start removes it.
                tracing::warn!(folder = %self.0.display(), %err, "could not remove files of an import");
            }
            _ => {}
        }
    }
}

fn io_at(path: &Path, reason: std::io::Error) -> StoreError {
    StoreError::Io { path: path.into(), reason }
}

/// An import on its way in. Nobody sees its rows; dropping it removes them.
pub struct Staging {
    order: Order,
    zone: dnsbl_types::Zone,
    runs: Runs,
    /// A row on its way into the buffer.
    scratch: Vec<u8>,
}

/// Where an import goes, and what is counted on the way.
struct Order {
    inner: Arc<Inner>,
    /// The zone of that name when the import began; a later one is another zone.
    zone: ZoneId,
    /// Its kind then. A zone without listings may get another.
    kind: ZoneKind,
    origin: Name,
    source: Source,
    id: SegmentId,
    mode: ImportMode,
    dry_run: bool,
    /// Rows that were accepted, repetitions included.
    accepted: u64,
    /// Rows that change nothing by their nature, such as test entries.
    ignored: u64,
    rejected: u64,
}

/// A finished staging, ready to be committed; dropping it removes its rows.
pub struct Staged {
    order: Order,
    runs: Runs,
    decided: Decided,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged")
            .field("zone", &self.order.origin)
            .field("source", &self.order.source)
            .finish_non_exhaustive()
    }
}

impl Staging {
    pub(crate) fn new(
        inner: Arc<Inner>,
        zone: ZoneId,
        settings: dnsbl_types::Zone,
        source: Source,
    ) -> Self {
        let id = inner.next_segment();
        let folder = Folder(inner.path.join(FOLDER).join(format!("{:08x}", id.0)));
        let runs = Runs::new(folder, inner.options.staging_bytes);
        let order = Order {
            inner,
            zone,
            kind: settings.kind,
            origin: settings.origin.clone(),
            source,
            id,
            mode: ImportMode::Upsert,
            dry_run: false,
            accepted: 0,
            ignored: 0,
            rejected: 0,
        };
        Self { order, zone: settings, runs, scratch: Vec::new() }
    }

    /// The zone it goes to.
    pub fn zone(&self) -> &dnsbl_types::Zone {
        &self.zone
    }

    /// Stages a row; a later row for the same subject replaces it.
    ///
    /// Fails where the zone can't list the subject, and where the disk is full.
    pub fn put(&mut self, subject: &Subject, body: &ListingBody) -> Result<(), ChangeError> {
        if let Subject::V4(net) = subject
            && net.prefix_len() == 32
            && *body == ListingBody::default()
        {
            return self.put_host(net.addr());
        }
        check_subject(&self.zone, subject)?;
        self.scratch.clear();
        let row = Row::Says(Box::new(Said::new(body, Origin::Segment)));
        codec::encode_into(&row, &mut self.scratch);
        self.runs.put_row(&key::subject(subject), &self.scratch)?;
        self.order.accepted += 1;
        Ok(())
    }

    /// Stages an IPv4 address that is listed with nothing of its own: what [`put`](Self::put) does
    /// with an empty body, at a fraction of the cost.
    pub fn put_host(&mut self, addr: std::net::Ipv4Addr) -> Result<(), ChangeError> {
        if self.zone.kind != ZoneKind::Ip {
            return Err(ChangeError::WrongKind);
        }
        self.runs.put_host(addr.to_bits())?;
        self.order.accepted += 1;
        Ok(())
    }

    /// Counts a row that changes nothing by its nature.
    pub fn ignore(&mut self) {
        self.order.ignored += 1;
    }

    /// Counts a row that was refused.
    pub fn reject(&mut self) {
        self.order.rejected += 1;
    }

    /// All rows are in: decides what they change at `now`, and what becomes of the source's other
    /// listings. A dry run counts and writes nothing.
    ///
    /// Takes as long as reading what the source says; other changes do not wait for it.
    pub fn finish(
        mut self,
        mode: ImportMode,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<Staged, ChangeError> {
        (self.order.mode, self.order.dry_run) = (mode, dry_run);
        self.runs.finish()?;
        let decided = decide::decide(&self.order, &self.runs, now)?;
        Ok(Staged { order: self.order, runs: self.runs, decided })
    }
}

impl Staged {
    /// How many rows were refused.
    pub fn rejected(&self) -> u64 {
        self.order.rejected
    }

    /// The import's id.
    pub fn id(&self) -> String {
        self.order.id()
    }
}

impl Order {
    fn id(&self) -> String {
        format!("{:08x}", self.id.0)
    }
}

impl Inner {
    /// A segment id that no other has.
    pub(crate) fn next_segment(&self) -> SegmentId {
        SegmentId(self.next_segment.fetch_add(1, Ordering::Relaxed))
    }
}
