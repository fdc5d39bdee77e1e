//! Taking the rows of an import.

use std::{fmt, net::Ipv4Addr, sync::Arc};

use dnsbl_types::{ListingBody, MaxPrefix, Name, Source, Subject, UnixTime, Zone};

use crate::{
    ChangeError, ImportCounts,
    db::Db,
    format::{
        codec, key,
        row::{ListingRow, Provenance, Row},
    },
    import::{
        commit::{BulkCommit, BulkKind, StagedPart, StagedParts},
        content::Content,
        expected::ExpectedDelta,
        folder::Folder,
        order::{ImportMode, Order},
        run::Runs,
    },
    read::{
        state::{self, ZoneState},
        view::View,
    },
    write::{
        listings::check_subject,
        operation::{Operation, StagedImport},
    },
};

/// The part of an import's memory that each source but the first sets aside.
const OTHERS_SHARE: usize = 16;

/// After how many rows of a source it is looked at how much memory all of them take.
const LOOK_EVERY: u64 = 64;

/// An import on its way in. Nobody sees its rows; dropping it removes them.
pub struct Staging {
    zone: Zone,
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

impl Part {
    /// A part that keeps at most about so many bytes in memory.
    fn new(order: Order, limit: usize) -> Self {
        let runs = Runs::new(Folder::new(&order.db.path, &order.id()), limit);
        Self { order, runs }
    }
}

/// A finished staging, ready to be committed; dropping it removes its rows.
pub struct Staged {
    staged: StagedParts,
    expected: ExpectedDelta,
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.staged.parts.iter().map(|part| &part.order.source);
        f.debug_list().entries(sources).finish()
    }
}

impl Staging {
    /// An import into a zone.
    pub(crate) fn begin(db: &Arc<Db>, origin: &Name, source: Source) -> Result<Self, ChangeError> {
        if let Some(failure) = db.failure() {
            return Err(failure.into());
        }
        let state = state::read_zone(&View::latest(&db.rocks), origin)?;
        let state = state.ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        let zone = state.zone.as_ref().clone();
        let order = Order::new(db, state.id, &zone, source);
        let parts = vec![Part::new(order, db.options.staging_bytes)];
        Ok(Self { zone, parts, turn: 0, scratch: Vec::new() })
    }

    /// Lets no listing of a larger prefix go where the import replaces what its own source lists.
    pub fn keep_larger_than(&mut self, max: Option<MaxPrefix>) {
        self.parts[0].order.max_prefix = max;
    }

    /// The zone it goes to.
    pub fn zone(&self) -> &Zone {
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
        self.put_row(subject, body, Provenance::OfSegment)
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
        let provenance =
            listed_at.map_or(Provenance::OfSegment, |at| Provenance::ListedSince(at.0));
        self.put_row(subject, body, provenance)?;
        self.share_memory()
    }

    fn put_row(
        &mut self,
        subject: &Subject,
        body: &ListingBody,
        provenance: Provenance,
    ) -> Result<(), ChangeError> {
        check_subject(&self.zone, subject)?;
        self.scratch.clear();
        let row = Row::Listing(Box::new(ListingRow::new(body, provenance)));
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
        let order = Order::new(&first.db, first.zone, &self.zone, source.clone());
        let limit = first.db.options.staging_bytes / OTHERS_SHARE;
        self.parts.push(Part::new(order, limit));
        Ok(self.parts.len() - 1)
    }

    /// Makes all sources together take no more memory than one may.
    fn share_memory(&mut self) -> Result<(), ChangeError> {
        let part = &self.parts[self.turn];
        if self.parts.len() == 1 || !part.order.accepted.is_multiple_of(LOOK_EVERY) {
            return Ok(());
        }
        let limit = part.order.db.options.staging_bytes;
        if self.parts.iter().map(|part| part.runs.held()).sum::<usize>() <= limit {
            return Ok(());
        }
        let largest = self.parts.iter_mut().max_by_key(|part| part.runs.held());
        largest.map_or(Ok(()), |part| Ok(part.runs.release()?))
    }

    /// Stages an IPv4 address that the import's own source lists with nothing of its own: what
    /// [`put`](Self::put) does with an empty body, at a fraction of the cost.
    pub fn put_host(&mut self, addr: Ipv4Addr) -> Result<(), ChangeError> {
        if !self.zone.kind.has_addresses() {
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
        let db = self.parts[0].order.db.clone();
        let mut modes = std::iter::once(mode).chain(std::iter::repeat(ImportMode::Upsert));
        let parts = self.parts.into_iter().map(|Part { mut order, mut runs }| {
            order.mode = modes.next().unwrap_or(ImportMode::Upsert);
            order.dry_run = dry_run;
            runs.finish()?;
            StagedPart::new(order, Content::Import(runs), now)
        });
        let parts = parts.collect::<Result<_, ChangeError>>()?;
        let staged = StagedParts::new(&db, parts)?;
        Ok(Staged { staged, expected: ExpectedDelta::default() })
    }
}

impl Staged {
    /// Makes it change nothing unless it does what is expected.
    #[must_use]
    pub fn expecting(self, expected: ExpectedDelta) -> Self {
        Self { expected, ..self }
    }

    /// The operation that makes it visible.
    pub fn commit(self) -> Operation {
        let Self { staged, expected } = self;
        let kind = BulkKind::Import(expected);
        Operation::CommitImport(StagedImport(Box::new(BulkCommit { kind, staged })))
    }

    /// How many rows were refused.
    pub fn rejected(&self) -> u64 {
        self.staged.parts.iter().map(|part| part.order.rejected).sum()
    }

    /// The import's id.
    pub fn id(&self) -> String {
        self.staged.parts.first().map(|part| part.order.id()).unwrap_or_default()
    }

    /// What it would do as things are.
    pub fn counts(&self) -> ImportCounts {
        self.staged.parts.iter().map(|part| part.decided.counts).sum()
    }

    /// How many rows say something else of a subject than a later row of the import does, and the first
    /// such subject.
    pub fn contradictions(&self) -> (u64, Option<Subject>) {
        let count = self.staged.parts.iter().map(|part| part.decided.contradictions.count).sum();
        let first = self.staged.parts.iter().find_map(|part| part.decided.contradictions.subject());
        (count, first)
    }
}
