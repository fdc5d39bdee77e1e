//! Queries to one zone, without memory: asked over the transport, judged, and confirmed. Before a listing
//! counts the zone denies something made up, and before a refusal counts it refuses its test entry too.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout_at;

use super::{
    resolver::Resolver,
    shared::{Shared, random},
    zone_client::ZoneClient,
};
use crate::{
    Answer, Blocked, Bogus, Failure, QueryType, Question, Skipped, Status, Target, Transport,
    health::{Family, Point, PointKind, ProbeResult, combined, points, verdict},
    judge::judge,
    reason::reason,
};

/// A zone that is asked, and until when.
pub(super) struct Querier<'a, T> {
    pub(super) shared: &'a Shared<T>,
    pub(super) zone: &'a ZoneClient,
    pub(super) deadline: Instant,
}

impl<'a, T: Transport> Querier<'a, T> {
    /// How long a zone may take where no check waits for it: a resolver that minimises names asks for each
    /// label.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// A zone that no check waits for.
    pub(super) fn patient(shared: &'a Shared<T>, zone: &'a ZoneClient) -> Self {
        Self { shared, zone, deadline: Instant::now() + Self::PATIENCE }
    }

    /// What the zone says about a target, confirmed where that is wanted, and the answer that says so.
    pub(super) async fn query_and_confirm(&self, target: &Target) -> (Status, Option<Answer>) {
        let asked = self.shared.next_in_order();
        let (status, answer) = self.query(target).await;
        if !self.shared.settings.health_checks.confirm() {
            return (status, answer);
        }
        let status = match status {
            Status::Listed(_) => match self.prove(target, asked).await {
                Ok(()) => status,
                Err(instead) => instead,
            },
            Status::Blocked(why) if is_own_refusal(why) => match self.refuses_all(target).await {
                true => status,
                false => Status::Bogus(Bogus::ErrorForOne(why)),
            },
            other => other,
        };
        // What was made up may have shown only now that the answer is the resolver's.
        match (status, answer) {
            (status @ Status::Listed(_), Some(answer)) => {
                (self.unless_rewritten(status, &answer), Some(answer))
            }
            other => other,
        }
    }

    /// The reason of a listing (TXT), if it has one.
    pub(super) async fn query_reason(&self, target: &Target) -> Result<Option<String>, Failure> {
        let name = self.zone.zone.question_name(target).map_err(|_| Failure::NameTooLong)?;
        let answer = self.ask(Question { name, rtype: QueryType::Txt }).await?;
        Ok(reason(&answer.texts))
    }

    /// What the zone says about several points of a probe, asked at once.
    pub(super) async fn query_points(&self, points: Vec<Point>) -> Vec<(Point, Status)> {
        join_all(points.into_iter().map(async |point| {
            let status = self.query_point(&point).await;
            (point, status)
        }))
        .await
    }

    /// What the zone says about a point of a probe. It counts against the budget.
    pub(super) async fn query_point(&self, point: &Point) -> Status {
        let Self { shared, zone, .. } = self;
        if zone.lock().spend(&zone.zone, shared.settings.now()).is_err() {
            return Status::Skipped(Skipped::OverBudget);
        }
        let (status, answer) = self.query(&point.target).await;
        let Some(answer) = answer else { return status };
        let absent = point.kind != PointKind::Listed;
        if absent && status.listing().is_some() {
            // It may be the resolver that puts a return code in place of "no such name".
            shared.check_resolver(Resolver::HOLDS).await;
            return self.unless_rewritten(status, &answer);
        }
        let no_data = status == Status::NotListed && answer.rcode == 0;
        if !absent && no_data && self.is_stripped(&point.target).await {
            shared.resolver.record_stripping(&shared.settings);
            return Status::Blocked(Blocked::Stripped);
        }
        status
    }

    /// What the zone says about a target. What the resolver put in place of its answer is told apart.
    async fn query(&self, target: &Target) -> (Status, Option<Answer>) {
        let name = match self.zone.zone.question_name(target) {
            Ok(name) => name,
            Err(status) => return (status, None),
        };
        let answer = match self.ask(Question { name, rtype: QueryType::A }).await {
            Ok(answer) => answer,
            Err(failure) => return (Status::Failed(failure), None),
        };
        let status = judge(&answer, &self.zone.zone.codes);
        if !matches!(status, Status::Listed(_) | Status::Bogus(_)) {
            return (status, Some(answer));
        }
        let settings = &self.shared.settings;
        let is_odd = matches!(status, Status::Bogus(Bogus::OutsideLoopback(_) | Bogus::Localhost));
        if is_odd && settings.health_checks.confirm() {
            self.shared.check_resolver(Resolver::HOLDS).await;
        }
        let status = match self.unless_rewritten(status, &answer) {
            Status::Listed(listing) => {
                self.shared.resolver.record_passed(settings);
                Status::Listed(self.zone.with_hits(listing))
            }
            other => other,
        };
        (status, Some(answer))
    }

