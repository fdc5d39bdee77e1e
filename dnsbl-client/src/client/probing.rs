//! Probing lists on their schedule and on suspicion.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    Client, ZoneId,
    inner::{Inner, WeakInner, jitter, random},
    list::List,
    resolver::Resolver,
};
use crate::{
    Blocked, DownReason, Event, ProbePoint, ProbeReport, QueryType, Question, ResolverTrouble,
    Skipped, Status, Target, Transport,
    health::{
        Family, Monitor, Point, PointKind, Probed, Soundness, Spending, all_points, has_both,
        points, soundness, verdict,
    },
};

impl<T: Transport> Client<T> {
    /// Probes the lists whose time has come, where lists are watched, and writes the state file. A task
    /// does so unless [`ClientBuilder::tend_by_hand`](crate::ClientBuilder::tend_by_hand) was called.
    pub async fn tend(&self) {
        if self.0.watches() {
            self.0.tend().await;
            self.0.save();
        }
    }

    /// Probes a list now, all points of it (RFC 5782 section 5), whatever its health, which changes by
    /// what is found.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more lists.
    pub async fn probe(&self, zone: ZoneId) -> ProbeReport {
        let list = &self.0.lists[zone.index()];
        let deadline = Instant::now() + Inner::<T>::PATIENCE;
        let points = all_points(&list.zone, random());
        let answers = self.0.ask_points(list, points, deadline).await;
        let sound = soundness(&answers);
        self.0.conclude(list, sound.overall());
        if sound.overall() == Probed::NoAnswer {
            self.0.look_at_resolver(Resolver::HOLDS).await;
        }
        let points = answers.into_iter().map(|(point, status)| ProbePoint {
            should_be_listed: point.kind == PointKind::Listed,
            target: point.target,
            status,
        });
        ProbeReport {
            zone: list.name().clone(),
            points: points.collect(),
            fault: fault(sound.overall()),
            ipv4_fault: fault(sound.first),
            ipv6_fault: sound.v6.and_then(fault),
            resolver: self.0.resolver.trouble(),
        }
    }

    /// What is wrong with the resolver, as far as the lists gave reason to look.
    pub fn resolver_trouble(&self) -> Option<ResolverTrouble> {
        self.0.resolver.trouble()
    }
}

fn fault(probed: Probed) -> Option<DownReason> {
    match probed {
        Probed::Good => None,
        Probed::Fault(why) => Some(why),
        Probed::NoAnswer | Probed::NotAsked => Some(DownReason::Failing { failed: 1, of: 1 }),
    }
}

