//! One check: all zones at once, until the verdict is certain.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Sleep, sleep_until};

use super::{
    lookup::{Timer, give_up, lookup, reason, recall},
    report::{Outcome, Report},
    shared::Shared,
    zone_client::ZoneClient,
    zone_state::LookupResult,
};
use crate::{Action, Asks, Ballot, ScoreRange, Skipped, Target, Transport, TxtMode, Vote};

/// A check under way: what is known so far, and what follows from it.
struct Check<'a, T> {
    shared: &'a Shared<T>,
    targets: Vec<Target>,
    began: Instant,
    /// The longest that it may take.
    limit: Duration,
    /// Why targets are skipped, one for each.
    skipped: Vec<Option<Skipped>>,
    rows: Vec<Row>,
    /// Rows without an outcome.
    pending: usize,
}

/// One zone and one target.
struct Row {
    target: usize,
    zone: usize,
    /// `None` until it is known.
    outcome: Option<Outcome>,
    reason: Reason,
}

/// The progress of the reason of a listing.
enum Reason {
    NotAsked,
    Asked,
    Known(Option<String>),
}

/// A question to be asked for a row.
struct Ask {
    row: usize,
    zone: usize,
    target: Target,
    part: Part,
}

enum Part {
    Status,
    Reason,
}

/// An answer that has come for a row.
enum Arrival {
    Status(LookupResult),
    Reason(Option<String>),
}

/// Asks all zones about these targets, for no longer than `limit`.
pub(super) async fn check<T: Transport>(
    shared: &Arc<Shared<T>>,
    targets: Vec<Target>,
    limit: Duration,
) -> Report {
    let mut check = Check::new(shared, distinct(targets), limit);
    let (began, last) = (check.began, check.began + check.limit);
    let ask = move |Ask { row, zone, target, part }: Ask| async move {
        let (zone, timer) = (&shared.zones[zone], Timer::OfCaller);
        let arrival = match part {
            Part::Status => Arrival::Status(lookup(shared, zone, target, began, last, timer).await),
            Part::Reason => Arrival::Reason(reason(shared, zone, target, last, timer).await),
        };
        (row, arrival)
    };
    let mut asked = FuturesUnordered::new();
    for row in 0..check.rows.len() {
        asked.extend(check.begin(row).into_iter().flatten().map(&ask));
    }
    if asked.is_empty()
        && let Some(action) = check.decided()
    {
        return check.report(action);
    }
    let mut timer = pin!(sleep_until(check.deadline().into()));
    while check.decided().is_none() || check.misses_reasons() {
        match next(&mut asked, timer.as_mut(), check.deadline()).await {
            Ok(Some((row, arrival))) => asked.extend(check.take(row, arrival).map(&ask)),
            Ok(None) => break,
            Err(TooLate) => {
                for (zone, target) in check.fail_pending() {
                    give_up(shared, zone, &target, began);
                }
                break;
            }
        }
    }
    let action = check.decided().unwrap_or_default();
    check.report(action)
}

/// The time of a check is over.
struct TooLate;

/// What arrives next; `None` where nothing is asked.
async fn next<F: Future>(
    asked: &mut FuturesUnordered<F>,
    mut timer: Pin<&mut Sleep>,
    deadline: Instant,
) -> Result<Option<F::Output>, TooLate> {
    let deadline = deadline.into();
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    poll_fn(|cx| match asked.poll_next_unpin(cx) {
        Poll::Ready(arrived) => Poll::Ready(Ok(arrived)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| Err(TooLate)),
    })
    .await
}

impl<'a, T: Transport> Check<'a, T> {
    fn new(shared: &'a Shared<T>, targets: Vec<Target>, limit: Duration) -> Self {
        let row = |(target, zone)| Row { target, zone, outcome: None, reason: Reason::NotAsked };
        let rows: Vec<Row> = pairs(&shared.zones, &targets).into_iter().map(row).collect();
        let skipped = targets.iter().map(|target| shared.settings.skips(target)).collect();
        let (began, limit) = (Instant::now(), limit.min(shared.settings.deadline));
        Self { shared, targets, began, limit, skipped, pending: rows.len(), rows }
    }

    /// Takes what is known of a row without a query; gives what is to be asked.
    fn begin(&mut self, row: usize) -> [Option<Ask>; 2] {
        let (zone, target) = (self.zone(row), self.rows[row].target);
        let known = match self.skipped[target] {
            Some(why) => Some(LookupResult::skipped(why)),
            None => {
                let now = self.shared.settings.at(self.began);
                recall(self.shared, zone, &self.targets[target], now)
            }
        };
        match known {
            Some(result) => [self.take(row, Arrival::Status(result)), None],
            None if zone.zone.txt == TxtMode::Parallel => {
                [Some(self.ask(row, Part::Status)), self.ask_reason(row)]
            }
            None => [Some(self.ask(row, Part::Status)), None],
        }
    }

    /// Takes what has come for a row; gives what is to be asked next.
    fn take(&mut self, row: usize, arrival: Arrival) -> Option<Ask> {
        match arrival {
            Arrival::Status(result) => self.conclude(row, result),
            Arrival::Reason(reason) => self.rows[row].reason = Reason::Known(reason),
        }
        let zone = self.zone(row);
        let Row { outcome, reason, .. } = &mut self.rows[row];
        let outcome = outcome.as_mut().filter(|outcome| lacks_reason(zone, outcome))?;
        match reason {
            Reason::NotAsked => self.ask_reason(row),
            Reason::Asked => None,
            Reason::Known(reason) => {
                outcome.add_reason(reason.clone());
                None
            }
        }
    }

    fn conclude(&mut self, row: usize, result: LookupResult) {
        let outcome = self.zone(row).outcome(self.rows[row].target, result);
        self.rows[row].outcome = Some(outcome);
        self.pending -= 1;
    }

