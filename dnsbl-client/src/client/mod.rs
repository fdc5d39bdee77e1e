//! Asking several lists at once.

mod blocking;
mod check;
mod flight;
mod inner;
mod list;
mod probing;
mod proving;
mod report;
mod resolver;
mod state;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use self::inner::{Begun, Inner};
pub use self::{
    blocking::BlockingClient,
    report::{Outcome, Report, Source, ZoneId},
};
use crate::{
    ClientBuilder, ClientError, Counters, Health, Status, Target, Transport, Udp, Zone,
    ZoneCounters,
};
use futures_util::{Stream, stream::FuturesUnordered};
use tokio::{runtime::Handle, task::JoinHandle};

/// Asks block lists. It is cheap to clone; all clones share memory and transport, and serve any
/// number of checks at once.
///
/// It runs inside a tokio runtime with time (and, for [`Udp`], IO) enabled. Addresses of special use,
/// among them those of documentation such as 192.0.2.99, are skipped unless
/// [`ClientBuilder::special_use`] says otherwise.
pub struct Client<T: Transport = Udp>(Arc<Inner<T>>);

/// A check that was begun and is collected later. Dropping it ends the check.
#[derive(Debug)]
pub struct Ticket(Option<JoinHandle<Report>>);

impl Client {
    /// Settings to begin with.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }
}

impl<T: Transport> Client<T> {
    pub(crate) fn new(settings: ClientBuilder, transport: T) -> Result<Self, ClientError> {
        let inner = Arc::new(Inner::new(settings, transport));
        inner.restore();
        if inner.watches() && !inner.settings.by_hand {
            let runtime = Handle::try_current().map_err(|_| ClientError::NoRuntime)?;
            runtime.spawn(probing::tend_always(Arc::downgrade(&inner)));
        }
        Ok(Self(inner))
    }

    /// The lists, in the order in which they were given.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &Zone> {
        self.0.lists.iter().map(|list| &list.zone)
    }

    /// Which of the lists has this place.
    pub fn zone_id(&self, index: usize) -> Option<ZoneId> {
        self.0.lists.get(index).map(|list| list.id)
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

    /// As [`Self::check_all`], for a caller that is in a hurry: with a shorter deadline than the client's.
    pub async fn check_within(&self, targets: &[Target], deadline: Duration) -> Report {
        check::check(&self.0, targets.to_vec(), deadline).await
    }

    /// The outcomes of a check as they arrive, reasons included, without a verdict and without an
    /// early end.
    pub fn outcomes(&self, targets: &[Target]) -> impl Stream<Item = Outcome> + Send + 'static {
        let targets = check::distinct(targets.to_vec());
        let pairs = check::pairs(&self.0, &targets);
        let asked = pairs.into_iter().map(|(target, list)| {
            let (client, asked) = (self.clone(), targets[target].clone());
            async move {
                let outcome = client.lookup(client.0.lists[list].id, &asked).await;
                Outcome { target, ..outcome }
            }
        });
        asked.collect::<FuturesUnordered<_>>()
    }

    /// What one list says, without a verdict.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more lists.
    pub async fn lookup(&self, zone: ZoneId, target: &Target) -> Outcome {
        let inner = &self.0;
        let list = &inner.lists[zone.index()];
        let target = &check::canonical(target.clone());
        let began = Instant::now();
        let deadline = began + inner.settings.deadline;
        let (status, source) = match inner.skips(target) {
            Some(why) => (Status::Skipped(why), Source::Nowhere),
            None => match inner.begin(list, target, inner.at(began), deadline) {
                Begun::Known(status, source) => (status, source),
                Begun::Wait(flight) => {
                    let landed = flight.until(deadline).await;
                    (landed.status, landed.source)
                }
            },
        };
        let mut outcome = list.outcome(0, status, source);
        if inner.wants_reason(&outcome)
            && let Some(flight) = inner.begin_reason(list, target, inner.now(), deadline)
        {
            outcome.add_reason(&flight.until(deadline).await.status);
        }
        outcome
    }

    /// Begins a check now (when a client connects) that is collected later (when it names a
    /// recipient), which hides how long it takes. Outside a tokio runtime nothing is begun, and there
    /// is no report.
    pub fn prefetch(&self, targets: Vec<Target>) -> Ticket {
        let inner = self.0.clone();
        let check = async move { check::check(&inner, targets, inner.settings.deadline).await };
        Ticket(Handle::try_current().ok().map(|runtime| runtime.spawn(check)))
    }

    /// How far each list is believed, in the order in which they were given.
    pub fn health(&self) -> Vec<Health> {
        let now = self.0.now();
        self.0.lists.iter().map(|list| list.health(now)).collect()
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        let (counts, now) = (&self.0.counts, self.0.now());
        let zone = |list: &list::List| {
            let known = list.lock();
            let counters = ZoneCounters {
                zone: list.name().clone(),
                health: known.monitor.health(now),
                asked: known.asked,
                budget: known.budget.state(),
            };
            (counters, known.cache.len() as u64)
        };
        let (zones, entries): (Vec<_>, Vec<_>) = self.0.lists.iter().map(zone).unzip();
        Counters {
            checks: counts.checks.load(Relaxed),
            decided_early: counts.decided_early.load(Relaxed),
            cache_hits: counts.hits.load(Relaxed),
            cache_misses: counts.misses.load(Relaxed),
            coalesced: counts.coalesced.load(Relaxed),
            cache_entries: entries.iter().sum(),
            zones,
        }
    }
}

impl Ticket {
    /// The report, once it is there. `None` if the runtime shut down first.
    pub async fn report(mut self) -> Option<Report> {
        self.0.as_mut()?.await.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(check) = &self.0 {
            check.abort();
        }
    }
}

impl<T: Transport> Clone for Client<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Transport> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.lists.iter().map(list::List::name).collect();
        f.debug_struct("Client").field("zones", &names).finish_non_exhaustive()
    }
}
