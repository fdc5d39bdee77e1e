//! Committing an import, a purge or an undo of many listings: its segments get names.

use std::{collections::BTreeSet, sync::Arc};

use dnsbl_types::{Name, Source, UnixTime};

use crate::{
    ChangeError, ImportCounts, ImportSummary, Op, StoreError,
    db::{Db, UnnamedSegment},
    format::{
        codec, key,
        log::{BulkSummary, UndonePart},
        schema,
        undo::{self, UndoPart, UndoRecord},
        value::WriteStamp,
    },
    import::{
        content::Content,
        decide::Decided,
        expected::ExpectedDelta,
        folder::Folder,
        order::{ImportLimits, ImportMode, Order},
        prepared::PreparedFork,
        selection::{PurgedSource, Selection},
    },
    read::state::{Segment, ZoneState},
    write::{
        freeze,
        listings::check_phase,
        operation::{Commit, OperationResult},
        transaction::{Effect, Transaction},
    },
};

/// So few listings may go whatever share of the source they are: a source of three that becomes one of
/// two has lost a third.
const FEW: u64 = 4;

/// A change of many listings that is ready to be committed; dropping it removes its rows.
pub(crate) struct BulkCommit {
    pub(crate) kind: BulkKind,
    pub(crate) staged: StagedParts,
}

/// The decided rows of a change of many listings, and what the index will be shown.
pub(crate) struct StagedParts {
    /// One for each source of each zone.
    pub(crate) parts: Vec<StagedPart>,
    /// Made of these parts as they are.
    fork: Option<PreparedFork>,
}

/// What kind of change it is, and on which condition it is made.
pub(crate) enum BulkKind {
    Import(ExpectedDelta),
    Purge(Purge),
    Undo {
        /// The change that is undone.
        of: u64,
        /// Its id.
        id: String,
    },
}

/// A purge of all sources that are selected, also of those that come while it is staged.
pub(crate) struct Purge {
    /// Its id.
    pub(crate) id: String,
    pub(crate) zones: Vec<Name>,
    pub(crate) selection: Arc<Selection>,
    /// How many listings it may remove; `None`: nothing is removed, since nobody has confirmed how many.
    pub(crate) expect: Option<u64>,
    pub(crate) dry_run: bool,
}

impl Purge {
    /// The sources of a zone that it may be about.
    pub(crate) fn sources(&self, zone: &ZoneState) -> BTreeSet<Source> {
        let selected = |source: &&Source| {
            self.selection.source.as_ref().is_none_or(|selected| selected == *source)
        };
        let sources = zone.segments.iter().map(|segment| &segment.source);
        sources.filter(selected).cloned().collect()
    }

    /// Decides what goes of a source.
    pub(crate) fn part(
        &self,
        db: &Arc<Db>,
        zone: &ZoneState,
        source: Source,
        now: UnixTime,
    ) -> Result<StagedPart, ChangeError> {
        let mut order = Order::new(db, zone.id, &zone.zone, source);
        order.dry_run = self.dry_run;
        let folder = Folder::new(&db.path, &order.id());
        let content = Content::Purge { selection: self.selection.clone(), folder };
        StagedPart::new(order, content, now)
    }
}

/// The decided rows of one source.
pub(crate) struct StagedPart {
    pub(crate) order: Order,
    pub(crate) content: Content,
    pub(crate) decided: Decided,
}