    fn ask_reason(&mut self, row: usize) -> Option<Ask> {
        let target = &self.targets[self.rows[row].target];
        let needed = self.zone(row).lock().needs_reason(target, self.shared.settings.now());
        needed.then(|| {
            self.rows[row].reason = Reason::Asked;
            self.ask(row, Part::Reason)
        })
    }

    fn ask(&self, row: usize, part: Part) -> Ask {
        let Row { target, zone, .. } = self.rows[row];
        Ask { row, zone, target: self.targets[target].clone(), part }
    }

    /// Fails what has not answered by now, and gives it.
    fn fail_pending(&mut self) -> Vec<(&'a ZoneClient, Target)> {
        let mut failed = Vec::with_capacity(self.pending);
        for row in 0..self.rows.len() {
            if self.rows[row].outcome.is_none() {
                failed.push((self.zone(row), self.targets[self.rows[row].target].clone()));
                self.conclude(row, LookupResult::too_late());
            }
        }
        failed
    }

    fn misses_reasons(&self) -> bool {
        self.rows.iter().any(|row| {
            let zone = &self.shared.zones[row.zone];
            matches!(row.reason, Reason::Asked)
                && row.outcome.as_ref().is_some_and(|outcome| lacks_reason(zone, outcome))
        })
    }

    /// When the check ends at the latest; sooner as answers arrive.
    fn deadline(&self) -> Instant {
        let most = self.limit;
        let least = self.shared.settings.least_deadline.map_or(most, |least| least.min(most));
        let share = self.pending as f64 / self.rows.len().max(1) as f64;
        self.began + least + (most - least).mul_f64(share)
    }

    /// The verdict, if what is not known can't change it.
    fn decided(&self) -> Option<Action> {
        let settings = &self.shared.settings;
        if self.pending > 0 && !settings.early_exit {
            return None;
        }
        let action = settings.policy.decide(&self.ballot())?;
        (action >= Action::Defer || !self.misses_information()).then_some(action)
    }

    /// Zones that count nothing are there to be reported.
    fn misses_information(&self) -> bool {
        self.pending > 0
            && (0..self.rows.len()).any(|row| {
                self.rows[row].outcome.is_none() && self.zone(row).range == ScoreRange::default()
            })
    }

    fn ballot(&self) -> Ballot {
        Ballot::count(self.rows.iter().map(|row| {
            let range = self.shared.zones[row.zone].range;
            row.outcome.as_ref().map_or(Vote::Pending(range), |outcome| vote(range, outcome))
        }))
    }

    fn report(self, action: Action) -> Report {
        let score = self.ballot().score();
        let decided_early = self.pending > 0;
        let shared = self.shared;
        let outcomes = self.rows.into_iter().map(|row| {
            row.outcome.unwrap_or_else(|| {
                let early = LookupResult::skipped(Skipped::DecidedEarly);
                shared.zones[row.zone].outcome(row.target, early)
            })
        });
        let report = Report {
            outcomes: outcomes.collect(),
            targets: self.targets,
            score,
            action,
            decided_early,
            elapsed: self.began.elapsed(),
        };
        shared.checks.fetch_add(1, Relaxed);
        shared.decided_early.fetch_add(decided_early.into(), Relaxed);
        if let Some(observer) = &shared.settings.observer {
            observer.check(&report);
        }
        report
    }

    fn zone(&self, row: usize) -> &'a ZoneClient {
        &self.shared.zones[self.rows[row].zone]
    }
}

fn vote(range: ScoreRange, outcome: &Outcome) -> Vote {
    if outcome.status.is_verdict() {
        Vote::Answered(outcome.score)
    } else if outcome.status.is_unknown() {
        Vote::Unknown(range)
    } else {
        Vote::Abstains
    }
}

/// Whether an outcome is a listing whose reason is wanted and not known.
pub(super) fn lacks_reason(zone: &ZoneClient, outcome: &Outcome) -> bool {
    let listing = outcome.status.listing();
    zone.zone.txt != TxtMode::Never
        && listing.is_some_and(|listing| !listing.hits.is_empty() && listing.reason.is_none())
}

/// Each target once, in its canonical form.
pub(super) fn distinct(targets: Vec<Target>) -> Vec<Target> {
    let mut distinct: Vec<Target> = Vec::with_capacity(targets.len());
    for target in targets.into_iter().map(canonical) {
        if !distinct.contains(&target) {
            distinct.push(target);
        }
    }
    distinct
}

/// One key in memory for one question on the wire.
pub(super) fn canonical(target: Target) -> Target {
    match target {
        Target::Address(addr) => Target::Address(addr.to_canonical()),
        other => other,
    }
}

/// Which zone is asked about which target, as indices of target and zone: those that fit, and for a
/// zone that fits none the first.
pub(super) fn pairs(zones: &[ZoneClient], targets: &[Target]) -> Vec<(usize, usize)> {
    let fits = |zone: &ZoneClient, target: &Target| match (target, zone.zone.asks) {
        (Target::Verbatim(_), _) => true,
        (Target::Domain(_), asks) => asks == Asks::Domains,
        (Target::Email(_), asks) => matches!(asks, Asks::Emails(_)),
        (Target::Address(_) | Target::RawAddress(_), asks) => {
            matches!(asks, Asks::Addresses { .. })
        }
    };
    let mut pairs = Vec::with_capacity(targets.len() * zones.len());
    for (i, target) in targets.iter().enumerate() {
        for (j, zone) in zones.iter().enumerate() {
            let none = || !targets.iter().any(|target| fits(zone, target));
            if fits(zone, target) || (i == 0 && none()) {
                pairs.push((i, j));
            }
        }
    }
    pairs
}
