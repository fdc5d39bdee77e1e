//! One list at work: its settings, and what it knows by now.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::{Shared, WeakShared};

use super::{Outcome, Source, ZoneId};
use crate::{
    CacheLimits, DownReason, Health, Listing, QueryType, Reach, Score, Status, Target, Zone,
    ZoneName,
    cache::Cache,
    health::{Budget, Monitor},
};

/// A question on its way, shared by all who wait for its answer. It goes on as long as one of them
/// does.
pub(super) type Flight = Shared<Pin<Box<dyn Future<Output = Landed> + Send>>>;

/// The answer, as all who waited get it.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    pub(super) status: Status,
    pub(super) source: Source,
}

/// One list at work.
pub(super) struct List {
    pub(super) id: ZoneId,
    pub(super) zone: Zone,
    /// What each rule adds to the score.
    weights: Vec<Score>,
    pub(super) reach: Reach,
    state: Mutex<Knowledge>,
}

/// What is known by now. Nobody waits for anything while holding it.
pub(super) struct Knowledge {
    pub(super) cache: Cache,
    pub(super) monitor: Monitor,
    pub(super) budget: Budget,
    pub(super) asked: [u64; 5],
    flights: HashMap<(Target, QueryType), (u64, WeakFlight)>,
    last_flight: u64,
}

type WeakFlight = WeakShared<Pin<Box<dyn Future<Output = Landed> + Send>>>;

impl List {
    pub(super) fn new(id: ZoneId, zone: Zone, capacity: usize, now: Instant) -> Self {
        let weights: Vec<Score> = zone.rules.iter().map(|rule| zone.weight(rule)).collect();
        let state = Knowledge {
            cache: Cache::new(capacity),
            monitor: Monitor::new(zone.probes.every.max(Duration::from_secs(60)), now),
            budget: Budget::new(zone.per_day, now),
            asked: [0; 5],
            flights: HashMap::new(),
            last_flight: 0,
        };
        let reach = Reach::of(weights.iter().copied());
        Self { id, zone, weights, reach, state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Knowledge> {
        // Nothing between lock and unlock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(super) fn outcome(&self, target: usize, status: Status, source: Source) -> Outcome {
        let score = match &status {
            Status::Listed(listing) => {
                listing.hits.iter().map(|hit| self.weights[usize::from(*hit)]).sum()
            }
            _ => Score::ZERO,
        };
        Outcome { zone: self.zone.name.clone(), id: self.id, target, status, score, source }
    }
}

impl Knowledge {
    /// The question that is on its way already.
    pub(super) fn flight(&self, target: &Target, rtype: QueryType) -> Option<Flight> {
        if self.flights.is_empty() {
            return None;
        }
        self.flights.get(&(target.clone(), rtype))?.1.upgrade()
    }

    /// The number of the next question.
    pub(super) fn next_flight(&mut self) -> u64 {
        self.last_flight += 1;
        self.last_flight
    }

    pub(super) fn take_off(&mut self, target: &Target, rtype: QueryType, id: u64, flight: &Flight) {
        if let Some(flight) = flight.downgrade() {
            self.flights.insert((target.clone(), rtype), (id, flight));
        }
    }

    /// Forgets a question, unless another has taken its place.
    pub(super) fn land(&mut self, target: &Target, rtype: QueryType, id: u64) {
        let key = (target.clone(), rtype);
        if self.flights.get(&key).is_some_and(|(flying, _)| *flying == id) {
            self.flights.remove(&key);
        }
    }

    /// Whether listings count for nothing now.
    pub(super) fn withholds(&self) -> bool {
        self.monitor.fault().is_some_and(DownReason::spoils_listings)
    }

    pub(super) fn count(&mut self, status: &Status) {
        let place = match status {
            Status::Listed(_) => 0,
            Status::NotListed => 1,
            Status::Blocked(_) => 2,
            Status::Bogus(_) => 3,
            Status::Failed(_) | Status::Skipped(_) => 4,
        };
        self.asked[place] += 1;
    }
}

/// How answers are kept, divided among so many lists.
pub(super) fn share(limits: &CacheLimits, lists: usize) -> usize {
    limits.capacity.div_ceil(lists.max(1))
}
