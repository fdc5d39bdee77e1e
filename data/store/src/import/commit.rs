//! The writer's part of an import: naming its segment.

use super::{
    Staged,
    decide::{self, Decided},
};
use crate::{
    Actor, ChangeError, Done, ImportLimits, ImportMode, ImportSummary, Op, Outcome,
    group::{Effect, Group},
    listings::check_sources,
    state::Segment,
    value::Written,
};

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
