//! Imports: rows are staged outside the database, decided against what the source says, and put into
//! the database as a segment of their own, which becomes visible with one batch.
//!
//! 1. [`Staging`] takes the rows in any order, each source's apart. It keeps them in memory as they would stand in the
//!    database, and when that is full, sorts them and writes them to a *run* in the staging folder.
//! 2. [`Staging::finish`] merges the runs with what the source says, and writes what differs into
//!    tables that become part of the database at once. Nobody sees them, since no zone names their
//!    segment. All this is done by the thread that imports.
//! 3. The writer names the segments, one for each source, in one batch. What a source says that changed
//!    meanwhile is decided again first.
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
    ChangeError, ImportCounts, ImportMode, StoreError, codec,
    key::{self, SegmentId, SegmentKey, ZoneId},
    listings::check_subject,
    open::Inner,
    row::{Origin, Row, Said},
    state::ZoneState,
};

/// The folder for files of imports, in the store's folder.
const FOLDER: &str = "staging";

/// The part of an import's memory that each source but the first sets aside.
const OTHERS_SHARE: usize = 16;

/// After how many rows of a source it is looked at how much memory all of them take.
const LOOK_EVERY: u64 = 64;

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

/// Rows of an import that a later row of it contradicts.
#[derive(Clone, Debug, Default)]
struct Contradictions {
    count: u64,
    /// The first such subject, as it stands in the database.
    first: Option<Vec<u8>>,
}

impl Contradictions {
    fn add(&mut self, subject: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| subject.to_vec());
    }

    fn and(mut self, other: Self) -> Self {
        self.count += other.count;
        self.first = self.first.or(other.first);
        self
    }

    fn subject(&self) -> Option<Subject> {
        key::read_subject(self.first.as_deref()?).ok()
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
    zone: dnsbl_types::Zone,
    /// One for each source; the first is that of rows that name none.
    parts: Vec<Part>,
    /// The part that took the last row.
    turn: usize,
    /// A row on its way into the buffer.
    scratch: Vec<u8>,
}

/// The rows of one source.
struct Part {
    order: Order,
    runs: Runs,
}

/// Where rows of an import go, and what is counted on the way.
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
    /// One for each source.
    parts: Vec<StagedPart>,
}

/// The decided rows of one source.
struct StagedPart {
    order: Order,
    runs: Runs,
    decided: Decided,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sources = self.parts.iter().map(|part| &part.order.source);
        f.debug_list().entries(sources).finish()
    }
}

impl Staging {
    pub(crate) fn new(
        inner: Arc<Inner>,
        zone: ZoneId,
        settings: dnsbl_types::Zone,
        source: Source,
    ) -> Self {
        let order = Order::new(inner, zone, &settings, source);
        let runs = order.runs(inner_limit(&order));
        let parts = vec![Part { order, runs }];
        Self { zone: settings, parts, turn: 0, scratch: Vec::new() }
    }

    /// The zone it goes to.
    pub fn zone(&self) -> &dnsbl_types::Zone {
        &self.zone
    }

    /// Stages a row of the import's own source; a later row for the same subject replaces it.
    ///
    /// Fails where the zone can't list the subject, and where the disk is full.
    pub fn put(&mut self, subject: &Subject, body: &ListingBody) -> Result<(), ChangeError> {
        self.turn = 0;
        if let Subject::V4(net) = subject
            && net.prefix_len() == 32
            && *body == ListingBody::default()
        {
            return self.put_host(net.addr());
        }
        self.put_row(subject, body, Origin::Segment)
    }

    /// Stages a row as it was exported: of this source, and listed since then unless the source lists the
    /// subject already.
    ///
    /// Fails like [`put`](Self::put), and where the import has rows of too many sources.
    pub fn put_as(
        &mut self,
        source: &Source,
        subject: &Subject,
        body: &ListingBody,
        listed_at: Option<UnixTime>,
    ) -> Result<(), ChangeError> {
        self.turn = self.part_of(source)?;
        let origin = listed_at.map_or(Origin::Segment, |at| Origin::Since(at.0));
        self.put_row(subject, body, origin)?;
        self.share_memory()
    }

    fn put_row(
        &mut self,
        subject: &Subject,
        body: &ListingBody,
        origin: Origin,
    ) -> Result<(), ChangeError> {
        check_subject(&self.zone, subject)?;
        self.scratch.clear();
        let row = Row::Says(Box::new(Said::new(body, origin)));
        codec::encode_into(&row, &mut self.scratch);
        let part = &mut self.parts[self.turn];
        part.runs.put_row(&key::subject(subject), &self.scratch)?;
        part.order.accepted += 1;
        Ok(())
    }

