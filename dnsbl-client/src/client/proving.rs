//! Before a listing counts: does the list deny anything? Before a refusal counts: is it meant for all?

use std::time::Instant;

use futures_util::future::join_all;
use tokio::time::timeout_at;

use super::{
    inner::{Inner, random},
    list::List,
};
use crate::{
    Blocked, Bogus, Failure, Skipped, Status, Target, Transport,
    health::{Family, Point, PointKind, Probed, points, together, verdict},
};

impl<T: Transport> Inner<T> {
    /// Takes what a list said to the `asked`-th question, and tells what that is worth.
    pub(super) async fn weigh(
        &self,
        list: &List,
        target: &Target,
        status: Status,
        asked: u64,
        deadline: Instant,
    ) -> Status {
        match status {
            Status::Listed(_) => match self.prove(list, target, asked, deadline).await {
                Ok(()) => status,
                Err(instead) => instead,
            },
            Status::Blocked(why) if is_own_refusal(why) => {
                match self.refuses_all(list, target, deadline).await {
                    true => status,
                    false => Status::Bogus(Bogus::ErrorForOne(why)),
                }
            }
            other => other,
        }
    }

    /// Asks for something that no list has, unless that was done since. What to say in place of
    /// "listed" where the list does not deny it.
    async fn prove(
        &self,
        list: &List,
        target: &Target,
        asked: u64,
        deadline: Instant,
    ) -> Result<(), Status> {
        let too_late = || Status::Failed(Failure::Deadline);
        let family = Family::of(list.zone.asks, target);
        let waiting = timeout_at(deadline.into(), list.proof(family).lock());
        let mut proof = waiting.await.map_err(|_| too_late())?;
        let now = self.now();
        if proof.covers(asked, now, list.zone.per_day.is_some()) {
            return Ok(());
        }
        if proof.refutes(asked) {
            return Err(Bogus::ListsEverything.into());
        }
        let mut points = points(&list.zone, family, None, random());
        points.retain(|point| point.kind != PointKind::Listed);
        if points.is_empty() {
            return Ok(());
        }
        proof.count(now);
        let place = self.next_place();
        let answers = self.ask_points(list, points, deadline).await;
        match together(answers.iter().map(|(point, status)| verdict(point, status))) {
            Probed::Good => {
                proof.renew(place, now);
                list.lock().monitor.note_denied();
                Ok(())
            }
            Probed::Fault(why) => {
                proof.refute(place);
                // Its IPv4 addresses may be as they should.
                if family == Family::First {
                    self.conclude(list, Probed::Fault(why));
                }
                let is_fault = |(point, status): &(Point, Status)| {
                    matches!(verdict(point, status), Probed::Fault(_))
                };
                match answers.into_iter().find(is_fault) {
                    Some((_, status @ (Status::Blocked(_) | Status::Bogus(_)))) => Err(status),
                    _ => Err(Bogus::ListsEverything.into()),
                }
            }
            Probed::NoAnswer | Probed::NotAsked if proof.holds(now) => Ok(()),
            Probed::NoAnswer => {
                let mut failures = answers.into_iter().map(|(_, status)| status);
                Err(failures.find(|status| !status.is_verdict()).unwrap_or_else(too_late))
            }
            Probed::NotAsked => Err(Status::Skipped(Skipped::OverBudget)),
        }
    }

    /// Whether a list refuses its test entry or something made up as well.
    async fn refuses_all(&self, list: &List, target: &Target, deadline: Instant) -> bool {
        let family = Family::of(list.zone.asks, target);
        let waiting = timeout_at(deadline.into(), list.proof(family).lock());
        let Ok(mut proof) = waiting.await else { return true };
        let now = self.now();
        if proof.has_answered(now) {
            return false;
        }
        let mut points = points(&list.zone, family, None, random());
        points.retain(|point| point.kind != PointKind::Absent);
        let answers = self.ask_points(list, points, deadline).await;
        // One family may have no test entry; that the list answers at all is what matters.
        let answers_as_it_should = answers.iter().all(|(_, status)| status.is_verdict())
            && answers.iter().any(|(point, status)| verdict(point, status) == Probed::Good);
        if answers_as_it_should {
            proof.note_answered(now);
        }
        !answers_as_it_should
    }

    /// Asks a list for several points at once.
    pub(super) async fn ask_points(
        &self,
        list: &List,
        points: Vec<Point>,
        deadline: Instant,
    ) -> Vec<(Point, Status)> {
        join_all(points.into_iter().map(async |point| {
            let status = self.ask_point(list, &point, deadline).await;
            (point, status)
        }))
        .await
    }
}

/// Whether the list itself refuses, as opposed to a resolver.
fn is_own_refusal(why: Blocked) -> bool {
    !matches!(
        why,
        Blocked::Refused | Blocked::Filtered(_) | Blocked::Rewritten(_) | Blocked::Stripped
    )
}

impl From<Bogus> for Status {
    fn from(why: Bogus) -> Self {
        Self::Bogus(why)
    }
}
