//! Asking several lists at once.

mod report;

use std::{net::IpAddr, sync::Arc, time::{Duration, Instant}};

use dnsbl_types::query_name;
use futures_util::{Stream, StreamExt, stream::FuturesUnordered};

pub use self::report::{Outcome, Report, Source, ZoneId};
use crate::{
    Ballot, ClientBuilder, ClientError, Counters, Failure, Health, Listing, ProbeReport, QueryType,
    Question, Score, Skipped, SpecialUse, Status, Target, Transport, Udp, Vote, Zone, judge::judge,
    reason::reason,
};

/// Asks block lists. It is cheap to clone; all clones share memory and transport, and serve any
/// number of checks at once.
///
/// It runs inside a tokio runtime with time (and, for [`Udp`], IO) enabled.
pub struct Client<T: Transport = Udp>(Arc<Inner<T>>);

struct Inner<T> {
    settings: ClientBuilder,
    transport: T,
}

/// A check that was begun and is collected later.
#[derive(Debug)]
pub struct Ticket(tokio::task::JoinHandle<Report>);

impl Client {
    /// Settings to begin with.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }
}

impl<T: Transport> Clone for Client<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Transport> Client<T> {
    pub(crate) fn new(settings: ClientBuilder, transport: T) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Inner { settings, transport })))
    }

    /// The lists, in the order in which they were given.
    pub fn zones(&self) -> &[Zone] {
        &self.0.settings.zones
    }

    /// Which of the lists has this place.
    pub fn zone_id(&self, index: usize) -> Option<ZoneId> {
        (index < self.zones().len()).then_some(ZoneId(index as u16))
    }

    /// Asks all lists at once and waits for them: until the verdict is certain, at most until the
    /// deadline.
    ///
    /// It can't fail: whatever goes wrong with a list is its status.
    pub async fn check(&self, target: impl Into<Target>) -> Report {
        self.check_all(&[target.into()]).await
    }

    /// As [`Self::check`], of several targets with one verdict: the address of a client, the domain of
    /// its HELO, the sender. Each list is asked about those that fit it; equal ones count once.
    pub async fn check_all(&self, targets: &[Target]) -> Report {
        self.check_within(targets, self.0.settings.deadline).await
    }

    /// As [`Self::check_all`], with another deadline, for a caller that is in a hurry for once.
    pub async fn check_within(&self, targets: &[Target], deadline: Duration) -> Report {
        let began = Instant::now();
        let outcomes = self.outcomes_until(targets, began + deadline);
        let mut outcomes: Vec<Outcome> = outcomes.collect().await;
        outcomes.sort_by_key(|o| (o.target, o.id));
        let ballot = Ballot::count(outcomes.iter().map(|o| match &o.status {
            Status::Listed(_) | Status::NotListed => Vote::Answered(o.score),
            _ => Vote::Abstains,
        }));
        let action = self.0.settings.policy.decide(&ballot).unwrap_or_default();
        let targets = targets.to_vec();
        let elapsed = began.elapsed();
        Report { targets, outcomes, score: ballot.score(), action, decided_early: false, elapsed }
    }

    /// The outcomes of a check as they arrive, without a verdict and without an early end.
    pub fn outcomes<'a>(
        &'a self,
        targets: &'a [Target],
    ) -> impl Stream<Item = Outcome> + Send + 'a {
        self.outcomes_until(targets, Instant::now() + self.0.settings.deadline)
    }

    fn outcomes_until<'a>(
        &'a self,
        targets: &'a [Target],
        deadline: Instant,
    ) -> impl Stream<Item = Outcome> + Send + 'a {
        let asked: FuturesUnordered<_> = targets
            .iter()
            .enumerate()
            .flat_map(|(i, target)| {
                (0..self.zones().len()).map(move |id| async move {
                    let outcome = self.0.ask(ZoneId(id as u16), target, deadline).await;
                    Outcome { target: i, ..outcome }
                })
            })
            .collect();
        asked
    }

    /// What one list says, without a verdict.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more lists.
    pub async fn lookup(&self, zone: ZoneId, target: &Target) -> Outcome {
        self.0.ask(zone, target, Instant::now() + self.0.settings.deadline).await
    }

    /// Begins a check now (when a client connects) that is collected later (when it names a
    /// recipient), which hides how long it takes. Dropping the ticket ends it.
    pub fn prefetch(&self, targets: Vec<Target>) -> Ticket {
        let client = self.clone();
        Ticket(tokio::spawn(async move { client.check_all(&targets).await }))
    }

    /// How far each list is believed, in the order in which they were given.
    pub fn health(&self) -> Vec<Health> {
        self.zones().iter().map(|_| Health::Unproven).collect()
    }

    /// Probes a list now, all points of it (RFC 5782 section 5), whatever its health.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more lists.
    pub async fn probe(&self, zone: ZoneId) -> ProbeReport {
        let zone = &self.zones()[zone.index()];
        ProbeReport { zone: zone.name.clone(), points: Vec::new(), fault: None }
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}

impl<T: Transport> Inner<T> {
    async fn ask(&self, id: ZoneId, target: &Target, deadline: Instant) -> Outcome {
        let zone = &self.settings.zones[id.index()];
        let special = self.settings.special_use != SpecialUse::Ask && target.is_special_use();
        let began = Instant::now();
        let status = match target.addr() {
            _ if special => Status::Skipped(Skipped::SpecialUse),
            Some(addr) => self.status(zone, addr, deadline).await,
            None => Status::Skipped(Skipped::WrongKind),
        };
        let score = match &status {
            Status::Listed(listing) => {
                listing.hits.iter().map(|&hit| zone.weight(&zone.rules[usize::from(hit)])).sum()
            }
            _ => Score::ZERO,
        };
        let source = Source::Network { took: began.elapsed() };
        Outcome { zone: zone.name.clone(), id, target: 0, status, score, source }
    }

    async fn status(&self, zone: &Zone, addr: IpAddr, deadline: Instant) -> Status {
        let Ok(name) = query_name::encode(addr, zone.name.secret()) else {
            return Status::Failed(Failure::NameTooLong);
        };
        let question = Question { name, rtype: QueryType::A };
        let status = match self.transport.ask(&question, deadline).await {
            Ok(reply) => judge(&reply, &zone.codes),
            Err(failure) => Status::Failed(failure),
        };
        match status {
            Status::Listed(listing) => {
                let hits = (0..).zip(&zone.rules).filter(|(_, r)| r.filter.matches(&listing.codes));
                let hits = hits.map(|(i, _)| i).collect();
                let listing = Listing { hits, ..listing };
                Status::Listed(self.with_reason(listing, question, deadline).await)
            }
            other => other,
        }
    }

    /// Adds the reason if the list gives one in time; the verdict stands without it.
    async fn with_reason(
        &self,
        listing: Listing,
        question: Question,
        deadline: Instant,
    ) -> Listing {
        let question = Question { rtype: QueryType::Txt, ..question };
        let answer = self.transport.ask(&question, deadline).await;
        let reason = answer.ok().and_then(|answer| reason(&answer.texts));
        Listing { reason, ..listing }
    }
}

impl Ticket {
    /// The report, once it is there. `None` if the runtime shut down first.
    pub async fn report(mut self) -> Option<Report> {
        (&mut self.0).await.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.abort();
    }
}
