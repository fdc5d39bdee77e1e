//! Asking several zones at once.
//!
//! `check.rs` is a verdict over all zones and `lookup.rs` the way of one question: may it be asked, is it
//! remembered, does somebody ask it (`single_flight.rs`), `query.rs` over the transport and to confirm it, and
//! `zone_state.rs` records it. `probes.rs` runs beside.

mod blocking;
mod builder;
mod check;
mod lookup;
mod probes;
mod query;
mod report;
mod resolver;
mod settings;
mod shared;
mod single_flight;
mod state_file;
mod zone_client;
mod zone_state;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use futures_util::{Stream, stream::FuturesUnordered};
use tokio::{runtime::Handle, task::JoinHandle};

pub use self::{
    blocking::BlockingClient,
    builder::ClientBuilder,
    report::{Outcome, Report, Source, ZoneId},
    settings::{HealthChecks, SpecialUse},
};
use self::{lookup::Timer, shared::Shared, zone_client::ZoneClient, zone_state::LookupResult};
use crate::{
    ClientError, Counters, Health, ProbeReport, ResolverTrouble, Target, Transport, Udp, Zone,
};

/// A client of block lists. It is cheap to clone; all clones share memory and transport, and serve any
/// number of checks at once.
///
/// It runs inside a tokio runtime with time (and, for [`Udp`], IO) enabled. Addresses of special use,
/// among them those of documentation such as 192.0.2.99, are skipped unless
/// [`ClientBuilder::special_use`] says otherwise.
pub struct Client<T: Transport = Udp>(Arc<Shared<T>>);

/// A check that was begun and is collected later. Dropping it ends the check.
#[derive(Debug)]
pub struct Ticket(Option<JoinHandle<Report>>);

impl<T: Transport> Client<T> {
    fn new(
        settings: settings::Settings,
        zones: Vec<Zone>,
        transport: T,
        manual_probing: bool,
    ) -> Result<Self, ClientError> {
        let shared = Arc::new(Shared::new(settings, zones, transport));
        state_file::restore(&shared);
        if shared.settings.health_checks.probe() && !manual_probing {
            let runtime = Handle::try_current().map_err(|_| ClientError::NoRuntime)?;
            runtime.spawn(probes::probe_loop(Arc::downgrade(&shared)));
        }
        Ok(Self(shared))
    }

    /// The zones, in the order in which they were given.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &Zone> {
        self.0.zones.iter().map(|zone| &zone.zone)
    }

    /// Which of the zones has this place.
    pub fn zone_id(&self, index: usize) -> Option<ZoneId> {
        self.0.zones.get(index).map(|zone| zone.id)
    }

    /// Asks all zones at once and waits for them: until the verdict is certain, at most until the
    /// deadline.
    ///
    /// It can't fail: whatever goes wrong with a zone is its status.
    pub async fn check(&self, target: impl Into<Target>) -> Report {
        self.check_all(&[target.into()]).await
    }

    /// As [`Self::check`], of several targets with one verdict: the address of a client, the domain of
    /// its HELO, the sender. Each zone is asked about those that fit it; equal ones count once.
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
        let pairs = check::pairs(&self.0.zones, &targets);
        let asked = pairs.into_iter().map(|(target, zone)| {
            let (client, asked) = (self.clone(), targets[target].clone());
            async move {
                let outcome = client.lookup(client.0.zones[zone].id, &asked).await;
                Outcome { target, ..outcome }
            }
        });
        asked.collect::<FuturesUnordered<_>>()
    }

    /// What one zone says, without a verdict.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more zones.
    pub async fn lookup(&self, zone: ZoneId, target: &Target) -> Outcome {
        let (shared, zone) = (&self.0, &self.0.zones[zone.index()]);
        let target = check::canonical(target.clone());
        let began = Instant::now();
        let deadline = began + shared.settings.deadline;
        if let Some(why) = shared.settings.skips(&target) {
            return zone.outcome(0, LookupResult::skipped(why));
        }
        let result =
            lookup::lookup(shared, zone, target.clone(), began, deadline, Timer::Own).await;
        let mut outcome = zone.outcome(0, result);
        if check::lacks_reason(zone, &outcome) {
            let reason = lookup::reason(shared, zone, target, deadline, Timer::Own).await;
            outcome.add_reason(reason);
        }
        outcome
    }

    /// Begins a check now (when a client connects) that is collected later (when it names a
    /// recipient), which hides how long it takes. Outside a tokio runtime nothing is begun, and there
    /// is no report.
    pub fn prefetch(&self, targets: Vec<Target>) -> Ticket {
        let shared = self.0.clone();
        let check = async move { check::check(&shared, targets, shared.settings.deadline).await };
        Ticket(Handle::try_current().ok().map(|runtime| runtime.spawn(check)))
    }

    /// Probes the zones whose time has come, where zones are probed, and writes the state file. A task
    /// does so unless [`ClientBuilder::manual_probing`] was called.
    pub async fn run_probes(&self) {
        if self.0.settings.health_checks.probe() {
            probes::run_probes(&self.0).await;
            state_file::save(&self.0);
        }
    }

    /// Probes a zone now, all points of it (RFC 5782 section 5), whatever its health, which changes by
    /// what is found.
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more zones.
    pub async fn probe(&self, zone: ZoneId) -> ProbeReport {
        probes::probe(&self.0, &self.0.zones[zone.index()]).await
    }

    /// What is wrong with the resolver, as far as the zones gave reason to check it.
    pub fn resolver_trouble(&self) -> Option<ResolverTrouble> {
        self.0.resolver.trouble()
    }

    /// How far each zone is believed, in the order in which they were given.
    pub fn health(&self) -> Vec<Health> {
        let now = self.0.settings.now();
        self.0.zones.iter().map(|zone| zone.health(now)).collect()
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        let now = self.0.settings.now();
        let mut counters = Counters {
            checks: self.0.checks.load(Relaxed),
            decided_early: self.0.decided_early.load(Relaxed),
            ..Counters::default()
        };
        for zone in &self.0.zones {
            let state = zone.lock();
            let [hits, misses, entries] = state.cache_counters();
            counters.cache_hits += hits;
            counters.cache_misses += misses;
            counters.cache_entries += entries;
            counters.coalesced += zone.answers.coalesced();
            counters.zones.push(state.counters(&zone.zone, now));
        }
        counters
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
        let names: Vec<_> = self.0.zones.iter().map(ZoneClient::name).collect();
        f.debug_struct("Client").field("zones", &names).finish_non_exhaustive()
    }
}
