//! Probing lists on their schedule and on suspicion.

use std::{
    collections::HashSet,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    Client, ZoneId,
    inner::{Inner, WeakInner, jitter, random},
    list::List,
};
use crate::{
    Bogus, DownReason, Event, Health, ProbePoint, ProbeReport, Skipped, Status, Transport,
    health::{Point, PointKind, Probed, Spending, all_points, points, verdict},
};

/// What probing a list has shown.
struct Finding {
    probed: Probed,
    /// The address outside 127.0.0.0/8 that came back for something made up.
    stray: Option<Ipv4Addr>,
}

impl<T: Transport> Client<T> {
    /// Probes the lists whose time has come, and writes the state file. A task does so unless
    /// [`ClientBuilder::tend_by_hand`](crate::ClientBuilder::tend_by_hand) was called.
    pub async fn tend(&self) {
        self.0.tend().await;
        self.0.save();
    }

    /// Probes a list now, all points of it (RFC 5782 section 5), whatever its health, which changes by
    /// what is found.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more lists.
    pub async fn probe(&self, zone: ZoneId) -> ProbeReport {
        let list = &self.0.lists[zone.index()];
        let asked = join_all(all_points(&list.zone, random()).into_iter().map(async |point| {
            let status = self.0.ask_point(list, &point).await;
            (point, status)
        }));
        let asked = asked.await;
        let verdicts = || asked.iter().map(|(point, status)| verdict(point, status));
        let fault = verdicts().find(|probed| matches!(probed, Probed::Fault(_)));
        let unanswered = verdicts().find(|probed| *probed != Probed::Good);
        let probed = fault.or(unanswered).unwrap_or(Probed::Good);
        self.0.conclude(list, probed, true);
        let points = asked.into_iter().map(|(point, status)| ProbePoint {
            should_be_listed: point.kind == PointKind::Listed,
            target: point.target,
            status,
        });
        let fault = match probed {
            Probed::Good => None,
            Probed::Fault(why) => Some(why),
            Probed::NoAnswer | Probed::NotAsked => Some(DownReason::Failing { failed: 1, of: 1 }),
        };
        ProbeReport { zone: list.name().clone(), points: points.collect(), fault }
    }
}

/// Tends until the client is gone.
pub(super) async fn tend_always<T: Transport>(client: WeakInner<T>) {
    /// How often the state is written and the client looked for, at least.
    const PAUSE: Duration = Duration::from_secs(60);
    loop {
        let Some(inner) = client.upgrade() else { return };
        inner.tend().await;
        let writer = inner.clone();
        // The runtime is shutting down if this fails.
        let _ = tokio::task::spawn_blocking(move || writer.save()).await;
        let now = inner.now();
        let next = inner.lists.iter().map(|list| list.lock().monitor.next_probe()).min();
        let pause = next.map_or(PAUSE, |next| next.saturating_duration_since(now)).min(PAUSE);
        let wake = inner.wake.clone();
        drop(inner);
        let _ = timeout(pause, wake.notified()).await;
    }
}

impl<T: Transport> Inner<T> {
    async fn tend(self: &Arc<Self>) {
        let now = self.now();
        let due = |list: &&List| list.lock().monitor.next_probe() <= now;
        let due: Vec<&List> = self.lists.iter().filter(due).collect();
        let mut findings = self.probe_each(due).await;
        // One list may be parked; a resolver that rewrites shows at the others too.
        if findings.iter().any(|(_, finding)| finding.stray.is_some()) {
            let known: HashSet<ZoneId> = findings.iter().map(|(list, _)| list.id).collect();
            let others = self.lists.iter().filter(|list| {
                !known.contains(&list.id) && !matches!(list.health(now), Health::Down { .. })
            });
            findings.extend(self.probe_each(others.collect()).await);
        }
        let rewrites = findings.len() > 1 && same_stray(&findings);
        if rewrites {
            self.tell(Some(Event::ResolverRewrites { server: None }));
        }
        for (list, finding) in findings {
            let probed = match rewrites {
                true => Probed::Fault(DownReason::ResolverRewrites),
                false => finding.probed,
            };
            self.conclude(list, probed, !rewrites);
        }
    }

    async fn probe_each<'a>(self: &'a Arc<Self>, lists: Vec<&'a List>) -> Vec<(&'a List, Finding)> {
        let probes = lists.into_iter().map(async |list| (list, self.probe_list(list).await));
        join_all(probes).await
    }

    /// Asks one point after the other until one shows a fault.
    async fn probe_list(self: &Arc<Self>, list: &List) -> Finding {
        let fault = list.lock().monitor.fault();
        let mut finding = Finding { probed: Probed::Good, stray: None };
        for point in points(&list.zone, fault, random()) {
            let status = self.ask_point(list, &point).await;
            if let (PointKind::MadeUp, Status::Bogus(Bogus::OutsideLoopback(stray))) =
                (point.kind, &status)
            {
                finding.stray = Some(*stray);
            }
            finding.probed = verdict(&point, &status);
            if finding.probed != Probed::Good {
                break;
            }
        }
        finding
    }

    /// Asks the list itself, whatever is remembered. Probes count against the budget.
    async fn ask_point(&self, list: &List, point: &Point) -> Status {
        let spending = list.lock().budget.take(self.now());
        if spending != Spending::Allowed {
            return Status::Skipped(Skipped::OverBudget);
        }
        let deadline = Instant::now() + self.settings.deadline.min(Self::PATIENCE);
        self.ask(list, &point.target, deadline).await.0
    }

    /// How long a probe waits for one answer.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Draws the conclusion; `tell` is whether anybody hears of it.
    fn conclude(&self, list: &List, probed: Probed, tell: bool) {
        let now = self.now();
        let mut known = list.lock();
        let from = known.monitor.health(now);
        known.monitor.probed(probed, now, jitter());
        let to = known.monitor.health(now);
        if known.withholds() {
            known.cache.clear();
        }
        drop(known);
        if tell {
            self.tell_health(list, from, to);
        }
    }
}

/// Whether all lists that were probed gave the same address for something made up.
fn same_stray(findings: &[(&List, Finding)]) -> bool {
    let strays: HashSet<Option<Ipv4Addr>> =
        findings.iter().map(|(_, finding)| finding.stray).collect();
    strays.len() == 1 && !strays.contains(&None)
}
