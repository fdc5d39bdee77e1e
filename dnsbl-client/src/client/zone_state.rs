//! What is known of a zone by now: answers, health and budget. Pure: the clock is a parameter.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{report::Source, settings::Settings};
use crate::{
    Answer, DownReason, Event, Failure, Health, Skipped, Status, Target, Zone, ZoneCounters,
    cache::{Age, Cache},
    health::{Budget, Monitor, ProbeResult, Spending, Trust, saved::SavedZone},
};

/// The state of a zone. Whatever changes it says what follows from that.
pub(super) struct ZoneState {
    cache: Cache,
    /// For those who probe; what queries show is recorded here.
    pub(super) monitor: Monitor,
    budget: Budget,
    queries: [u64; 5],
    cache_hits: u64,
    pub(super) cache_misses: u64,
    /// What is asked on for though nobody waits any longer.
    pub(super) late: HashSet<Target>,
}

/// The result of a lookup.
#[derive(Clone, Debug)]
pub(super) struct LookupResult {
    pub(super) status: Status,
    pub(super) source: Source,
}

/// The effects of a change of state, to be seen to once the lock is gone.
#[must_use]
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The health before and after, where it is another.
    pub(super) health: Option<(Health, Health)>,
}

impl LookupResult {
    pub(super) fn skipped(why: Skipped) -> Self {
        Self { status: Status::Skipped(why), source: Source::Nowhere }
    }

    pub(super) fn too_late() -> Self {
        Self { status: Status::Failed(Failure::Deadline), source: Source::Nowhere }
    }
}

impl ZoneState {
    pub(super) fn new(zone: &Zone, capacity: usize, now: Instant) -> Self {
        Self {
            cache: Cache::new(capacity),
            monitor: Monitor::new(zone.probes.every.max(Duration::from_secs(60)), now),
            budget: Budget::new(zone.per_day, now),
            queries: [0; 5],
            cache_hits: 0,
            cache_misses: 0,
            late: HashSet::new(),
        }
    }

    /// What is to be said without a query: that the zone can't be believed, or what is remembered.
    pub(super) fn recall(
        &mut self,
        target: &Target,
        settings: &Settings,
        now: Instant,
    ) -> Option<LookupResult> {
        let checks = settings.health_checks;
        let trust = if checks.probe() { self.monitor.trust() } else { Trust::Full };
        let or_gone = |monitor: &Monitor, why| {
            let gone = monitor.is_gone(settings.gone_after, now);
            Some(LookupResult::skipped(if gone { Skipped::ZoneGone } else { why }))
        };
        if trust == Trust::Unproven && checks.require() {
            return or_gone(&self.monitor, Skipped::Unproven);
        }
        if let Some((entry, age)) = self.cache.usable(target, now) {
            self.cache_hits += 1;
            if trust == Trust::ListingsWithheld && entry.status.listing().is_some() {
                return Some(LookupResult::skipped(Skipped::Suspect));
            }
            let source = if age == Age::Fresh { Source::Cache } else { Source::Stale };
            return Some(LookupResult { status: entry.status.clone(), source });
        }
        if trust == Trust::None {
            return or_gone(&self.monitor, Skipped::ZoneDown);
        }
        None
    }

    /// Whether there is something remembered that is to be used.
    pub(super) fn remembers(&mut self, target: &Target, now: Instant) -> bool {
        self.cache.usable(target, now).is_some()
    }

    /// An old verdict, for want of a newer one.
    pub(super) fn stale(&mut self, target: &Target, now: Instant) -> Option<LookupResult> {
        let entry = self.cache.stale(target, now)?;
        Some(LookupResult { status: entry.status.clone(), source: Source::Stale })
    }

    /// Takes one query from the budget.
    pub(super) fn spend(&mut self, zone: &Zone, now: Instant) -> Result<(), Option<Event>> {
        match self.budget.take(now) {
            Spending::Allowed => Ok(()),
            Spending::Spent => Err(None),
            Spending::JustSpent => {
                let of = self.budget.state().map_or(0, |(_, of)| of);
                Err(Some(Event::BudgetSpent { zone: zone.name.clone(), of }))
            }
        }
    }

