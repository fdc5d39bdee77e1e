//! From a change to the first answer that shows it.

use std::{
    net::Ipv4Addr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;
use dnsbl_tests::Random;

use crate::{
    ask::Asker,
    data::Data,
    lab::Lab,
    pause::pause,
    report::{self, Table, time},
    servers::{Knot, Nsd, Rbldnsd, Server, Watched},
    stats::median_time,
};

/// How long a change may take.
const LIMIT: Duration = Duration::from_secs(300);
/// NSD and Knot take some 600 bytes a listing, so they get no longer list.
pub(crate) const LONGEST_ZONE: usize = 1_000_000;
/// Changes of a server that reads everything again, and of one that does not.
const RELOADS: usize = 5;
const CHANGES: usize = 100;

/// Times of changes, which list one address after the other, from when the operator has made one, sorted.
///
/// For a server with an API that is when the request is sent, for others when the file is there and
/// the server has been told.
pub(crate) fn times(
    server: &mut dyn Server,
    addresses: impl Iterator<Item = Ipv4Addr>,
) -> Result<Vec<Duration>> {
    let asker = Asker::new(server.program().addr())?;
    let mut random = Random::new(1);
    let mut times = Vec::new();
    for addr in addresses {
        if server.reloads() {
            // Servers see a file's time in whole seconds, and some look once a second.
            pause(Duration::from_millis(1000 + random.below(1000) as u64));
        }
        let begun = Instant::now();
        server.list(addr)?;
        asker.until_listed(addr, LIMIT)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

/// All servers at the sizes that they get.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let mut table = Table::new(&["", "listings", "changes", "median", "worst"]);
    for size in sizes(lab) {
        let data = lab.data(size)?;
        for mut server in servers(lab, &data)? {
            let changes = if server.reloads() { RELOADS } else { CHANGES };
            let times = times(server.as_mut(), data.fresh(2).take(changes))?;
            table.row([
                server.name().to_owned(),
                report::size(size),
                changes.to_string(),
                time(median_time(&times)),
                time(times.last().copied().unwrap_or_default()),
            ]);
        }
    }
    lab.report.section(
        "From a change to the answer that shows it",
        "dnsbl-server: from sending the request. rbldnsd: from the new file on; it looks once a \
         second. A watched file: from when it is begun to be written. NSD and Knot: from the signal to reload on.",
    )?;
    lab.report.table(&table)
}

/// The largest list, and the longest that zones are made of.
fn sizes(lab: &Lab) -> Vec<usize> {
    let zones = lab.sizes.iter().copied().filter(|&size| size <= LONGEST_ZONE).max();
    let mut sizes: Vec<usize> = zones.into_iter().chain([lab.large()]).collect();
    sizes.dedup();
    sizes
}

fn servers(lab: &mut Lab, data: &Rc<Data>) -> Result<Vec<Box<dyn Server>>> {
    let dir = lab.run_dir();
    let ours = lab.ours(data, 1)?;
    let rbldnsd = Rbldnsd::start(&lab.network, data, &dir)?;
    let mut servers: Vec<Box<dyn Server>> = vec![Box::new(rbldnsd), Box::new(ours)];
    if data.size() <= LONGEST_ZONE {
        servers.push(Box::new(Watched::start(&lab.network, data, &dir)?));
        servers.push(Box::new(Nsd::start(&lab.network, data, &dir)?));
        servers.push(Box::new(Knot::start(&lab.network, data, &dir)?));
    }
    Ok(servers)
}
