//! Committing an import: its segments get names.

use std::sync::Arc;

use dnsbl_types::Name;

use crate::{
    ChangeError, ImportSummary, Op,
    db::UnnamedSegment,
    format::{codec, key, schema, value::WriteStamp},
    import::{
        decide::Decided,
        order::{ImportLimits, ImportMode, Order},
        run::Runs,
    },
    read::state::{Segment, ZoneState},
    write::{
        listings::check_phase,
        operation::{Commit, OperationResult},
        transaction::Transaction,
    },
};

/// So few listings may go whatever share of the source they are: a source of three that becomes one of
/// two has lost a third.
const FEW: u64 = 4;

/// An import that is ready to be committed; dropping it removes its rows.
pub(crate) struct ImportCommit {
    /// One for each source.
    pub(crate) parts: Vec<StagedPart>,
}

/// The decided rows of one source.
pub(crate) struct StagedPart {
    pub(crate) order: Order,
    pub(crate) runs: Runs,
    pub(crate) decided: Decided,
}

impl Commit for ImportCommit {
    /// All of its sources or none. What a source says that changed after it was decided is decided again, for
    /// which other changes wait.
    fn decide(
        mut self: Box<Self>,
        transaction: &mut Transaction<'_>,
    ) -> Result<OperationResult, ChangeError> {
        let id = self.parts.first().map(|part| part.order.id()).unwrap_or_default();
        for part in &mut self.parts {
            part.bring_up_to_date(transaction)?;
        }
        for StagedPart { order, .. } in self.parts.iter().filter(|part| !part.order.dry_run) {
            note_import(transaction, order);
        }
        let counts = self.parts.iter().map(|part| part.decided.counts).sum();
        let named: Vec<Named> = self.parts.into_iter().filter_map(Named::new).collect();
        if let Some(first) = named.first() {
            let origin = first.order.origin.clone();
            check_sources(transaction.zone(&origin)?, &named)?;
            for part in named {
                part.name(transaction, &origin, &id)?;
            }
        }
        Ok(OperationResult::Import(counts))
    }
}

impl StagedPart {
    /// Decides again where that is due, and checks what the import does.
    fn bring_up_to_date(&mut self, transaction: &Transaction<'_>) -> Result<(), ChangeError> {
        let Self { order, runs, decided } = self;
        let zone = transaction.zone(&order.origin)?;
        if zone.id != order.zone {
            return Err(ChangeError::NoZone(order.origin.clone()));
        }
        if !zone.zone.kind.is_same_kind(order.kind) {
            return Err(ChangeError::WrongKind);
        }
        if zone.changed_since(&order.source, decided.seen) {
            // The rows of the first decision go before the second is made.
            decided.segment = None;
            *decided = Decided::new(order, runs, transaction.now)?;
        }
        // What only removes is taken.
        if decided.counts.added + decided.counts.updated > 0 {
            check_phase(&zone.zone)?;
        }
        match order.mode {
            ImportMode::ReplaceSource(limits) => check_limits(decided, limits),
            ImportMode::Upsert => Ok(()),
        }
    }
}

/// A part that changes something, and the segment to be named.
struct Named {
    order: Order,
    decided: Decided,
    rows: UnnamedSegment,
}

impl Named {
    fn new(part: StagedPart) -> Option<Self> {
        let StagedPart { order, mut decided, .. } = part;
        let rows = decided.segment.take().filter(|_| decided.rows > 0)?;
        Some(Self { order, decided, rows })
    }

    /// Makes the rows a segment of their zone.
    fn name(
        self,
        transaction: &mut Transaction<'_>,
        origin: &Name,
        id: &str,
    ) -> Result<(), ChangeError> {
        let Self { order, decided, rows } = self;
        let (now, seq) = (transaction.now, transaction.seq());
        let listed_by = transaction.actor.name.clone();
        let stamp = WriteStamp { listed_at: now.0, updated_at: now.0, listed_by, seq };
        if let Some(at) = decided.first_expiry {
            transaction.expires(at.to_be_bytes().into());
        }
        let mut zone = transaction.zone(origin)?.clone();
        let (key, source) = (rows.key(), order.source.clone());
        let stamp = Arc::new(stamp);
        let segment = Segment { key, source, stamp, rows: decided.rows, changed: seq };
        transaction.name_segment(&mut zone, segment, rows);
        zone.count(false, decided.listings);
        zone.count(true, decided.exclusions);
        transaction.set_zone(zone);
        let import = ImportSummary {
            id: id.into(),
            source: order.source,
            replaced: order.mode != ImportMode::Upsert,
            counts: decided.counts,
            digest: decided.digest,
        };
        transaction.log(Op::Import { zone: origin.clone(), import: Box::new(import) });
        Ok(())
    }
}

/// Keeps when a source was last imported, whether that changed anything or not.
fn note_import(transaction: &mut Transaction<'_>, order: &Order) {
    let key = [key::imports(&order.origin).as_slice(), order.source.as_str().as_bytes()].concat();
    let value = (order.origin.to_string(), order.source.to_string(), transaction.now.0);
    transaction.put(schema::META, key, codec::encode(&value));
}

/// Checks that a zone may have listings of all these sources.
fn check_sources(zone: &ZoneState, parts: &[Named]) -> Result<(), ChangeError> {
    let new = parts.iter().filter(|part| zone.segment_of(&part.order.source).is_none()).count();
    let sources = zone.count_sources();
    let full = new > 0 && sources + new > ZoneState::MAX_SOURCES;
    if full { Err(ChangeError::TooManySources(sources)) } else { Ok(()) }
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
