//! One check: all lists at once, until the verdict is certain.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Sleep, sleep_until};

use super::{
    Outcome, Report, Source,
    flight::{Flight, Landed},
    inner::{Begun, Inner},
    list::List,
};
use crate::{
    Action, Asks, Ballot, Failure, Reach, Skipped, Status, Target, Transport, TxtMode, Vote,
};

/// A check under way.
struct Check<'a, T: Transport> {
    inner: &'a Arc<Inner<T>>,
    targets: Vec<Target>,
    began: Instant,
    /// The longest that it may take.
    limit: Duration,
    seats: Vec<Seat>,
    /// Questions whose answers are to come.
    open: FuturesUnordered<Question<'a, T>>,
    open_verdicts: usize,
}

/// One list and one target.
struct Seat {
    /// `None` until it is known.
    outcome: Option<Outcome>,
    target: usize,
    list: usize,
    reason: Reason,
}

/// How far the reason of a listing is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    NotAsked,
    Asked,
    Known(Status),
}

/// A question of one seat.
struct Question<'a, T: Transport> {
    seat: usize,
    asks: Asked,
    flight: Flight<'a, T>,
}

#[derive(Clone, Copy)]
enum Asked {
    Verdict,
    Reason,
}

impl<T: Transport> Future for Question<'_, T> {
    type Output = (usize, Asked, Landed);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (seat, asks) = (self.seat, self.asks);
        Pin::new(&mut self.flight).poll(cx).map(|landed| (seat, asks, landed))
    }
}

/// Asks all lists about these targets, for no longer than `limit`.
pub(super) async fn check<T: Transport>(
    inner: &Arc<Inner<T>>,
    targets: Vec<Target>,
    limit: Duration,
) -> Report {
    let mut check = Check {
        inner,
        targets: distinct(targets),
        began: Instant::now(),
        limit: limit.min(inner.settings.deadline),
        seats: Vec::new(),
        open: FuturesUnordered::new(),
        open_verdicts: 0,
    };
    check.begin();
    let action = match check.decided() {
        Some(action) if check.open.is_empty() => action,
        _ => check.wait().await,
    };
    check.report(action)
}

impl<'a, T: Transport> Check<'a, T> {
    /// Takes what is known and asks for the rest.
    fn begin(&mut self) {
        let pairs = pairs(self.inner, &self.targets);
        let skipped: Vec<_> = self.targets.iter().map(|target| self.inner.skips(target)).collect();
        let now = self.inner.at(self.began);
        let deadline = self.began + self.limit;
        self.seats.reserve(pairs.len());
        for (target, list) in pairs {
            let seat = self.seats.len();
            let outcome = match skipped[target] {
                Some(why) => {
                    let list = &self.inner.lists[list];
                    Some(list.outcome(target, Status::Skipped(why), Source::Nowhere))
                }
                None => self.ask(seat, target, list, now, deadline),
            };
            self.seats.push(Seat { outcome, target, list, reason: Reason::NotAsked });
            let parallel = self.inner.lists[list].zone.txt == TxtMode::Parallel;
            if self.seats[seat].outcome.is_none() && parallel {
                self.ask_reason(seat, deadline);
            }
            self.settle(seat, deadline);
        }
    }

    fn ask(
        &mut self,
        seat: usize,
        target: usize,
        list: usize,
        now: Instant,
        deadline: Instant,
    ) -> Option<Outcome> {
        let inner = self.inner;
        let list = &inner.lists[list];
        match inner.begin(list, &self.targets[target], now, deadline) {
            Begun::Known(status, source) => Some(list.outcome(target, status, source)),
            Begun::Wait(flight) => {
                self.open.push(Question { seat, asks: Asked::Verdict, flight });
                self.open_verdicts += 1;
                None
            }
        }
    }

    fn ask_reason(&mut self, seat: usize, deadline: Instant) {
        let inner = self.inner;
        let list = &inner.lists[self.seats[seat].list];
        let target = &self.targets[self.seats[seat].target];
        if let Some(flight) = inner.begin_reason(list, target, inner.now(), deadline) {
            self.open.push(Question { seat, asks: Asked::Reason, flight });
            self.seats[seat].reason = Reason::Asked;
        }
    }

    /// Sees to the reason of a seat whose outcome is known.
    fn settle(&mut self, seat: usize, deadline: Instant) {
        let Some(outcome) = &mut self.seats[seat].outcome else { return };
        if !self.inner.wants_reason(outcome) {
            return;
        }
        match &self.seats[seat].reason {
            Reason::NotAsked => self.ask_reason(seat, deadline),
            Reason::Asked => {}
            Reason::Known(status) => {
                let status = status.clone();
                if let Some(outcome) = &mut self.seats[seat].outcome {
                    outcome.add_reason(&status);
                }
            }
        }
    }

    /// Waits until the verdict is certain and its reasons are there, at most until the deadline.
    async fn wait(&mut self) -> Action {
        let last = self.began + self.limit;
        let mut timer = pin!(sleep_until(self.deadline().into()));
        loop {
            let decided = self.decided();
            if decided.is_some() && !self.misses_reasons() {
                break;
            }
            match self.next(timer.as_mut()).await {
                Some(Some((seat, Asked::Verdict, landed))) => {
                    let Seat { target, list, .. } = self.seats[seat];
                    let list = &self.inner.lists[list];
                    self.seats[seat].outcome =
                        Some(list.outcome(target, landed.status, landed.source));
                    self.open_verdicts -= 1;
                    self.settle(seat, last);
                }
                Some(Some((seat, Asked::Reason, landed))) => {
                    self.seats[seat].reason = Reason::Known(landed.status);
                    self.settle(seat, last);
                }
                Some(None) => break,
                None => {
                    self.give_up();
                    break;
                }
            }
        }
        self.decided().unwrap_or_default()
    }

