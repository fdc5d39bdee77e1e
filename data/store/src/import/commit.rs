//! The writer's part of an import: naming its segments.

use dnsbl_types::{Name, Source, UnixTime};

use super::{
    Order, Staged, StagedPart,
    decide::{self, Decided, Unnamed},
};
use crate::{
    Actor, ChangeError, Done, ImportLimits, ImportMode, ImportSummary, Op, Outcome, Reader,
    StoreError, codec,
    group::{Effect, Group},
    scan::cf,
    schema,
    state::{Segment, ZoneState},
    value::Written,
};

/// What the keys in `meta` begin with under which imports are noted.
const IMPORTS: &[u8] = b"import/";

impl Group<'_> {
    /// Commits a decided import, all of its sources or none. What a source says that changed after it was
    /// decided is decided again, for which other changes wait.
    pub(crate) fn commit_import(
        &mut self,
        actor: &Actor,
        staged: Staged,
    ) -> Result<Done, ChangeError> {
        let id = staged.id();
        let mut parts = staged.parts;
        for part in &mut parts {
            self.settle(part)?;
        }
        for StagedPart { order, .. } in parts.iter().filter(|part| !part.order.dry_run) {
            self.note_import(&order.origin, &order.source);
        }
        let outcome = Outcome::Import(parts.iter().map(|part| part.decided.counts).sum());
        let named: Vec<Named> = parts.into_iter().filter_map(Named::new).collect();
        let Some(first) = named.first() else {
            return Ok(self.unchanged(outcome));
        };
        let origin = first.order.origin.clone();
        check_all_sources(self.zone(&origin)?, &named)?;
        let ops = named.into_iter().map(|part| self.name(&origin, actor, &id, part));
        let ops = ops.collect::<Result<_, _>>()?;
        Ok(Done { seq: self.append(actor, ops), outcome })
    }

    /// Brings a decision up to date, and checks what it does.
    fn settle(&self, part: &mut StagedPart) -> Result<(), ChangeError> {
        let StagedPart { order, runs, decided } = part;
        let state = self.zone(&order.origin)?;
        if state.id != order.zone {
            return Err(ChangeError::NoZone(order.origin.clone()));
        }
        if state.zone.kind != order.kind {
            return Err(ChangeError::WrongKind);
        }
        if state.changed_since(&order.source, decided.seen) {
            // The rows of the first decision go before the second is made.
            decided.segment = None;
            *decided = decide::decide(order, runs, self.now)?;
        }
        match order.mode {
            ImportMode::ReplaceSource(limits) => check_limits(decided, limits),
            ImportMode::Upsert => Ok(()),
        }
    }

    /// Makes the rows of a source a segment of their zone.
    fn name(
        &mut self,
        origin: &Name,
        actor: &Actor,
        id: &str,
        part: Named,
    ) -> Result<Op, ChangeError> {
        let Named { order, decided, segment } = part;
        let seq = self.ledger.head + 1;
        let written = Written {
            listed_at: self.now.0,
            updated_at: self.now.0,
            listed_by: actor.name.clone(),
            seq,
        };
        if let Some(at) = decided.first_expiry {
            self.writes.has_expiry(at.to_be_bytes().to_vec());
        }
        let (source, rows) = (order.source.clone(), decided.rows);
        let key = segment.name();
        self.add_segment(origin, Segment { key, source, written, rows, changed: seq })?;
        if let Some(state) = self.ledger.zones.get_mut(origin) {
            state.count(false, decided.listings);
            state.count(true, decided.exclusions);
        }
        self.effects.push(Effect::Segment { zone: origin.clone(), segment: key });
        let import = ImportSummary {
            id: id.into(),
            source: order.source,
            replaced: order.mode != ImportMode::Upsert,
            counts: decided.counts,
            digest: decided.digest,
        };
        Ok(Op::Import { zone: origin.clone(), import: Box::new(import) })
    }
}

/// A part that changes something, and the segment to be named.
struct Named {
    order: Order,
    decided: Decided,
    segment: Unnamed,
}

impl Named {
    fn new(part: StagedPart) -> Option<Self> {
        let StagedPart { order, mut decided, .. } = part;
        let segment = decided.segment.take().filter(|_| decided.rows > 0)?;
        Some(Self { order, decided, segment })
    }
}

/// Whether a zone may have listings of all these sources.
fn check_all_sources(state: &ZoneState, parts: &[Named]) -> Result<(), ChangeError> {
    let new = parts.iter().filter(|part| state.segment_of(&part.order.source).is_none()).count();
    let sources = state.count_sources();
    let full = new > 0 && sources + new > ZoneState::MAX_SOURCES;
    if full { Err(ChangeError::TooManySources(sources)) } else { Ok(()) }
}

/// So few listings may go whatever share of the source they are: a source of three that becomes one of
/// two has lost a third.
const FEW: u64 = 4;
impl Group<'_> {
    /// Keeps when a source was last imported, whether that changed anything or not.
    fn note_import(&mut self, origin: &Name, source: &Source) {
        let key = [of_zone(origin).as_slice(), source.as_str().as_bytes()].concat();
        let value = (origin.to_string(), source.to_string(), self.now.0);
        self.writes.batch.put_cf(cf(self.writes.db, schema::META), key, codec::encode(&value));
    }

    /// Forgets the imports of a zone.
    pub(crate) fn forget_imports(&mut self, origin: &Name) {
        let from = of_zone(origin);
        let to = [from.as_slice(), &[u8::MAX]].concat();
        self.writes.batch.delete_range_cf(cf(self.writes.db, schema::META), from, to);
    }
}

/// What the keys of a zone's imports begin with.
fn of_zone(origin: &Name) -> Vec<u8> {
    [IMPORTS, origin.wire()].concat()
}

impl Reader<'_> {
    /// When each source of each zone was last imported.
    pub fn last_imports(&self) -> Result<Vec<(String, String, UnixTime)>, StoreError> {
        let mut imports = Vec::new();
        let mut options = rocksdb::ReadOptions::default();
        options.set_iterate_upper_bound([IMPORTS, &[u8::MAX]].concat());
        let mut iter = self.view.iter(schema::META, options);
        iter.seek(IMPORTS);
        while let Some(value) = iter.value() {
            let (zone, source, at): (String, String, u64) = codec::decode("last import", value)?;
            imports.push((zone, source, UnixTime(at)));
            iter.next();
        }
        iter.status()?;
        Ok(imports)
    }
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
