//! One table: all servers at all sizes, on the same core.

use std::time::Duration;

use anyhow::Result;

use super::change::{self, LONGEST_ZONE};
use crate::{
    data::Data,
    lab::Lab,
    measure::full_load,
    report::{self, Table, mebibytes, rate, time},
    servers::{Echo, Knot, Nsd, Rbldnsd, Server},
    stats::median_time,
    usage,
};

const COLUMNS: [&str; 9] = [
    "listings",
    "server",
    "answers/s",
    "to rbldnsd",
    "user µs",
    "system µs",
    "memory MiB",
    "load",
    "change",
];
/// Changes whose times are measured.
const CHANGES: usize = 3;

/// Measures all.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let mut table = Table::new(&COLUMNS);
    for size in lab.sizes.clone() {
        let data = lab.data(size)?;
        let rbldnsd = Rbldnsd::start(&lab.network, &data, &lab.run_dir())?;
        let base = row(lab, &mut table, &data, rbldnsd, None)?;
        let ours = lab.ours(&data, 1)?;
        row(lab, &mut table, &data, ours, Some(base))?;
        if size <= LONGEST_ZONE {
            let nsd = Nsd::start(&lab.network, &data, &lab.run_dir())?;
            row(lab, &mut table, &data, nsd, Some(base))?;
            let knot = Knot::start(&lab.network, &data, &lab.run_dir())?;
            row(lab, &mut table, &data, knot, Some(base))?;
        }
        let echo = Echo::start(&lab.network, 1)?;
        row(lab, &mut table, &data, echo, Some(base))?;
    }
    let text = format!(
        "Each server alone on one core, with one worker, asked for {:?} after a round that does not \
         count; 30 % of the questions are for listed addresses, 10 % for TXT. User and system: \
         processor time an answer. Memory: resident, after loading. Load: from start to the first \
         answer from the list (dnsbl-server: from its store). Change: from a change to the answer \
         that shows it, median of {CHANGES}. NSD and Knot take some 600 bytes a listing; they get \
         at most 1 M.",
        lab.duration
    );
    lab.report.section("Overview", &text)?;
    lab.report.table(&table)?;
    imports(lab)
}

/// Measures a server that has just been started, and ends it. Gives its answers a second.
fn row(
    lab: &Lab,
    table: &mut Table,
    data: &Data,
    mut server: impl Server,
    base: Option<f64>,
) -> Result<f64> {
    eprintln!("bench: {} with {}", server.name(), report::size(data.size()));
    let memory = usage::memory(server.program().id())?;
    full_load(lab, &server, &data.queries())?;
    let measured = full_load(lab, &server, &data.queries())?;
    let [load, change] = if server.has_lists() {
        let times = change::times(&mut server, data.fresh(4).take(CHANGES))?;
        [server.program().load_time(), median_time(&times)].map(time)
    } else {
        [String::new(), String::new()]
    };
    table.row([
        report::size(data.size()),
        server.name().to_owned(),
        rate(measured.rate),
        report::ratio(measured.rate / base.unwrap_or(measured.rate)),
        format!("{:.2}", measured.user),
        format!("{:.2}", measured.system),
        mebibytes(memory),
        load,
        change,
    ]);
    Ok(measured.rate)
}

/// How long the lists took that our server had imported.
fn imports(lab: &mut Lab) -> Result<()> {
    let mut times: Vec<(usize, Duration)> = Vec::new();
    for size in lab.sizes.clone() {
        let data = lab.data(size)?;
        times.extend(lab.import_time(&data).map(|took| (size, took)));
    }
    let times: Vec<String> = times
        .iter()
        .map(|(size, took)| format!("{} in {}", report::size(*size), time(*took)))
        .collect();
    lab.report.finding("imports into dnsbl-server over HTTP", &times.join(", "), "")
}
