//! Clients of fake servers, and the clock that tests turn.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use dnsbl_client::{
    Client, ClientBuilder, Clock, Event, HealthChecks, Listing, Observer, Outcome, Resolvers,
    SpecialUse, Status, Zone,
};

use crate::fake::Fake;

/// More than enough on loopback.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// A client without zones that asks this server and no other, and probes nothing.
pub(crate) fn asking(fake: &Fake) -> ClientBuilder {
    Client::builder()
        .resolvers(Resolvers::Given(vec![fake.addr]))
        .deadline(LONG)
        .special_use(SpecialUse::AskDocumentation)
        .health_checks(HealthChecks::Off)
}

/// The same, which probes when the test says so.
pub(crate) fn watching(fake: &Fake, time: &Time) -> ClientBuilder {
    asking(fake).health_checks(HealthChecks::Passive).manual_probing().clock(time.clock())
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::addresses(name.parse().unwrap())
}

pub(crate) fn domains(name: &str) -> Zone {
    Zone::domains(name.parse().unwrap())
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The n-th of many addresses of the public Internet.
pub(crate) fn nth(n: u32) -> IpAddr {
    IpAddr::from(0x0808_0000_u32.wrapping_add(n).to_be_bytes())
}

/// What one list says about 192.0.2.99.
pub(crate) async fn outcome(fake: &Fake, zone: Zone) -> Outcome {
    let client = asking(fake).zone(zone).build().unwrap();
    client.check(ip("192.0.2.99")).await.outcomes.remove(0)
}

pub(crate) async fn status(fake: &Fake, zone: Zone) -> Status {
    outcome(fake, zone).await.status
}

pub(crate) fn listing(status: &Status) -> &Listing {
    status.listing().unwrap()
}

/// Time that passes when a test says so.
#[derive(Clone)]
pub(crate) struct Time {
    began: Instant,
    seconds: Arc<AtomicU64>,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now() + Duration::from_secs(1 << 20), seconds: Arc::default() }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.seconds.fetch_add(time.as_secs(), Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.began + Duration::from_secs(time.seconds.load(Relaxed)))
    }
}

/// Remembers what a client tells.
#[derive(Default)]
pub(crate) struct Ears(Mutex<Vec<Event>>);

impl Ears {
    pub(crate) fn heard(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Ears {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}
