//! Probing zones on their schedule and on suspicion.

use std::{sync::Weak, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    query::Querier,
    resolver::Resolver,
    shared::{Shared, random},
    state_file,
    zone_client::ZoneClient,
};
use crate::{
    DownReason, Event, ProbePoint, ProbeReport, ResolverTrouble, Transport,
    health::{
        Family, Monitor, PointKind, ProbeResult, Soundness, all_points, has_both, points,
        soundness, verdict,
    },
};

/// How old a check of the resolver may be where something has just failed, and otherwise.
const JUST_NOW: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_secs(10);

/// Runs probes until the client is gone.
pub(super) async fn probe_loop<T: Transport>(client: Weak<Shared<T>>) {
    /// How often the state is written and the client looked for, at least.
    const PAUSE: Duration = Duration::from_secs(30);
    loop {
        let Some(shared) = client.upgrade() else { return };
        run_probes(&shared).await;
        let writer = shared.clone();
        // The runtime is shutting down if this fails.
        let _ = tokio::task::spawn_blocking(move || state_file::save(&writer)).await;
        let now = shared.settings.now();
        let next = shared.zones.iter().map(|zone| zone.lock().monitor.next_probe()).min();
        let pause = next.map_or(PAUSE, |next| next.saturating_duration_since(now)).min(PAUSE);
        let wake = shared.wake.clone();
        drop(shared);
        let _ = timeout(pause, wake.notified()).await;
    }
}

/// Probes the zones whose time has come.
pub(super) async fn run_probes<T: Transport>(shared: &Shared<T>) {
    let before = shared.resolver.trouble();
    let doubted = |zone: &&ZoneClient| zone.lock().monitor.take_doubt();
    let doubts = shared.zones.iter().filter(doubted).count() > 0;
    let trouble = match (doubts, before) {
        (false, None) => None,
        (true, _) => shared.check_resolver(JUST_NOW).await,
        (false, Some(_)) => shared.check_resolver(SOON).await,
    };
    let now = shared.settings.now();
    if trouble == Some(ResolverTrouble::Silent) {
        blame_resolver(shared, SOON, |monitor| monitor.next_probe() <= now);
        return;
    }
    if before == Some(ResolverTrouble::Silent) {
        let silent = shared.zones.iter().filter(|zone| zone.lock().monitor.is_silent());
        silent.for_each(|zone| zone.lock().monitor.probe_at_once(now));
    }
    let due = shared.zones.iter().filter(|zone| zone.lock().monitor.next_probe() <= now);
    let findings = join_all(due.map(async |zone| (zone, probe_due(shared, zone).await))).await;
    let unanswered = findings.iter().any(|(_, result)| *result == ProbeResult::NoAnswer);
    let wait = match unanswered || doubts {
        true => nothing_answers(shared, &findings).await,
        false => None,
    };
    for (zone, result) in findings {
        match wait {
            Some(wait) if result == ProbeResult::NoAnswer => excuse(shared, zone, wait),
            _ => shared.record_probe(zone, result),
        }
    }
    if let Some(wait) = wait {
        blame_resolver(shared, wait, |_| false);
    }
    report_gone(shared);
}

/// Probes a zone at all of its points, whatever its health.
pub(super) async fn probe<T: Transport>(shared: &Shared<T>, zone: &ZoneClient) -> ProbeReport {
    let querier = Querier::patient(shared, zone);
    let points = all_points(&zone.zone, random());
    let answers = querier.query_points(points).await;
    let sound = soundness(&answers);
    shared.record_probe(zone, sound.overall());
    if sound.overall() == ProbeResult::NoAnswer {
        shared.check_resolver(Resolver::HOLDS).await;
    }
    let points = answers.into_iter().map(|(point, status)| ProbePoint {
        should_be_listed: point.kind == PointKind::Listed,
        target: point.target,
        status,
    });
    ProbeReport {
        zone: zone.name().clone(),
        points: points.collect(),
        fault: fault(sound.overall()),
        ipv4_fault: fault(sound.first),
        ipv6_fault: sound.v6.and_then(fault),
        resolver: shared.resolver.trouble(),
    }
}

