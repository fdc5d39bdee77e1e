//! The writer's part of an import: naming its segment.

use dnsbl_types::{Name, Source, UnixTime};

use super::{
    Staged,
    decide::{self, Decided},
};
use crate::{
    Actor, ChangeError, Done, ImportLimits, ImportMode, ImportSummary, Op, Outcome, Reader,
    StoreError, codec,
    group::{Effect, Group},
    listings::check_sources,
    scan::cf,
    schema,
    state::Segment,
    value::Written,
};

/// What the keys in `meta` begin with under which imports are noted.
const IMPORTS: &[u8] = b"import/";

impl Group<'_> {
    /// Commits a decided import. If its source changed after it was decided, decides it again, for which
    /// other changes wait.
    pub(crate) fn commit_import(
        &mut self,
        actor: &Actor,
        staged: Staged,
    ) -> Result<Done, ChangeError> {
        let Staged { order, runs, mut decided } = staged;
        let state = self.zone(&order.origin)?;
        if state.id != order.zone {
            return Err(ChangeError::NoZone(order.origin.clone()));
        }
        if state.zone.kind != order.kind {
            return Err(ChangeError::WrongKind);
        }
        check_sources(state, &order.source)?;
        if state.changed_since(&order.source, decided.seen) {
            // The rows of the first decision go before the second is made.
            drop(decided);
            decided = decide::decide(&order, &runs, self.now)?;
        }
        if let ImportMode::ReplaceSource(limits) = order.mode {
            check_limits(&decided, limits)?;
        }
        let outcome = Outcome::Import(decided.counts);
        if !order.dry_run {
            self.note_import(&order.origin, &order.source);
        }
        let Some(unnamed) = decided.segment.take().filter(|_| decided.rows > 0) else {
            return Ok(self.unchanged(outcome));
        };
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
        let key = unnamed.name();
        self.add_segment(&order.origin, Segment { key, source, written, rows, changed: seq })?;
        if let Some(state) = self.ledger.zones.get_mut(&order.origin) {
            state.count(false, decided.listings);
            state.count(true, decided.exclusions);
        }
        let import = ImportSummary {
            id: order.id(),
            source: order.source.clone(),
            replaced: order.mode != ImportMode::Upsert,
            counts: decided.counts,
            digest: decided.digest,
        };
        let op = Op::Import { zone: order.origin.clone(), import: Box::new(import) };
        let seq = self.append(actor, vec![op]);
        self.effects.push(Effect::Segment { zone: order.origin.clone(), segment: key });
        Ok(Done { seq, outcome })
    }
}

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
    } else if share > limits.max_removed {
        format!(
            "{} of {} listings would go, more than the share of {}; max_removed={:.2} replaces the source all the same",
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
