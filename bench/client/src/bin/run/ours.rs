//! The client of this repository, and its transport alone.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use dnsbl_client::{
    CacheLimits, Client, HealthChecks, QueryType, Question, Report, Resolvers, Status, Target,
    Transport, TxtMode, Udp, Zone,
};
use dnsbl_types::{Name, query_name};
use futures_util::{StreamExt, future::join_all, stream};

use crate::{
    options::{Mode, Options, Subject},
    tally::{Outcome, Tally},
};

/// How long the transport may take, which has no deadline of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// As users have it, but for TXT, which the others do not ask either.
pub(crate) async fn client(options: &Options, subjects: &[Subject]) -> Result<Tally> {
    let resolvers = Resolvers::Given(vec![options.server]);
    let transport = Arc::new(Udp::new(&resolvers)?);
    let mut cache = CacheLimits::default();
    cache.capacity = 0;
    let builder =
        Client::builder().zones(zones(options)?).health_checks(HealthChecks::Off).cache(cache);
    let client = builder.early_exit(false).build_with(Shared(transport.clone()))?;
    let mut tally = Tally::begin(subjects.len());
    match options.mode {
        Mode::Bulk => {
            let zone = client.zone_id(0).context("no zone")?;
            let lookups = stream::iter(subjects).map(async |&(addr, expected)| {
                let began = Instant::now();
                let outcome = client.lookup(zone, &Target::from(IpAddr::V4(addr))).await;
                Outcome { listed: listed(&outcome.status), expected, took: began.elapsed() }
            });
            let mut lookups = lookups.buffer_unordered(options.in_flight);
            while let Some(outcome) = lookups.next().await {
                tally.add(&outcome, 1);
            }
        }
        Mode::Check | Mode::Dead => {
            let alive = options.zones.len() - usize::from(matches!(options.mode, Mode::Dead));
            let checks = stream::iter(subjects).map(async |&(addr, expected)| {
                let began = Instant::now();
                let report = client.check(IpAddr::V4(addr)).await;
                Outcome { listed: verdict(&report, alive), expected, took: began.elapsed() }
            });
            let at_once = if matches!(options.mode, Mode::Check) { 1 } else { options.in_flight };
            let mut checks = checks.buffer_unordered(at_once);
            while let Some(outcome) = checks.next().await {
                tally.add(&outcome, options.zones.len());
            }
        }
    }
    tally.again = Some(transport.counts().sent_again);
    Ok(tally)
}

/// Only names out, and records in.
pub(crate) async fn transport(options: &Options, subjects: &[Subject]) -> Result<Tally> {
    let transport = Udp::new(&Resolvers::Given(vec![options.server]))?;
    let zones: Vec<Name> =
        options.zones.iter().map(|zone| zone.parse()).collect::<Result<_, _>>()?;
    let ask = async |addr, zone| -> Option<bool> {
        let name = query_name::encode(IpAddr::V4(addr), zone).ok()?;
        let question = Question { name, rtype: QueryType::A };
        let answer = transport.ask(&question, Instant::now() + PATIENCE).await.ok()?;
        matches!(answer.rcode, 0 | 3).then(|| !answer.addresses.is_empty())
    };
    let (zones, at_once) = match options.mode {
        Mode::Bulk => (&zones[..1], options.in_flight),
        Mode::Check => (&*zones, 1),
        Mode::Dead => (&*zones, options.in_flight),
    };
    let mut tally = Tally::begin(subjects.len());
    let lookups = stream::iter(subjects).map(async |&(addr, expected)| {
        let began = Instant::now();
        let listed = match zones {
            [zone] => ask(addr, zone).await,
            zones => all_equal(join_all(zones.iter().map(|zone| ask(addr, zone))).await),
        };
        Outcome { listed, expected, took: began.elapsed() }
    });
    let mut lookups = lookups.buffer_unordered(at_once);
    while let Some(outcome) = lookups.next().await {
        tally.add(&outcome, zones.len());
    }
    drop(lookups);
    tally.again = Some(transport.counts().sent_again);
    Ok(tally)
}

fn zones(options: &Options) -> Result<Vec<Zone>> {
    let zones = options.zones.iter();
    zones.map(|zone| Ok(Zone::addresses(zone.parse()?).txt(TxtMode::Never))).collect()
}

fn listed(status: &Status) -> Option<bool> {
    status.is_verdict().then(|| status.listing().is_some())
}

/// What the lists say that are alive, if they agree.
fn verdict(report: &Report, alive: usize) -> Option<bool> {
    all_equal(report.outcomes[..alive].iter().map(|outcome| listed(&outcome.status)))
}

/// The one value of all.
pub(crate) fn all_equal(values: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut values = values.into_iter();
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}

/// A transport that its maker keeps an eye on.
struct Shared(Arc<Udp>);

impl Transport for Shared {
    fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> impl Future<Output = Result<dnsbl_client::Answer, dnsbl_client::Failure>> + Send {
        self.0.ask(question, deadline)
    }
}
