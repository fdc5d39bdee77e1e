//! hickory-resolver as it comes, but without its cache and its hosts file.

use std::{net::IpAddr, time::Instant};

use anyhow::{Result, bail};
use dnsbl_types::{Name, query_name};
use futures_util::{StreamExt, future::join_all, stream};
use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{Name as HickoryName, RecordType},
};

use crate::{
    options::{Mode, Options, Subject},
    ours::all_equal,
    tally::{Outcome, Tally},
};

/// Each address in one list or in all.
pub(crate) async fn run(options: &Options, subjects: &[Subject]) -> Result<Tally> {
    let resolver = resolver(options)?;
    let zones: Vec<Name> =
        options.zones.iter().map(|zone| zone.parse()).collect::<Result<_, _>>()?;
    let (zones, at_once) = match options.mode {
        Mode::Bulk => (&zones[..1], options.in_flight),
        Mode::Check => (&*zones, 1),
        Mode::Dead => bail!("it has no verdict"),
    };
    let ask = async |addr, zone| -> Option<bool> {
        let name = query_name::encode(IpAddr::V4(addr), zone).ok()?;
        let name = HickoryName::from_labels(name.labels()).ok()?;
        match resolver.lookup(name, RecordType::A).await {
            Ok(lookup) => Some(!lookup.answers().is_empty()),
            Err(err) if err.is_no_records_found() => Some(false),
            Err(_) => None,
        }
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
    Ok(tally)
}

fn resolver(options: &Options) -> Result<TokioResolver> {
    let mut server = NameServerConfig::udp(options.server.ip());
    for connection in &mut server.connections {
        connection.port = options.server.port();
    }
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let settings = builder.options_mut();
    settings.cache_size = 0;
    settings.use_hosts_file = ResolveHosts::Never;
    Ok(builder.build()?)
}
