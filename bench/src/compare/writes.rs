//! Durable writes and logins a second over the HTTP API.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    background::{Background, stop_all},
    data::Data,
    histogram::Histogram,
    http::Connection,
    lab::Lab,
    load::{self, FULL_RATE, Seen},
    pause::pause,
    report::{self, Table, rate, time},
    servers::{Ours, Server},
    stats::quantile,
};

/// Clients, each with a connection that it keeps.
pub(super) const CLIENTS: usize = 64;
/// The same of those that report logins.
const LOGIN_CLIENTS: usize = 120;
/// More writes than a client makes in a second.
const MOST: usize = 1000;
const COLUMNS: [&str; 7] =
    ["", "writes/s", "p50", "p99", "worst", "commit to visible p99", "answers/s meanwhile"];

/// What clients do, and how often at once.
#[derive(Clone, Copy)]
struct Work {
    clients: usize,
    request: fn(&mut Connection, Ipv4Addr) -> Result<()>,
}

/// Listings alone, then under full load of questions.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let work = Work { clients: CLIENTS, request: Connection::list };
    let text = format!("{CLIENTS} clients put distinct listings beside");
    compare(lab, work, "Writes", &text)
}

/// Listings a second that nobody asks for meanwhile; each round lists others.
pub(super) fn listings_a_second(lab: &Lab, ours: &Ours, data: &Data, round: u64) -> Result<f64> {
    let work = Work { clients: CLIENTS, request: Connection::list };
    let begun = Instant::now();
    let clients = start(ours, data, work, round, lab.duration)?;
    pause(lab.duration);
    let written = stop_all(clients)?.into_iter().flatten().count();
    Ok(written as f64 / begun.elapsed().as_secs_f64())
}

/// Logins alone, then under full load of questions.
pub(crate) fn logins(lab: &mut Lab) -> Result<()> {
    let work = Work { clients: LOGIN_CLIENTS, request: Connection::log_in };
    let text = format!("{LOGIN_CLIENTS} clients report logins from distinct addresses beside");
    compare(lab, work, "Logins", &text)
}

fn compare(lab: &mut Lab, work: Work, title: &str, what: &str) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.ours(&data, 0)?;
    ours.make_allow_zone()?;
    let mut table = Table::new(&COLUMNS);
    for (round, name) in ["no questions", "under full load"].into_iter().enumerate() {
        row(lab, &ours, &data, &mut table, (work, round as u64, name))?;
    }
    let text = format!(
        "{what} {}, each over a connection of its own, one \
         after the other; all cores. Commit to visible: the bound of the bucket of the server's \
         own metric.",
        report::size(data.size())
    );
    lab.report.section(title, &text)?;
    lab.report.table(&table)
}

fn row(
    lab: &Lab,
    ours: &Ours,
    data: &Data,
    table: &mut Table,
    (work, round, name): (Work, u64, &str),
) -> Result<()> {
    let before = visible(ours)?;
    let begun = Instant::now();
    let clients = start(ours, data, work, round, lab.duration)?;
    let seen = if round == 0 { rest(lab) } else { ask(lab, ours, data)? };
    let times = stop_all(clients)?;
    let took = begun.elapsed();
    let visible = visible(ours)?.quantile_since(&before, 0.99);
    let mut times: Vec<Duration> = times.into_iter().flatten().collect();
    times.sort_unstable();
    let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| time(quantile(&times, share)));
    table.row([
        name.to_owned(),
        rate(times.len() as f64 / took.as_secs_f64()),
        p50,
        p99,
        worst,
        visible.map_or("beyond the last bucket".to_owned(), |bound| format!("≤ {}", time(bound))),
        seen.map_or(String::new(), |seen| rate(seen.rate())),
    ]);
    Ok(())
}

fn rest(lab: &Lab) -> Option<Seen> {
    pause(lab.duration);
    None
}

fn ask(lab: &Lab, ours: &Ours, data: &Data) -> Result<Option<Seen>> {
    let (addr, queries) = (ours.program().addr(), data.queries());
    load::start(&lab.network, addr, &queries, FULL_RATE, lab.duration)?.finish().map(Some)
}

fn visible(ours: &Ours) -> Result<Histogram> {
    Histogram::read(&ours.metrics()?, "dnsbl_commit_to_visible_seconds")
}

/// Begins to write; each client gives how long each of its writes took.
fn start(
    ours: &Ours,
    data: &Data,
    work: Work,
    round: u64,
    duration: Duration,
) -> Result<Vec<Background<Vec<Duration>>>> {
    let count = MOST * (duration.as_secs() as usize + 1);
    let mut fresh = data.fresh(1000 + round);
    let mut client = || {
        let mut connection = ours.connect()?;
        let addresses: Vec<_> = fresh.by_ref().take(count).collect();
        Ok(Background::start(move |stop| {
            let mut times = Vec::new();
            for addr in addresses {
                if stop.is_set() {
                    return Ok(times);
                }
                let begun = Instant::now();
                (work.request)(&mut connection, addr).context("writing")?;
                times.push(begun.elapsed());
            }
            Ok(times)
        }))
    };
    (0..work.clients).map(|_| client()).collect()
}
