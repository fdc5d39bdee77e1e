//! The parts that all clones of a client share.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    report::ZoneId,
    resolver::Resolver,
    settings::Settings,
    zone_client::ZoneClient,
    zone_state::{Effects, ZoneState},
};
use crate::{Event, Health, ResolverTrouble, Transport, Zone, health::ProbeResult};

/// The parts that all clones of a client share, each of which owns its state.
pub(super) struct Shared<T> {
    pub(super) settings: Settings,
    pub(super) zones: Vec<ZoneClient>,
    pub(super) transport: T,
    pub(super) resolver: Resolver,
    /// Wakes the task that probes.
    pub(super) wake: Arc<Notify>,
    pub(super) checks: AtomicU64,
    pub(super) decided_early: AtomicU64,
    /// Queries on their way.
    in_flight: AtomicUsize,
    /// How many queries there were, which gives each its place in their order.
    order: AtomicU64,
    /// The state file could not be written the last time.
    pub(super) state_unsaved: AtomicBool,
}

/// A place among the queries that may be on their way, given back when dropped.
pub(super) struct Permit<T>(pub(super) Arc<Shared<T>>);

impl<T> Shared<T> {
    pub(super) fn new(settings: Settings, zones: Vec<Zone>, transport: T) -> Self {
        let now = settings.now();
        let capacity = settings.cache.capacity.div_ceil(zones.len().max(1));
        let zones = (0..).zip(zones);
        Self {
            zones: zones
                .map(|(id, zone)| ZoneClient::new(ZoneId(id), zone, capacity, now))
                .collect(),
            settings,
            transport,
            resolver: Resolver::default(),
            wake: Arc::new(Notify::new()),
            checks: AtomicU64::new(0),
            decided_early: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            order: AtomicU64::new(0),
            state_unsaved: AtomicBool::new(false),
        }
    }

    /// The place of the next query in the order of all.
    pub(super) fn next_in_order(&self) -> u64 {
        self.order.fetch_add(1, SeqCst)
    }

    /// Makes room for a query and takes it from the budget of its zone. An error holds what an operator wants
    /// to know about that.
    pub(super) fn admit(
        self: &Arc<Self>,
        zone: &ZoneClient,
        state: &mut ZoneState,
        now: Instant,
    ) -> Result<Permit<T>, Option<Event>> {
        let before = self.in_flight.fetch_add(1, Relaxed);
        let permit = Permit(self.clone());
        if before >= self.settings.max_in_flight {
            return Err(None);
        }
        state.spend(&zone.zone, now).map(|()| permit)
    }

    /// What is wrong with the resolver, by a check that is at most so old.
    pub(super) async fn check_resolver(&self, max_age: Duration) -> Option<ResolverTrouble>
    where
        T: Transport,
    {
        self.resolver.check(&self.transport, &self.settings, max_age, random()).await
    }

    /// Records what a probe has found, where zones are probed.
    pub(super) fn record_probe(&self, zone: &ZoneClient, result: ProbeResult) {
        if self.settings.health_checks.probe() {
            let effects = zone.lock().record_probe(result, self.settings.now(), jitter());
            self.apply(zone, effects);
        }
    }

    /// Sees to what follows from a change of a zone's state.
    pub(super) fn apply(&self, zone: &ZoneClient, effects: Effects) {
        let Some((from, to)) = effects.health else { return };
        if matches!(to, Health::Suspect { .. } | Health::Down { .. }) {
            self.wake.notify_one();
        }
        self.settings.notify(Some(Event::Health { zone: zone.name().clone(), from, to }));
    }
}

impl<T> Drop for Shared<T> {
    /// The task that probes finds that nobody is left.
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl<T> Drop for Permit<T> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A random number from 0 to 1.
pub(super) fn jitter() -> f64 {
    f64::from(u32::from_ne_bytes(random())) / f64::from(u32::MAX)
}

/// Random octets; zeros where the system has none to give, which costs jitter and surprise only.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    let _ = getrandom::fill(&mut octets);
    octets
}
