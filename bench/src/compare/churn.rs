//! Answers while listings change.

use std::{net::Ipv4Addr, rc::Rc, time::Instant};

use anyhow::Result;

use crate::{
    background::{Background, Pace, Stop, stop_all},
    data::Data,
    http::Connection,
    lab::Lab,
    load,
    measure::{full_load, medians, ratio},
    report::{self, Table, rate},
    servers::{Ours, Server},
    stats::median,
    usage,
};

/// Changes a second, over so many connections.
const CHANGES: f64 = 1000.0;
const CONNECTIONS: u64 = 16;
/// How many addresses each connection lists and takes off the list again.
const ADDRESSES: usize = 1000;
/// The share of the full rate at which no question may be lost.
const SHARE: f64 = 0.7;

/// Full load with and without changes in turns, then less load with changes.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.ours(&data, 1)?;
    ours.part_threads(&lab.network)?;
    let queries = data.queries();
    full_load(lab, &ours, &queries)?;
    let (mut calm, mut busy, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..lab.pairs {
        calm.push(full_load(lab, &ours, &queries)?);
        let churn = start(&ours, &data)?;
        busy.push(full_load(lab, &ours, &queries)?);
        made.push(stop_all(churn)?.iter().sum::<f64>());
    }
    let mut table = Table::new(&["", "answers/s", "user µs", "system µs"]);
    for (name, rounds) in [("no changes", &calm), ("with changes", &busy)] {
        let middle = medians(rounds);
        let [user, system] = [middle.user, middle.system].map(|time| format!("{time:.2}"));
        table.row([name.to_owned(), rate(middle.rate), user, system]);
    }
    let text = format!(
        "{} listings; {} changes a second were meant, {} were made, over {CONNECTIONS} \
         connections to the HTTP API. The worker has the first core for itself; all that changes \
         listings shares the other with the generator. Medians of {} rounds.",
        report::size(data.size()),
        rate(CHANGES),
        rate(median(made)),
        lab.pairs
    );
    lab.report.section("While listings change", &text)?;
    lab.report.table(&table)?;
    let kept = ratio(&busy, &calm, |m| m.rate);
    lab.report.finding(
        "answers/s, with to without changes",
        &report::ratio(kept),
        "at least 0.95",
    )?;
    losses(lab, &ours, &data, medians(&calm).rate * SHARE)
}

/// What is lost below full load while listings change.
fn losses(lab: &mut Lab, ours: &Ours, data: &Rc<Data>, rate: f64) -> Result<()> {
    let churn = start(ours, data)?;
    let before = usage::socket_drops()?;
    let (addr, queries) = (ours.program().addr(), data.queries());
    let seen = load::start(&lab.network, addr, &queries, rate as u64, lab.duration)?.finish()?;
    let dropped = usage::socket_drops()? - before;
    stop_all(churn)?;
    let value = format!(
        "{} of {} without an answer, of which {dropped} dropped at the server's socket",
        report::rate(seen.sent as f64 - seen.replies as f64),
        report::rate(seen.sent as f64)
    );
    let what = format!("at {:.0} % of full load ({}/s)", SHARE * 100.0, report::rate(rate));
    lab.report.finding(&what, &value, "0")
}

/// Begins to change listings; each connection gives how many changes a second it made.
fn start(ours: &Ours, data: &Data) -> Result<Vec<Background<f64>>> {
    (0..CONNECTIONS)
        .map(|i| {
            let mut connection = ours.connect()?;
            let addresses: Vec<_> = data.fresh(100 + i).take(ADDRESSES).collect();
            Ok(Background::start(move |stop| change(&mut connection, &addresses, stop)))
        })
        .collect()
}

fn change(connection: &mut Connection, addresses: &[Ipv4Addr], stop: &Stop) -> Result<f64> {
    let (mut pace, mut changes) = (Pace::new(CHANGES / CONNECTIONS as f64), 0);
    let begun = Instant::now();
    for &addr in addresses.iter().cycle() {
        pace.wait();
        connection.list(addr)?;
        pace.wait();
        connection.unlist(addr)?;
        changes += 2;
        if stop.is_set() {
            break;
        }
    }
    Ok(f64::from(changes) / begun.elapsed().as_secs_f64())
}
