//! One zone, one target: the way of a lookup, from top to bottom.

use std::{sync::Arc, time::Instant};

use tokio::{runtime::Handle, time::timeout_at};

use super::{
    query::Querier,
    report::{Source, ZoneId},
    shared::{Permit, Shared, jitter},
    zone_client::ZoneClient,
    zone_state::LookupResult,
};
use crate::{Answer, Failure, Skipped, Status, Target, Transport, health::Trust};

/// The timer that ends the wait for a query that somebody else leads. The transport ends one's own.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Timer {
    /// The caller, who has one for all of its lookups.
    OfCaller,
    /// The lookup.
    Own,
}

/// What a zone says about a target.
pub(super) async fn lookup<T: Transport>(
    shared: &Arc<Shared<T>>,
    zone: &ZoneClient,
    target: Target,
    began: Instant,
    deadline: Instant,
    timer: Timer,
) -> LookupResult {
    let now = shared.settings.at(began);
    // May it be asked about such a target?
    if let Some(why) = zone.zone.refuses(&target) {
        return LookupResult::skipped(why);
    }
    let joined = {
        let mut state = zone.lock();
        // Can it be believed, and what is remembered?
        if let Some(known) = state.recall(&target, &shared.settings, now) {
            return known;
        }
        // Somebody may be asking; who does not follow them needs a place and budget.
        zone.answers.join(target.clone(), || {
            state.cache_misses += 1;
            match shared.admit(zone, &mut state, now) {
                Ok(permit) => Ok(Box::pin(query_and_record(permit, zone.id, target, deadline))),
                Err(event) => Err((event, state.stale(&target, now))),
            }
        })
    };
    match joined {
        Ok(joined) if timer == Timer::Own && !joined.is_leader() => {
            let waiting = Box::pin(timeout_at(deadline.into(), joined));
            waiting.await.unwrap_or_else(|_| LookupResult::too_late())
        }
        Ok(joined) => joined.await,
        Err((event, stale)) => {
            shared.settings.notify(event);
            stale.unwrap_or_else(|| LookupResult::skipped(Skipped::OverBudget))
        }
    }
}

/// The same, as far as it can be told without a query.
pub(super) fn recall<T>(
    shared: &Shared<T>,
    zone: &ZoneClient,
    target: &Target,
    now: Instant,
) -> Option<LookupResult> {
    let refused = zone.zone.refuses(target).map(LookupResult::skipped);
    refused.or_else(|| zone.lock().recall(target, &shared.settings, now))
}

/// The work that all share who look up the same: query, judge, confirm, record.
async fn query_and_record<T: Transport>(
    permit: Permit<T>,
    zone: ZoneId,
    target: Target,
    deadline: Instant,
) -> LookupResult {
    let shared = &permit.0;
    let zone = &shared.zones[zone.index()];
    let began = Instant::now();
    let querier = Querier { shared, zone, deadline };
    let (status, answer) = querier.query_and_confirm(&target).await;
    if status == Status::Failed(Failure::Deadline) && ask_late(shared, zone, &target) {
        let stale = zone.lock().stale(&target, shared.settings.now());
        let source = Source::Network { took: began.elapsed() };
        return stale.unwrap_or(LookupResult { status, source });
    }
    record(shared, zone, &target, status, answer.as_ref(), began)
}

/// Records what came of a query that began then, and gives what it should count as.
fn record<T>(
    shared: &Shared<T>,
    zone: &ZoneClient,
    target: &Target,
    status: Status,
    answer: Option<&Answer>,
    began: Instant,
) -> LookupResult {
    let settings = &shared.settings;
    let ended = Instant::now();
    let times = (settings.at(ended), ended.saturating_duration_since(began));
    let mut state = zone.lock();
    let (result, effects) = state.record(target, status, answer, settings, times, jitter);
    drop(state);
    if let Some(observer) = &settings.observer {
        observer.outcome(zone.name(), &result.status, times.1);
    }
    shared.apply(zone, effects);
    result
}

/// Sees to it that an answer is recorded that a check waits for no longer. Where that can't be, the zone has
/// failed.
pub(super) fn give_up<T: Transport>(
    shared: &Arc<Shared<T>>,
    zone: &ZoneClient,
    target: &Target,
    began: Instant,
) {
    let known = zone.lock().remembers(target, shared.settings.now());
    if !known && !ask_late(shared, zone, target) {
        record(shared, zone, target, Status::Failed(Failure::Deadline), None, began);
    }
}

/// Asks on for an answer that has not come in time: it counts the next time, and only a zone that
/// does not answer then has failed. Gives whether that is possible.
fn ask_late<T: Transport>(shared: &Arc<Shared<T>>, zone: &ZoneClient, target: &Target) -> bool {
    let Ok(runtime) = Handle::try_current() else { return false };
    let settings = &shared.settings;
    let mut state = zone.lock();
    if settings.health_checks.probe() {
        if state.monitor.trust() == Trust::None {
            return true;
        }
    } else if settings.cache.capacity == 0 {
        return false;
    }
    if !state.late.insert(target.clone()) {
        return true;
    }
    let Ok(permit) = shared.admit(zone, &mut state, settings.now()) else {
        state.late.remove(target);
        return false;
    };
    drop(state);
    let late = Late { permit, zone: zone.id, target: target.clone() };
    runtime.spawn(async move { late.query_and_record().await });
    true
}

/// A query that nobody waits for any longer.
struct Late<T: Transport> {
    permit: Permit<T>,
    zone: ZoneId,
    target: Target,
}

impl<T: Transport> Late<T> {
    async fn query_and_record(&self) {
        let (shared, zone, began) = (&self.permit.0, self.zone(), Instant::now());
        let (status, answer) = Querier::patient(shared, zone).query_and_confirm(&self.target).await;
        record(shared, zone, &self.target, status, answer.as_ref(), began);
    }

    fn zone(&self) -> &ZoneClient {
        &self.permit.0.zones[self.zone.index()]
    }
}

impl<T: Transport> Drop for Late<T> {
    /// Also where the runtime ends first.
    fn drop(&mut self) {
        self.zone().lock().late.remove(&self.target);
    }
}

/// The reason of a listing, if there is one to be had.
pub(super) async fn reason<T: Transport>(
    shared: &Arc<Shared<T>>,
    zone: &ZoneClient,
    target: Target,
    deadline: Instant,
    timer: Timer,
) -> Option<String> {
    let now = shared.settings.now();
    let joined = {
        let mut state = zone.lock();
        zone.reasons.join(target.clone(), || {
            if !state.needs_reason(&target, now) {
                return Err(None);
            }
            let permit = shared.admit(zone, &mut state, now)?;
            Ok(Box::pin(query_and_record_reason(permit, zone.id, target, deadline)))
        })
    };
    match joined {
        Ok(joined) if timer == Timer::Own && !joined.is_leader() => {
            Box::pin(timeout_at(deadline.into(), joined)).await.ok().flatten()
        }
        Ok(joined) => joined.await,
        Err(event) => {
            shared.settings.notify(event);
            None
        }
    }
}

async fn query_and_record_reason<T: Transport>(
    permit: Permit<T>,
    zone: ZoneId,
    target: Target,
    deadline: Instant,
) -> Option<String> {
    let shared = &permit.0;
    let zone = &shared.zones[zone.index()];
    let reason = Querier { shared, zone, deadline }.query_reason(&target).await;
    let again = shared.settings.now() + shared.settings.cache.failure();
    let again = reason.is_err().then_some(again);
    let reason = reason.ok().flatten();
    zone.lock().record_reason(&target, reason.clone(), again);
    reason
}
