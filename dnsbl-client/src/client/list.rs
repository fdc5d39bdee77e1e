//! One list at work: its settings, and what it knows by now.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{Outcome, Source, ZoneId, flight::News};
use crate::{
    CacheLimits, DownReason, Health, Listing, QueryType, Reach, Score, Status, Target, Zone,
    ZoneName,
    cache::Cache,
    health::{Budget, Family, Monitor, Proof},
};

/// What a question is known by.
pub(super) type Key = (Target, QueryType);

/// One list at work.
pub(super) struct List {
    pub(super) id: ZoneId,
    pub(super) zone: Zone,
    /// What each rule adds to the score.
    weights: Vec<Score>,
    pub(super) reach: Reach,
    state: Mutex<Knowledge>,
    /// What was denied lately, by family. Who finds that out holds it, and those wait who want to know
    /// the same.
    proofs: [tokio::sync::Mutex<Proof>; 2],
}

/// What is known by now. Nobody waits for anything while holding it.
pub(super) struct Knowledge {
    pub(super) cache: Cache,
    pub(super) monitor: Monitor,
    pub(super) budget: Budget,
    pub(super) asked: [u64; 5],
    /// Questions on their way, and who follows them; somebody leads each.
    flights: HashMap<Key, Vec<oneshot::Sender<News>>>,
    /// What is asked on for though nobody waits any longer.
    pub(super) late: HashSet<Target>,
}

impl List {
    pub(super) fn new(id: ZoneId, zone: Zone, capacity: usize, now: Instant) -> Self {
        let weights: Vec<Score> = zone.rules.iter().map(|rule| zone.weight(rule)).collect();
        let state = Knowledge {
            cache: Cache::new(capacity),
            monitor: Monitor::new(zone.probes.every.max(Duration::from_secs(60)), now),
            budget: Budget::new(zone.per_day, now),
            asked: [0; 5],
            flights: HashMap::new(),
            late: HashSet::new(),
        };
        let reach = Reach::of(weights.iter().copied());
        Self { id, zone, weights, reach, state: Mutex::new(state), proofs: Default::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Knowledge> {
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
    /// Joins those who follow a question, if it is on its way already.
    pub(super) fn follow(&mut self, key: &Key) -> Option<oneshot::Receiver<News>> {
        let followers = self.flights.get_mut(key)?;
        let (follower, news) = oneshot::channel();
        followers.push(follower);
        Some(news)
    }

    /// Notes a question that nobody follows yet.
    pub(super) fn take_off(&mut self, key: Key) {
        self.flights.insert(key, Vec::new());
    }

    /// Forgets a question; gives who followed it.
    pub(super) fn land(&mut self, key: &Key) -> Vec<oneshot::Sender<News>> {
        self.flights.remove(key).unwrap_or_default()
    }

    /// A follower of a question, which is none any longer.
    pub(super) fn next_leader(&mut self, key: &Key) -> Option<oneshot::Sender<News>> {
        self.flights.get_mut(key)?.pop()
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