impl Commit for BulkCommit {
    /// All of its sources or none. What a source says that changed after it was decided is decided again, for
    /// which other changes wait.
    fn decide(
        mut self: Box<Self>,
        transaction: &mut Transaction<'_>,
    ) -> Result<OperationResult, ChangeError> {
        let Self { kind, staged } = &mut *self;
        staged.bring_up_to_date(transaction)?;
        if let BulkKind::Purge(purge) = kind {
            staged.add_new(purge, transaction)?;
        }
        let Self { kind, staged: StagedParts { parts, fork } } = *self;
        let result = kind.check(transaction, &parts)?;
        if let BulkKind::Import(_) = kind {
            for StagedPart { order, .. } in parts.iter().filter(|part| !part.order.dry_run) {
                note_import(transaction, order);
            }
        }
        let id = kind.id(&parts);
        let named: Vec<Named> = parts.into_iter().filter_map(Named::new).collect();
        check_sources(transaction, &named)?;
        show(transaction, &named, fork)?;
        let mut kept = Vec::new();
        for part in named {
            kept.push(part.name(transaction, &kind, &id)?);
        }
        if !kept.is_empty() {
            let record = UndoRecord { at: transaction.now, id, parts: kept };
            let key = transaction.seq().to_be_bytes();
            transaction.put(schema::UNDO, key, undo::encode(&record));
        }
        Ok(result)
    }
}

impl BulkKind {
    /// The id by which people know it.
    fn id(&self, parts: &[StagedPart]) -> String {
        match self {
            Self::Import(_) => parts.first().map(|part| part.order.id()).unwrap_or_default(),
            Self::Purge(Purge { id, .. }) | Self::Undo { id, .. } => id.clone(),
        }
    }

    /// Checks what all parts together do; what that is.
    fn check(
        &self,
        transaction: &Transaction<'_>,
        parts: &[StagedPart],
    ) -> Result<OperationResult, ChangeError> {
        let counts: ImportCounts = parts.iter().map(|part| part.decided.counts).sum();
        match self {
            Self::Import(expected) => {
                for StagedPart { order, .. } in parts {
                    freeze::check(transaction.zone(&order.origin)?, &order.source)?;
                }
                if let Some(why) = expected.why_not(&counts) {
                    return Err(ChangeError::ImportRefused { why, counts });
                }
                Ok(OperationResult::Import(counts))
            }
            Self::Purge(Purge { expect, dry_run, .. }) => {
                let sources: Vec<PurgedSource> = parts.iter().filter_map(purged).collect();
                let found = counts.removed;
                if *expect == Some(found) || expect.is_none() && *dry_run {
                    return Ok(OperationResult::Purge(sources));
                }
                Err(ChangeError::PurgeCount { expected: *expect, found, sources })
            }
            Self::Undo { of, .. } => {
                for StagedPart { order, decided, .. } in parts {
                    if let Some((subject, by)) = decided.overtaken.first() {
                        return Err(ChangeError::Overtaken {
                            of: *of,
                            zone: order.origin.clone(),
                            what: format!("the listing of {subject} by {}", order.source),
                            by,
                            count: decided.overtaken.count,
                        });
                    }
                }
                if counts.added + counts.updated + counts.removed == 0 {
                    return Err(ChangeError::NothingToUndo(*of));
                }
                Ok(OperationResult::Undone { of: *of, counts })
            }
        }
    }
}

/// What a purge removes of a source, if anything.
fn purged(StagedPart { order, decided, .. }: &StagedPart) -> Option<PurgedSource> {
    let [listings, exclusions] =
        [decided.listings, decided.exclusions].map(|count| count.unsigned_abs());
    (listings + exclusions > 0).then(|| PurgedSource {
        zone: order.origin.clone(),
        source: order.source.clone(),
        listings,
        exclusions,
    })
}

impl StagedParts {
    /// These parts, with a fork of the index that says what they do.
    pub(crate) fn new(db: &Db, parts: Vec<StagedPart>) -> Result<Self, ChangeError> {
        let segments = parts.iter().filter_map(|StagedPart { order, decided, .. }| {
            let key = decided.segment.as_ref().filter(|_| decided.rows > 0)?.key();
            let stamp = Arc::new(WriteStamp::default());
            let (source, rows) = (order.source.clone(), decided.rows);
            Some((order.origin.clone(), Segment { key, source, stamp, rows, changed: 0 }))
        });
        let fork = PreparedFork::new(db, &segments.collect::<Vec<_>>())?;
        Ok(Self { parts, fork })
    }