    /// Records what came of a query, and gives what it should count as.
    pub(super) fn record(
        &mut self,
        target: &Target,
        status: Status,
        answer: Option<&Answer>,
        settings: &Settings,
        (now, took): (Instant, Duration),
        jitter: impl FnOnce() -> f64,
    ) -> (LookupResult, Effects) {
        self.count(&status);
        let before = self.monitor.health(now);
        let observes = settings.health_checks.probe();
        if observes {
            self.monitor.observe(&status, now, jitter);
        }
        let limits = &settings.cache;
        let source = Source::Network { took };
        let result = match status {
            Status::Listed(_) if observes && self.withholds() => {
                LookupResult { status: Status::Skipped(Skipped::Suspect), source }
            }
            status if status.is_verdict() || status == Status::Failed(Failure::NameTooLong) => {
                self.cache.insert(target.clone(), limits.entry(status.clone(), answer, now));
                LookupResult { status, source }
            }
            trouble => match self.cache.stale(target, now) {
                Some(entry) => {
                    entry.spared_until = Some(now + limits.failure());
                    LookupResult { status: entry.status.clone(), source: Source::Stale }
                }
                None => {
                    self.cache.insert(target.clone(), limits.entry(trouble.clone(), None, now));
                    LookupResult { status: trouble, source }
                }
            },
        };
        (result, self.effects_since(before, now))
    }

    /// Whether the reason of a listing is to be asked for: it is not remembered, nor that there is none.
    pub(super) fn needs_reason(&mut self, target: &Target, now: Instant) -> bool {
        self.cache.fresh(target, now).is_none_or(|entry| {
            let listed = matches!(&entry.status, Status::Listed(_));
            listed && entry.reason_from.is_some_and(|from| from <= now)
        })
    }

    /// Records the reason of a listing, or that there is none until then.
    pub(super) fn record_reason(
        &mut self,
        target: &Target,
        reason: Option<String>,
        again: Option<Instant>,
    ) {
        self.cache.set_reason(target, reason, again);
    }

    /// Records the result of a probe.
    pub(super) fn record_probe(
        &mut self,
        result: ProbeResult,
        now: Instant,
        jitter: f64,
    ) -> Effects {
        let before = self.monitor.health(now);
        self.monitor.record_probe(result, now, jitter);
        if self.withholds() {
            self.cache.clear();
        }
        self.effects_since(before, now)
    }

    /// What was counted so far.
    pub(super) fn counters(&self, zone: &Zone, now: Instant) -> ZoneCounters {
        ZoneCounters {
            zone: zone.name.clone(),
            health: self.monitor.health(now),
            asked: self.queries,
            budget: self.budget.state(),
        }
    }

    /// Lookups answered by memory, those that were not, and answers remembered.
    pub(super) fn cache_counters(&self) -> [u64; 3] {
        [self.cache_hits, self.cache_misses, self.cache.len() as u64]
    }

    /// What to keep for another run, under this name.
    pub(super) fn saved(&self, public: &str, now: Instant) -> SavedZone {
        SavedZone::new(public, self.monitor.saved(now), self.budget.used(now))
    }

    /// Goes on where another run stopped so long ago.
    pub(super) fn restore(&mut self, saved: &SavedZone, ago: Duration, now: Instant) -> Effects {
        let before = self.monitor.health(now);
        let counted_for = Duration::from_secs(saved.counted_for).saturating_add(ago);
        self.monitor.restore(saved.saved(ago), now);
        self.budget.restore(saved.used, counted_for, now);
        self.effects_since(before, now)
    }

    /// What follows from the health that it has now; what was remembered goes where it was wrong.
    fn effects_since(&mut self, before: Health, now: Instant) -> Effects {
        let after = self.monitor.health(now);
        if before.as_str() == after.as_str() {
            return Effects::default();
        }
        if matches!(after, Health::Down { why, .. } if why.spoils_listings()) {
            self.cache.clear();
        }
        Effects { health: Some((before, after)) }
    }

    /// Whether listings count for nothing now.
    fn withholds(&self) -> bool {
        self.monitor.fault().is_some_and(DownReason::spoils_listings)
    }

    fn count(&mut self, status: &Status) {
        let kind = match status {
            Status::Listed(_) => 0,
            Status::NotListed => 1,
            Status::Blocked(_) => 2,
            Status::Bogus(_) => 3,
            Status::Failed(_) | Status::Skipped(_) => 4,
        };
        self.queries[kind] += 1;
    }
}