    async fn ask(&self, question: Question) -> Result<Answer, Failure> {
        self.shared.transport.ask(&question, self.deadline).await
    }

    /// The status, unless the answer is the resolver's.
    fn unless_rewritten(&self, status: Status, answer: &Answer) -> Status {
        let stray = self.shared.resolver.rewrote(answer);
        stray.map_or(status, |stray| Status::Blocked(Blocked::Rewritten(stray)))
    }

    /// Whether a test entry without an address has one that the resolver took away: the zone would
    /// say that there is no such name. The entry has a reason, or no zone's codes come through.
    async fn is_stripped(&self, target: &Target) -> bool {
        let Ok(name) = self.zone.zone.question_name(target) else { return false };
        let reason = self.ask(Question { name, rtype: QueryType::Txt }).await;
        reason.is_ok_and(|answer| !answer.texts.is_empty())
            || !self.shared.resolver.passes(self.shared.settings.now())
    }

    /// Asks for something that no zone lists, unless that was done since the `asked`-th query. An error is
    /// what to say in place of "listed" where the zone does not deny it.
    async fn prove(&self, target: &Target, asked: u64) -> Result<(), Status> {
        let too_late = || Status::Failed(Failure::Deadline);
        let Self { shared, zone, deadline } = *self;
        let family = Family::of(zone.zone.asks, target);
        let waiting = timeout_at(deadline.into(), zone.proof(family).lock());
        let mut proof = waiting.await.map_err(|_| too_late())?;
        let now = shared.settings.now();
        if proof.covers(asked, now, zone.zone.per_day.is_some()) {
            return Ok(());
        }
        if proof.refutes(asked) {
            return Err(Status::Bogus(Bogus::ListsEverything));
        }
        let mut points = points(&zone.zone, family, None, random());
        points.retain(|point| point.kind != PointKind::Listed);
        if points.is_empty() {
            return Ok(());
        }
        proof.count(now);
        let order = shared.next_in_order();
        let answers = self.query_points(points).await;
        match combined(answers.iter().map(|(point, status)| verdict(point, status))) {
            ProbeResult::Good => {
                proof.renew(order, now);
                zone.lock().monitor.note_denied();
                Ok(())
            }
            ProbeResult::Fault(why) => {
                proof.refute(order);
                // Its IPv4 addresses may be as they should.
                if family == Family::First {
                    shared.record_probe(zone, ProbeResult::Fault(why));
                }
                let is_fault = |(point, status): &(Point, Status)| {
                    matches!(verdict(point, status), ProbeResult::Fault(_))
                };
                match answers.into_iter().find(is_fault) {
                    Some((_, status @ (Status::Blocked(_) | Status::Bogus(_)))) => Err(status),
                    _ => Err(Status::Bogus(Bogus::ListsEverything)),
                }
            }
            ProbeResult::NoAnswer | ProbeResult::NotAsked if proof.holds(now) => Ok(()),
            ProbeResult::NoAnswer => {
                let mut failures = answers.into_iter().map(|(_, status)| status);
                Err(failures.find(|status| !status.is_verdict()).unwrap_or_else(too_late))
            }
            ProbeResult::NotAsked => Err(Status::Skipped(Skipped::OverBudget)),
        }
    }

    /// Whether the zone refuses its test entry or something made up as well.
    async fn refuses_all(&self, target: &Target) -> bool {
        let Self { shared, zone, deadline } = *self;
        let family = Family::of(zone.zone.asks, target);
        let waiting = timeout_at(deadline.into(), zone.proof(family).lock());
        let Ok(mut proof) = waiting.await else { return true };
        let now = shared.settings.now();
        if proof.has_answered(now) {
            return false;
        }
        let mut points = points(&zone.zone, family, None, random());
        points.retain(|point| point.kind != PointKind::Absent);
        let answers = self.query_points(points).await;
        // One family may have no test entry; that the zone answers at all is what matters.
        let answers_as_it_should = answers.iter().all(|(_, status)| status.is_verdict())
            && answers.iter().any(|(point, status)| verdict(point, status) == ProbeResult::Good);
        if answers_as_it_should {
            proof.note_answered(now);
        }
        !answers_as_it_should
    }
}

/// Whether the zone itself refuses, as opposed to a resolver.
fn is_own_refusal(why: Blocked) -> bool {
    !matches!(
        why,
        Blocked::Refused | Blocked::Filtered(_) | Blocked::Rewritten(_) | Blocked::Stripped
    )
}