    /// Decides parts again where that is due, and checks what the import does.
    fn bring_up_to_date(&mut self, transaction: &Transaction<'_>) -> Result<(), ChangeError> {
        for part in &mut self.parts {
            if part.bring_up_to_date(transaction)? {
                self.fork = None;
            }
        }
        Ok(())
    }

    /// Decides what goes of sources that have come since.
    fn add_new(&mut self, purge: &Purge, transaction: &Transaction<'_>) -> Result<(), ChangeError> {
        for origin in &purge.zones {
            let zone = transaction.zone(origin)?;
            for source in purge.sources(zone) {
                let is_of =
                    |part: &StagedPart| part.order.zone == zone.id && part.order.source == source;
                if !self.parts.iter().any(is_of) {
                    let part = purge.part(transaction.db, zone, source, transaction.now)?;
                    self.parts.push(part);
                    self.fork = None;
                }
            }
        }
        Ok(())
    }
}

impl StagedPart {
    /// Decides a part for the first time.
    pub(crate) fn new(order: Order, content: Content, now: UnixTime) -> Result<Self, ChangeError> {
        let decided = Decided::new(&order, &content, now)?;
        Ok(Self { order, content, decided })
    }

    /// Decides again where that is due, and checks what the import does; whether it was decided again.
    fn bring_up_to_date(&mut self, transaction: &Transaction<'_>) -> Result<bool, ChangeError> {
        let Self { order, content, decided } = self;
        let zone = transaction.zone(&order.origin)?;
        if zone.id != order.zone {
            return Err(ChangeError::NoZone(order.origin.clone()));
        }
        if !zone.zone.kind.is_same_kind(order.kind) {
            return Err(ChangeError::WrongKind);
        }
        let is_due = zone.changed_since(&order.source, decided.seen);
        if is_due {
            // The rows of the first decision go before the second is made.
            decided.segment = None;
            decided.kept = Default::default();
            *decided = Decided::new(order, content, transaction.now)?;
        }
        // What only removes is taken.
        if decided.counts.added + decided.counts.updated > 0 {
            check_phase(&zone.zone)?;
        }
        match order.mode {
            ImportMode::ReplaceSource(limits) => check_limits(decided, limits)?,
            ImportMode::Upsert => {}
        }
        Ok(is_due)
    }
}

/// A part that changes something, and the segment to be named.
struct Named {
    order: Order,
    content: Content,
    decided: Decided,
    rows: UnnamedSegment,
}

impl Named {
    fn new(part: StagedPart) -> Option<Self> {
        let StagedPart { order, content, mut decided } = part;
        let rows = decided.segment.take().filter(|_| decided.rows > 0)?;
        Some(Self { order, content, decided, rows })
    }

    /// Makes the rows a segment of their zone; what an undo needs to know of it.
    fn name(
        self,
        transaction: &mut Transaction<'_>,
        kind: &BulkKind,
        id: &str,
    ) -> Result<UndoPart, ChangeError> {
        let Self { order, content, decided, rows } = self;
        let origin = order.origin.clone();
        let (now, seq) = (transaction.now, transaction.seq());
        let listed_by = transaction.actor.name.clone();
        let of_change =
            Arc::new(WriteStamp { listed_at: now.0, updated_at: now.0, listed_by, seq });
        if let Some(at) = decided.first_expiry {
            transaction.expires(at.to_be_bytes().into());
        }
        let mut zone = transaction.zone(&origin)?.clone();
        let kept = match content {
            Content::Undo { part, .. } => {
                let UndoPart { before, after, .. } = part;
                UndoPart { before: after, after: before, ..part }
            }
            _ => {
                let sides = [&decided.kept.before, &decided.kept.after];
                let [before, after] = sides.map(|side| Some(side.as_ref()?.named(&of_change)));
                let source = order.source.clone();
                UndoPart { zone: zone.id, origin: origin.clone(), source, before, after }
            }
        };
        for side in decided.kept.before.into_iter().chain(decided.kept.after) {
            transaction.name_kept(side.rows);
        }
        let (key, source) = (rows.key(), order.source.clone());
        let stamp = decided.stamp.unwrap_or(of_change);
        let segment = Segment { key, source, stamp, rows: decided.rows, changed: seq };
        transaction.name_segment(&mut zone, segment, rows);
        zone.count(false, decided.listings);
        zone.count(true, decided.exclusions);
        transaction.set_zone(zone);
        let counts = decided.counts;
        let source = order.source;
        let bulk = || BulkSummary { id: id.into(), source: source.clone(), counts };
        transaction.log(match kind {
            BulkKind::Import(_) => {
                let replaced = order.mode != ImportMode::Upsert;
                let digest = decided.digest;
                let import = ImportSummary { id: id.into(), source, replaced, counts, digest };
                Op::Import { zone: origin, import: Box::new(import) }
            }
            BulkKind::Purge(_) => Op::Purge { zone: origin, purge: Box::new(bulk()) },
            BulkKind::Undo { of, .. } => {
                let part = UndonePart { zone: origin, done: bulk() };
                Op::Undo { of: *of, part: Some(Box::new(part)) }
            }
        });
        Ok(kept)
    }
}