    /// What landed next, if anything is open; `None` where the time is over first.
    async fn next(&mut self, mut timer: Pin<&mut Sleep>) -> Option<Option<(usize, Asked, Landed)>> {
        let deadline = self.deadline().into();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        poll_fn(|cx| match self.open.poll_next_unpin(cx) {
            Poll::Ready(landed) => Poll::Ready(Some(landed)),
            Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// What has not answered by now has failed.
    fn give_up(&mut self) {
        for seat in &mut self.seats {
            if seat.outcome.is_none() {
                let list = &self.inner.lists[seat.list];
                self.inner.gave_up(list, &self.targets[seat.target], self.began);
                let failed = Status::Failed(Failure::Deadline);
                seat.outcome = Some(list.outcome(seat.target, failed, Source::Nowhere));
            }
        }
        self.open_verdicts = 0;
    }

    fn misses_reasons(&self) -> bool {
        self.seats.iter().any(|seat| {
            let outcome = seat.outcome.as_ref();
            seat.reason == Reason::Asked && outcome.is_some_and(|o| self.inner.wants_reason(o))
        })
    }

    /// It shrinks as answers arrive.
    fn deadline(&self) -> Instant {
        let most = self.limit;
        let least = self.inner.settings.least_deadline.map_or(most, |least| least.min(most));
        let share = self.open_verdicts as f64 / self.seats.len().max(1) as f64;
        self.began + least + (most - least).mul_f64(share)
    }

    /// The verdict, if what is not known can't change it.
    fn decided(&self) -> Option<Action> {
        let settings = &self.inner.settings;
        if self.open_verdicts > 0 && !settings.early_exit {
            return None;
        }
        let action = settings.policy.decide(&self.ballot())?;
        (action >= Action::Defer || !self.misses_information()).then_some(action)
    }

    /// Lists that count nothing are there to be heard.
    fn misses_information(&self) -> bool {
        self.open_verdicts > 0
            && self.seats.iter().any(|seat| {
                seat.outcome.is_none() && self.inner.lists[seat.list].reach == Reach::default()
            })
    }

    fn ballot(&self) -> Ballot {
        Ballot::count(self.seats.iter().map(|seat| {
            let list = &self.inner.lists[seat.list];
            seat.outcome.as_ref().map_or(Vote::Pending(list.reach), |outcome| vote(list, outcome))
        }))
    }

    fn report(self, action: Action) -> Report {
        let score = self.ballot().score();
        let decided_early = self.open_verdicts > 0;
        let inner = self.inner;
        let outcomes = self.seats.into_iter().map(|seat| {
            seat.outcome.unwrap_or_else(|| {
                let early = Status::Skipped(Skipped::DecidedEarly);
                inner.lists[seat.list].outcome(seat.target, early, Source::Nowhere)
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
        inner.counts.checks.fetch_add(1, Relaxed);
        inner.counts.decided_early.fetch_add(decided_early.into(), Relaxed);
        if let Some(observer) = &inner.settings.observer {
            observer.check(&report);
        }
        report
    }
}

fn vote(list: &List, outcome: &Outcome) -> Vote {
    if outcome.status.is_verdict() {
        Vote::Answered(outcome.score)
    } else if outcome.status.is_unknown() {
        Vote::Unknown(list.reach)
    } else {
        Vote::Abstains
    }
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

/// Which list is asked about which target, as places of target and list: those that fit, and for a
/// list that fits none the first.
pub(super) fn pairs<T>(inner: &Inner<T>, targets: &[Target]) -> Vec<(usize, usize)> {
    let fits = |list: &List, target: &Target| match (target, list.zone.asks) {
        (Target::Verbatim(_), _) => true,
        (Target::Domain(_), asks) => asks == Asks::Domains,
        (Target::Email(_), asks) => matches!(asks, Asks::Emails(_)),
        (Target::Address(_) | Target::RawAddress(_), asks) => {
            matches!(asks, Asks::Addresses { .. })
        }
    };
    let mut pairs = Vec::with_capacity(targets.len() * inner.lists.len());
    for (i, target) in targets.iter().enumerate() {
        for (j, list) in inner.lists.iter().enumerate() {
            let none = || !targets.iter().any(|target| fits(list, target));
            if fits(list, target) || (i == 0 && none()) {
                pairs.push((i, j));
            }
        }
    }
    pairs
}

impl<T: Transport> Inner<T> {
    /// Sees to it that an answer is learnt that a check waits for no longer. Where that can't be, the
    /// list has failed.
    fn gave_up(self: &Arc<Self>, list: &List, target: &Target, began: Instant) {
        if list.lock().cache.usable(target, self.now()).is_none()
            && !self.clone().ask_on(list.id, target)
        {
            self.learn(list, target, Status::Failed(Failure::Deadline), None, began);
        }
    }
}