    /// The place of a source's part, which is made where there is none.
    fn part_of(&mut self, source: &Source) -> Result<usize, ChangeError> {
        let is_of = |part: &Part| part.order.source == *source;
        if is_of(&self.parts[self.turn]) {
            return Ok(self.turn);
        }
        if let Some(place) = self.parts.iter().position(is_of) {
            return Ok(place);
        }
        if self.parts.len() >= ZoneState::MAX_SOURCES {
            return Err(ChangeError::TooManySources(self.parts.len()));
        }
        let first = &self.parts[0].order;
        let order = Order::new(first.inner.clone(), first.zone, &self.zone, source.clone());
        let runs = order.runs(inner_limit(&order) / OTHERS_SHARE);
        self.parts.push(Part { order, runs });
        Ok(self.parts.len() - 1)
    }

    /// Makes all sources together take no more memory than one may.
    fn share_memory(&mut self) -> Result<(), ChangeError> {
        let part = &self.parts[self.turn];
        if self.parts.len() == 1 || !part.order.accepted.is_multiple_of(LOOK_EVERY) {
            return Ok(());
        }
        let limit = inner_limit(&part.order);
        if self.parts.iter().map(|part| part.runs.held()).sum::<usize>() <= limit {
            return Ok(());
        }
        let largest = self.parts.iter_mut().max_by_key(|part| part.runs.held());
        largest.map_or(Ok(()), |part| Ok(part.runs.release()?))
    }

    /// Stages an IPv4 address that the import's own source lists with nothing of its own: what
    /// [`put`](Self::put) does with an empty body, at a fraction of the cost.
    pub fn put_host(&mut self, addr: std::net::Ipv4Addr) -> Result<(), ChangeError> {
        if self.zone.kind != ZoneKind::Ip {
            return Err(ChangeError::WrongKind);
        }
        let part = &mut self.parts[0];
        part.runs.put_host(addr.to_bits())?;
        part.order.accepted += 1;
        Ok(())
    }

    /// Counts a row that changes nothing by its nature.
    pub fn ignore(&mut self) {
        self.parts[0].order.ignored += 1;
    }

    /// Counts a row that was refused.
    pub fn reject(&mut self) {
        self.parts[0].order.rejected += 1;
    }

    /// How many rows were taken, those that change nothing by their nature included.
    pub fn taken(&self) -> u64 {
        self.parts.iter().map(|part| part.order.accepted + part.order.ignored).sum()
    }

    /// How many rows were refused.
    pub fn rejected(&self) -> u64 {
        self.parts.iter().map(|part| part.order.rejected).sum()
    }

    /// All rows are in: decides what they change at `now`, and what becomes of the import's own source's
    /// other listings. A dry run counts and writes nothing.
    ///
    /// Takes as long as reading what the sources say; other changes do not wait for it.
    pub fn finish(
        self,
        mode: ImportMode,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<Staged, ChangeError> {
        let mut modes = std::iter::once(mode).chain(std::iter::repeat(ImportMode::Upsert));
        let parts = self.parts.into_iter().map(|Part { mut order, mut runs }| {
            order.mode = modes.next().unwrap_or(ImportMode::Upsert);
            order.dry_run = dry_run;
            runs.finish()?;
            let decided = decide::decide(&order, &runs, now)?;
            Ok(StagedPart { order, runs, decided })
        });
        Ok(Staged { parts: parts.collect::<Result<_, ChangeError>>()? })
    }
}

impl Staged {
    /// How many rows were refused.
    pub fn rejected(&self) -> u64 {
        self.parts.iter().map(|part| part.order.rejected).sum()
    }

    /// The import's id.
    pub fn id(&self) -> String {
        self.parts.first().map(|part| part.order.id()).unwrap_or_default()
    }

    /// What it would do as things are.
    pub fn counts(&self) -> ImportCounts {
        self.parts.iter().map(|part| part.decided.counts).sum()
    }

    /// How many rows say something else of a subject than a later row of the import does, and the first
    /// such subject.
    pub fn contradictions(&self) -> (u64, Option<Subject>) {
        let count = self.parts.iter().map(|part| part.decided.contradictions.count).sum();
        let first = self.parts.iter().find_map(|part| part.decided.contradictions.subject());
        (count, first)
    }
}

/// Bytes that the rows of an import may take in memory.
fn inner_limit(order: &Order) -> usize {
    order.inner.options.staging_bytes
}

impl Order {
    fn new(inner: Arc<Inner>, zone: ZoneId, settings: &dnsbl_types::Zone, source: Source) -> Self {
        let id = inner.next_segment();
        Self {
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
        }
    }

    fn runs(&self, limit: usize) -> Runs {
        let name = format!("{:08x}", self.id.0);
        Runs::new(Folder(self.inner.path.join(FOLDER).join(name)), limit)
    }

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
