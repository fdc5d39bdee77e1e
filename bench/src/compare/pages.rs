//! What visitors of the pages take from the answers, and how long pages take.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    background::{Background, Pace, stop_all},
    crowd::Crowd,
    data::Data,
    http::Connection,
    lab::Lab,
    measure::{full_load, medians, ratio},
    programs,
    report::{self, Table, rate, time},
    servers::Ours,
    stats::quantile,
};

/// Lookups a second, over so many connections that are kept.
const LOOKUPS: f64 = 1000.0;
const CONNECTIONS: usize = 16;
/// How many different addresses each connection looks up.
const ADDRESSES: usize = 1000;
/// Visitors that need minutes for a request.
const SLOW: usize = 5000;
/// How often each page is asked for by itself.
const TIMES: usize = 51;

/// As it comes, but for the limit of a network: here all visitors are one.
const CONFIG: &str = "[web]\nlisten = \"127.0.0.1:0\"\nrequests-per-second = 0\n\
                      connections-per-network = 64\n";

/// Each page by itself; then full load of questions without visitors, with 1,000 lookups a second, and with slow visitors as well.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.variant(&data, "pages", &programs::ours("dnsbl-server")?, CONFIG)?;
    ours.part_threads(&lab.network)?;
    alone(lab, &ours, &data)?;
    let queries = data.queries();
    full_load(lab, &ours, &queries)?;
    let (mut calm, mut visited, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
    let (mut lookups, mut among) = (Looked::default(), Looked::default());
    for _ in 0..lab.pairs {
        calm.push(full_load(lab, &ours, &queries)?);
        let visitors = visit(&ours, &data)?;
        visited.push(full_load(lab, &ours, &queries)?);
        lookups.add(stop_all(visitors)?);
        let crowd = Crowd::gather(ours.web()?, SLOW)?;
        let visitors = visit(&ours, &data)?;
        crowded.push(full_load(lab, &ours, &queries)?);
        among.add(stop_all(visitors)?);
        crowd.leave()?;
    }
    let mut table = Table::new(&["", "answers/s", "lookups/s", "p50", "p99", "worst"]);
    for (name, rounds, looked) in [
        ("no visitors", &calm, &Looked::default()),
        ("lookups", &visited, &lookups),
        ("lookups among slow visitors", &crowded, &among),
    ] {
        let answers = rate(medians(rounds).rate);
        table.row([name.to_owned(), answers].into_iter().chain(looked.cells()));
    }
    let text = format!(
        "{} listings; {} lookups a second were meant, over {CONNECTIONS} connections. {} slow visitors send an octet of a \
         request every second, and come again when they are sent away. The worker that answers DNS has the first core for itself; pages, \
         visitors and generator share the other. Medians of {} rounds.",
        report::size(data.size()),
        rate(LOOKUPS),
        rate(SLOW as f64),
        lab.pairs
    );
    lab.report.section("Visitors of the pages", &text)?;
    lab.report.table(&table)?;
    for (what, rounds) in [("lookups", &visited), ("lookups and slow visitors", &crowded)] {
        let what = format!("answers/s, with {what} to without");
        lab.report.finding(
            &what,
            &report::ratio(ratio(rounds, &calm, |m| m.rate)),
            "at least 0.95",
        )?;
    }
    Ok(())
}

/// How long each page takes when nothing else is asked.
fn alone(lab: &mut Lab, ours: &Ours, data: &Data) -> Result<()> {
    let listed = data.listed().context("a list has an address")?;
    let unlisted = data.fresh(1).next().context("there is another address")?;
    let pages: Vec<String> = ["", "policy", "use", "faq", "glossary", "stats", "status", "nothing"]
        .into_iter()
        .map(str::to_owned)
        .chain([listed, unlisted].map(|addr| format!("lookup/{addr}")))
        .collect();
    let mut connection = Connection::visit(ours.web()?)?;
    let mut table = Table::new(&["page", "KB", "p50", "p99", "worst"]);
    for page in pages {
        let path = format!("/ja/{page}");
        let (mut times, mut size) = (Vec::with_capacity(TIMES), 0);
        for _ in 0..TIMES {
            let begun = Instant::now();
            size = connection.look(&path)?;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| time(quantile(&times, share)));
        table.row([path, format!("{:.1}", size as f64 / 1e3), p50, p99, worst]);
    }
    let text = format!(
        "Each {TIMES} times over one connection, beside {} listings; at most 20 ms are meant.",
        report::size(data.size())
    );
    lab.report.section("Pages", &text)?;
    lab.report.table(&table)
}

/// Begins to look up; each connection gives how long that took each time.
fn visit(ours: &Ours, data: &Data) -> Result<Vec<Background<Looked>>> {
    let server = ours.web()?;
    (0..CONNECTIONS)
        .map(|number| {
            let addresses: Vec<_> = data.fresh(200 + number as u64).take(ADDRESSES).collect();
            Ok(Background::start(move |stop| {
                let mut looked = Looked::begin();
                let (mut pace, mut connection) =
                    (Pace::new(LOOKUPS / CONNECTIONS as f64), Connection::visit(server)?);
                for addr in addresses.into_iter().cycle() {
                    if stop.is_set() {
                        break;
                    }
                    pace.wait();
                    look_up(&mut connection, server, addr, &mut looked)?;
                }
                Ok(looked.end())
            }))
        })
        .collect()
}

/// Looks an address up, over another connection where the server has ended this one.
fn look_up(
    connection: &mut Connection,
    server: SocketAddr,
    addr: Ipv4Addr,
    looked: &mut Looked,
) -> Result<()> {
    let (begun, path) = (Instant::now(), format!("/en/lookup/{addr}"));
    if connection.look(&path).is_err() {
        *connection = Connection::visit(server)?;
        connection.look(&path)?;
    }
    looked.times.push(begun.elapsed());
    Ok(())
}

/// Lookups, and for how long they were made.
#[derive(Default)]
struct Looked {
    times: Vec<Duration>,
    began: Option<Instant>,
    seconds: f64,
}

impl Looked {
    fn begin() -> Self {
        Self { began: Some(Instant::now()), ..Self::default() }
    }

    fn end(mut self) -> Self {
        self.seconds = self.began.map_or(0.0, |began| began.elapsed().as_secs_f64());
        self
    }

    /// Adds what several connections did at once.
    fn add(&mut self, of_connections: Vec<Self>) {
        self.seconds += of_connections.iter().map(|one| one.seconds).fold(0.0, f64::max);
        self.times.extend(of_connections.into_iter().flat_map(|one| one.times));
        self.times.sort_unstable();
    }

    fn cells(&self) -> [String; 4] {
        if self.times.is_empty() {
            return Default::default();
        }
        let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| time(quantile(&self.times, share)));
        [rate(self.times.len() as f64 / self.seconds), p50, p99, worst]
    }
}