/// Tends until the client is gone.
pub(super) async fn tend_always<T: Transport>(client: WeakInner<T>) {
    /// How often the state is written and the client looked for, at least.
    const PAUSE: Duration = Duration::from_secs(30);
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
        let before = self.resolver.trouble();
        let doubts = self.lists.iter().filter(|list| list.lock().monitor.take_doubt()).count() > 0;
        let trouble = match (doubts, before) {
            (false, None) => None,
            (true, _) => self.look_at_resolver(Self::JUST_NOW).await,
            (false, Some(_)) => self.look_at_resolver(Self::SOON).await,
        };
        let now = self.now();
        if trouble == Some(ResolverTrouble::Silent) {
            self.blame_resolver(Self::SOON, |monitor| monitor.next_probe() <= now);
            return;
        }
        if before == Some(ResolverTrouble::Silent) {
            let silent = |list: &&List| list.lock().monitor.is_silent();
            self.lists.iter().filter(silent).for_each(|list| list.lock().monitor.look_again(now));
        }
        let due = self.lists.iter().filter(|list| list.lock().monitor.next_probe() <= now);
        let findings = join_all(due.map(async |list| (list, self.probe_list(list).await))).await;
        let unanswered = findings.iter().any(|(_, probed)| *probed == Probed::NoAnswer);
        let wait = match unanswered || doubts {
            true => self.nothing_answers(&findings).await,
            false => None,
        };
        for (list, probed) in findings {
            match wait {
                Some(wait) if probed == Probed::NoAnswer => self.excuse(list, wait),
                _ => self.conclude(list, probed),
            }
        }
        if let Some(wait) = wait {
            self.blame_resolver(wait, |_| false);
        }
        self.tell_gone();
    }

    /// How old a look at the resolver may be where something has just failed, and otherwise.
    const JUST_NOW: Duration = Duration::from_secs(5);
    const SOON: Duration = Duration::from_secs(10);

    /// Whether it is not this list or that: after how long to ask again.
    async fn nothing_answers(&self, findings: &[(&List, Probed)]) -> Option<Duration> {
        if self.look_at_resolver(Self::JUST_NOW).await == Some(ResolverTrouble::Silent) {
            return Some(Self::SOON);
        }
        // A resolver may answer for reserved names though it reaches nobody: does any list answer?
        let found = |list: &&List| findings.iter().any(|(found, _)| found.id == list.id);
        let answered = findings.iter().any(|(_, probed)| *probed != Probed::NoAnswer);
        if answered || self.lists.len() < 2 {
            return None;
        }
        let others = self.lists.iter().filter(|list| !found(list));
        for list in others.filter(|list| !list.lock().monitor.is_silent()) {
            if self.answers(list).await {
                return None;
            }
        }
        Some(Monitor::AGAIN)
    }

    /// Whether a list answers one question, whatever it says.
    async fn answers(&self, list: &List) -> bool {
        let Some(point) = points(&list.zone, Family::First, None, random()).into_iter().next()
        else {
            return true;
        };
        let status = self.ask_point(list, &point, Instant::now() + Self::PATIENCE).await;
        verdict(&point, &status) != Probed::NoAnswer
    }

    /// Excuses all lists that have gone silent, and those of which `also` says so.
    fn blame_resolver(&self, wait: Duration, also: impl Fn(&Monitor) -> bool) {
        let excused = self.lists.iter().filter(|list| {
            let known = list.lock();
            known.monitor.is_silent() || also(&known.monitor)
        });
        excused.for_each(|list| self.excuse(list, wait));
    }

    fn excuse(&self, list: &List, wait: Duration) {
        let now = self.now();
        list.lock().monitor.blame_resolver(DownReason::ResolverSilent, wait, now);
    }

    /// Tells of lists that nobody waits for any longer.
    fn tell_gone(&self) {
        let (now, after) = (self.now(), self.settings.gone_after);
        for list in &self.lists {
            if list.lock().monitor.tells_gone(after, now) {
                self.tell(Some(Event::Gone { zone: list.name().clone(), after }));
            }
        }
    }

    /// Asks one point after the other until one shows a fault. A list that lacks the test entry of
    /// IPv4 may be one of IPv6 addresses.
    async fn probe_list(&self, list: &List) -> Probed {
        let fault = list.lock().monitor.fault();
        let first = self.probe_family(list, Family::First, fault).await;
        let lacks = first == Probed::Fault(DownReason::MissesTestEntry);
        if !lacks || !has_both(&list.zone) {
            return first;
        }
        let v6 = self.probe_family(list, Family::V6, Some(DownReason::MissesTestEntry)).await;
        Soundness { first, v6: Some(v6) }.overall()
    }

    async fn probe_family(&self, list: &List, family: Family, fault: Option<DownReason>) -> Probed {
        for point in points(&list.zone, family, fault, random()) {
            let deadline = Instant::now() + Self::PATIENCE;
            let status = self.ask_point(list, &point, deadline).await;
            let probed = verdict(&point, &status);
            if probed != Probed::Good {
                return probed;
            }
        }
        Probed::Good
    }

    /// Asks the list itself, whatever is remembered. Probes count against the budget.
    pub(super) async fn ask_point(&self, list: &List, point: &Point, deadline: Instant) -> Status {
        let spending = list.lock().budget.take(self.now());
        if spending != Spending::Allowed {
            return Status::Skipped(Skipped::OverBudget);
        }
        let (status, answer) = self.ask(list, &point.target, deadline).await;
        let Some(answer) = answer else { return status };
        let absent = point.kind != PointKind::Listed;
        if absent && status.listing().is_some() {
            // It may be the resolver that puts a return code in place of "no such name".
            self.look_at_resolver(Resolver::HOLDS).await;
            let stray = self.resolver.rewrote(&answer);
            return stray.map_or(status, |stray| Status::Blocked(Blocked::Rewritten(stray)));
        }
        let no_data = status == Status::NotListed && answer.rcode == 0;
        if !absent && no_data && self.is_stripped(list, &point.target, deadline).await {
            self.note_stripping();
            return Status::Blocked(Blocked::Stripped);
        }
        status
    }

    /// Whether a test entry without an address has one that the resolver took away: the list would
    /// say that there is no such name. The entry has a reason, or no list's codes come through.
    async fn is_stripped(&self, list: &List, target: &Target, deadline: Instant) -> bool {
        let Ok(name) = list.zone.question_name(target) else { return false };
        let reason = Question { name, rtype: QueryType::Txt };
        let reason = self.transport.ask(&reason, deadline).await;
        reason.is_ok_and(|answer| !answer.texts.is_empty()) || !self.resolver.passes(self.now())
    }

    /// How long a probe waits for one answer: a resolver that minimises names asks for each label.
    pub(super) const PATIENCE: Duration = Duration::from_secs(10);

    /// Draws the conclusion and tells of it.
    pub(super) fn conclude(&self, list: &List, probed: Probed) {
        if !self.watches() {
            return;
        }
        let now = self.now();
        let mut known = list.lock();
        let from = known.monitor.health(now);
        known.monitor.probed(probed, now, jitter());
        let to = known.monitor.health(now);
        if known.withholds() {
            known.cache.clear();
        }
        drop(known);
        self.tell_health(list, from, to);
    }
}