fn fault(result: ProbeResult) -> Option<DownReason> {
    match result {
        ProbeResult::Good => None,
        ProbeResult::Fault(why) => Some(why),
        ProbeResult::NoAnswer | ProbeResult::NotAsked => {
            Some(DownReason::Failing { failed: 1, of: 1 })
        }
    }
}

/// Asks one point after the other until one shows a fault. A zone that lacks the test entry of
/// IPv4 may be one of IPv6 addresses.
async fn probe_due<T: Transport>(shared: &Shared<T>, zone: &ZoneClient) -> ProbeResult {
    let fault = zone.lock().monitor.fault();
    let first = probe_family(shared, zone, Family::First, fault).await;
    let lacks = Some(DownReason::MissesTestEntry);
    if first != ProbeResult::Fault(DownReason::MissesTestEntry) || !has_both(&zone.zone) {
        return first;
    }
    let v6 = probe_family(shared, zone, Family::V6, lacks).await;
    Soundness { first, v6: Some(v6) }.overall()
}

async fn probe_family<T: Transport>(
    shared: &Shared<T>,
    zone: &ZoneClient,
    family: Family,
    fault: Option<DownReason>,
) -> ProbeResult {
    for point in points(&zone.zone, family, fault, random()) {
        let status = Querier::patient(shared, zone).query_point(&point).await;
        let result = verdict(&point, &status);
        if result != ProbeResult::Good {
            return result;
        }
    }
    ProbeResult::Good
}

/// Whether it is not this zone or that: after how long to ask again.
async fn nothing_answers<T: Transport>(
    shared: &Shared<T>,
    findings: &[(&ZoneClient, ProbeResult)],
) -> Option<Duration> {
    if shared.check_resolver(JUST_NOW).await == Some(ResolverTrouble::Silent) {
        return Some(SOON);
    }
    // A resolver may answer for reserved names though it reaches nobody: does any zone answer?
    let found = |zone: &&ZoneClient| findings.iter().any(|(found, _)| found.id == zone.id);
    let answered = findings.iter().any(|(_, result)| *result != ProbeResult::NoAnswer);
    if answered || shared.zones.len() < 2 {
        return None;
    }
    let others = shared.zones.iter().filter(|zone| !found(zone));
    for zone in others.filter(|zone| !zone.lock().monitor.is_silent()) {
        if answers(shared, zone).await {
            return None;
        }
    }
    Some(Monitor::AGAIN)
}

/// Whether a zone answers one query, whatever it says.
async fn answers<T: Transport>(shared: &Shared<T>, zone: &ZoneClient) -> bool {
    let Some(point) = points(&zone.zone, Family::First, None, random()).into_iter().next() else {
        return true;
    };
    let status = Querier::patient(shared, zone).query_point(&point).await;
    verdict(&point, &status) != ProbeResult::NoAnswer
}

/// Excuses all zones that have gone silent, and those of which `also` says so.
fn blame_resolver<T>(shared: &Shared<T>, wait: Duration, also: impl Fn(&Monitor) -> bool) {
    let excused = shared.zones.iter().filter(|zone| {
        let state = zone.lock();
        state.monitor.is_silent() || also(&state.monitor)
    });
    excused.for_each(|zone| excuse(shared, zone, wait));
}

fn excuse<T>(shared: &Shared<T>, zone: &ZoneClient, wait: Duration) {
    let now = shared.settings.now();
    zone.lock().monitor.blame_resolver(DownReason::ResolverSilent, wait, now);
}

/// Reports zones that nobody waits for any longer.
fn report_gone<T>(shared: &Shared<T>) {
    let (now, after) = (shared.settings.now(), shared.settings.gone_after);
    for zone in &shared.zones {
        if zone.lock().monitor.reports_gone(after, now) {
            shared.settings.notify(Some(Event::Gone { zone: zone.name().clone(), after }));
        }
    }
}