/// Has the index be shown what the segments say: the fork that was made ready, if it can be brought up to date.
fn show(
    transaction: &mut Transaction<'_>,
    named: &[Named],
    fork: Option<PreparedFork>,
) -> Result<(), StoreError> {
    let zones = named.iter().map(|part| part.order.origin.clone()).collect();
    let join = fork.map(|fork| fork.join(transaction.view, &zones)).transpose()?;
    match join.flatten() {
        Some(join) => transaction.show(join),
        None => {
            for Named { order, rows, .. } in named {
                let (zone, segment) = (order.origin.clone(), rows.key());
                transaction.show(Effect::Segment { zone, segment });
            }
        }
    }
    Ok(())
}

/// Keeps when a source was last imported, whether that changed anything or not.
fn note_import(transaction: &mut Transaction<'_>, order: &Order) {
    let key = [key::imports(&order.origin).as_slice(), order.source.as_str().as_bytes()].concat();
    let value = (order.origin.to_string(), order.source.to_string(), transaction.now.0);
    transaction.put(schema::META, key, codec::encode(&value));
}

/// Checks that zones may have listings of all these sources.
fn check_sources(transaction: &Transaction<'_>, parts: &[Named]) -> Result<(), ChangeError> {
    for Named { order, .. } in parts {
        let zone = transaction.zone(&order.origin)?;
        let is_new = |order: &Order| zone.segment_of(&order.source).is_none();
        if is_new(order) {
            let of_zone = parts.iter().filter(|part| part.order.zone == order.zone);
            let new = of_zone.filter(|part| is_new(&part.order)).count();
            let sources = zone.count_sources();
            if sources + new > ZoneState::MAX_SOURCES {
                return Err(ChangeError::TooManySources(sources));
            }
        }
    }
    Ok(())
}

fn check_limits(decided: &Decided, limits: ImportLimits) -> Result<(), ChangeError> {
    let counts = decided.counts;
    let share = counts.removed as f64 / decided.before.max(1) as f64;
    let why = if counts.rejected > 0 && !limits.allow_rejected {
        format!(
            "{} rows were rejected; allow_rejected=1 replaces the source all the same",
            counts.rejected
        )
    } else if decided.distinct == 0 && limits.max_removed < 1.0 {
        "no row is left; max_removed=1 empties the source all the same".into()
    } else if share > limits.max_removed && (counts.removed > FEW || limits.max_removed == 0.0) {
        format!(
            "{} of {} listings would go, more than the share of {} and than {FEW}; max_removed={:.2} replaces the source all the same",
            counts.removed,
            decided.before,
            limits.max_removed,
            (share * 100.0).ceil() / 100.0
        )
    } else {
        return Ok(());
    };
    Err(ChangeError::ImportRefused { why, counts })
}
