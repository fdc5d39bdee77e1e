//! A zone at work: its settings, its state, and the queries that are on their way to it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    report::{Outcome, ZoneId},
    single_flight::SingleFlight,
    zone_state::{LookupResult, ZoneState},
};
use crate::{
    Health, Listing, Score, ScoreRange, Status, Target, Zone, ZoneName,
    health::{Family, Proof},
};

/// A zone at work.
pub(super) struct ZoneClient {
    pub(super) id: ZoneId,
    pub(super) zone: Zone,
    /// What each rule adds to the score.
    weights: Vec<Score>,
    pub(super) range: ScoreRange,
    state: Mutex<ZoneState>,
    /// Queries for addresses that are on their way. Its lock is taken inside that of the state.
    pub(super) answers: SingleFlight<Target, LookupResult>,
    /// Queries for reasons, likewise.
    pub(super) reasons: SingleFlight<Target, Option<String>>,
    /// What was denied lately, by family. Who finds that out holds it, and those wait who want to know
    /// the same.
    proofs: [tokio::sync::Mutex<Proof>; 2],
}

impl ZoneClient {
    pub(super) fn new(id: ZoneId, zone: Zone, capacity: usize, now: Instant) -> Self {
        let weights: Vec<Score> = zone.rules.iter().map(|rule| zone.weight(rule)).collect();
        Self {
            id,
            range: ScoreRange::of(weights.iter().copied()),
            weights,
            state: Mutex::new(ZoneState::new(&zone, capacity, now)),
            zone,
            answers: SingleFlight::new(),
            reasons: SingleFlight::new(),
            proofs: Default::default(),
        }
    }

    /// Its state. Nobody waits for anything while holding it.
    pub(super) fn lock(&self) -> MutexGuard<'_, ZoneState> {
        // Nothing between lock and unlock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn proof(&self, family: Family) -> &tokio::sync::Mutex<Proof> {
        match family {
            Family::First => &self.proofs[0],
            Family::V6 => &self.proofs[1],
        }
    }

    pub(super) fn name(&self) -> &ZoneName {
        &self.zone.name
    }

    pub(super) fn health(&self, now: Instant) -> Health {
        self.lock().monitor.health(now)
    }

    /// Finds the rules that match.
    pub(super) fn with_hits(&self, listing: Listing) -> Listing {
        let rules = (0..).zip(&self.zone.rules);
        let hits = rules.filter(|(_, rule)| rule.filter.matches(&listing.codes));
        Listing { hits: hits.map(|(i, _)| i).collect(), ..listing }
    }

    pub(super) fn outcome(&self, target: usize, result: LookupResult) -> Outcome {
        let LookupResult { status, source } = result;
        let score = match &status {
            Status::Listed(listing) => {
                listing.hits.iter().map(|hit| self.weights[usize::from(*hit)]).sum()
            }
            _ => Score::ZERO,
        };
        Outcome { zone: self.zone.name.clone(), id: self.id, target, status, score, source }
    }
}
