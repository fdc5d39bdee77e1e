//! What visitors of the pages take from the answers, and how long pages take.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    background::{Background, Pace, stop_all},
    crowd::{Crowd, connect_from},
    data::Data,
    http::Connection,
    lab::Lab,
    measure::{Measured, full_load},
    programs,
    report::{self, Table, rate, time},
    servers::Ours,
    stats::{median, quantile},
};

/// Lookups a second, by so many visitors.
const LOOKUPS: f64 = 1000.0;
const VISITORS: usize = 16;
/// The addresses of visitors begin with 127 and this.
const BLOCK: u8 = 3;
/// How many different addresses each visitor looks up.
const ADDRESSES: usize = 1000;
/// Visitors that need minutes for a request.
const SLOW: usize = 5000;
/// How often each page is asked for by itself.
const TIMES: usize = 51;

const COLUMNS: [&str; 8] =
    ["", "answers/s", "in a second of the worker", "lookups/s", "p50", "p99", "worst", "refused"];

/// As it comes, but for how many requests a network may make.
const CONFIG: &str = "[web]\nlisten = \"127.0.0.1:0\"\nrequests-per-second = 0\n";

/// Each page by itself; then full load of questions without visitors, with 1,000 lookups a second, and with slow visitors as well.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.variant(&data, "pages", &programs::ours("dnsbl-server")?, CONFIG)?;
    ours.part_threads(&lab.network)?;
    alone(lab, &ours, &data)?;
    let queries = data.queries();
    load(lab, &ours, &queries)?;
    let (mut calm, mut visited, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
    let (mut lookups, mut among) = (Looked::default(), Looked::default());
    for _ in 0..lab.pairs {
        calm.push(load(lab, &ours, &queries)?);
        let visitors = visit(&ours, &data)?;
        visited.push(load(lab, &ours, &queries)?);
        lookups.add(stop_all(visitors)?);
        let crowd = Crowd::gather(ours.web()?, SLOW)?;
        let visitors = visit(&ours, &data)?;
        crowded.push(load(lab, &ours, &queries)?);
        among.add(stop_all(visitors)?);
        crowd.leave()?;
    }
    let mut table = Table::new(&COLUMNS);
    for (name, rounds, looked) in [
        ("no visitors", &calm, &Looked::default()),
        ("lookups", &visited, &lookups),
        ("lookups among slow visitors", &crowded, &among),
    ] {
        let answers = [|round: &Round| round.rate, |round: &Round| round.of_worker];
        let answers = answers.map(|pick| rate(median(rounds.iter().map(pick))));
        table.row([name.to_owned()].into_iter().chain(answers).chain(looked.cells()));
    }
    let text = format!(
        "{} listings; {} lookups a second were meant, by {VISITORS} visitors. {} slow visitors send an octet of a \
         request every second, and come again when they are sent away. The worker that answers DNS has the first core for itself; pages, \
         visitors and generator share the other, so that the generator offers less beside visitors: what the worker can do is \
         told by the answers in a second of its own processor time. Medians of {} rounds.",
        report::size(data.size()),
        rate(LOOKUPS),
        rate(SLOW as f64),
        lab.pairs
    );
    lab.report.section("Visitors of the pages", &text)?;
    lab.report.table(&table)?;
    for (what, rounds) in [("lookups", &visited), ("lookups and slow visitors", &crowded)] {
        let what = format!("answers in a second of the worker, with {what} to without");
        let ratios =
            rounds.iter().zip(&calm).map(|(with, without)| with.of_worker / without.of_worker);
        lab.report.finding(&what, &report::ratio(median(ratios)), "at least 0.95")?;
    }
    Ok(())
}

/// What the worker did in one round.
struct Round {
    /// Answers a second.
    rate: f64,
    /// Answers in a second of its processor time.
    of_worker: f64,
}

fn load(lab: &Lab, ours: &Ours, queries: &Path) -> Result<Round> {
    let before = ours.workers_time()?;
    let Measured { answers, rate, .. } = full_load(lab, ours, queries)?;
    let busy = ours.workers_time()? - before;
    Ok(Round { rate, of_worker: answers / busy.as_secs_f64() })
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
    let mut connection = Connection::visit(connect_from(BLOCK, 0, ours.web()?)?)?;
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

/// Begins to look up; each visitor gives how long that took each time.
fn visit(ours: &Ours, data: &Data) -> Result<Vec<Background<Looked>>> {
    let server = ours.web()?;
    (0..VISITORS)
        .map(|number| {
            let addresses: Vec<_> = data.fresh(200 + number as u64).take(ADDRESSES).collect();
            Ok(Background::start(move |stop| {
                let (mut looked, mut visitor) =
                    (Looked::begin(), Visitor { server, number, connection: None });
                let mut pace = Pace::new(LOOKUPS / VISITORS as f64);
                for addr in addresses.into_iter().cycle() {
                    if stop.is_set() {
                        break;
                    }
                    pace.wait();
                    let begun = Instant::now();
                    match visitor.look_up(addr) {
                        Ok(()) => looked.times.push(begun.elapsed()),
                        Err(_) => looked.refused += 1,
                    }
                }
                Ok(looked.end())
            }))
        })
        .collect()
}

/// A visitor with an address of its own, who keeps a connection as long as the server lets it.
struct Visitor {
    server: SocketAddr,
    number: usize,
    connection: Option<Connection>,
}

impl Visitor {
    /// Looks an address up, once more over another connection where the server has ended the one that was kept.
    fn look_up(&mut self, addr: Ipv4Addr) -> Result<()> {
        let path = format!("/en/lookup/{addr}");
        if let Some(mut kept) = self.connection.take()
            && kept.look(&path).is_ok()
        {
            self.connection = Some(kept);
            return Ok(());
        }
        let mut new = Connection::visit(connect_from(BLOCK, self.number, self.server)?)?;
        new.look(&path)?;
        self.connection = Some(new);
        Ok(())
    }
}

/// Lookups, and for how long they were made.
#[derive(Default)]
struct Looked {
    times: Vec<Duration>,
    refused: usize,
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
        self.refused += of_connections.iter().map(|one| one.refused).sum::<usize>();
        self.seconds += of_connections.iter().map(|one| one.seconds).fold(0.0, f64::max);
        self.times.extend(of_connections.into_iter().flat_map(|one| one.times));
        self.times.sort_unstable();
    }

    fn cells(&self) -> [String; 5] {
        if self.times.is_empty() {
            return Default::default();
        }
        let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| time(quantile(&self.times, share)));
        [rate(self.times.len() as f64 / self.seconds), p50, p99, worst, self.refused.to_string()]
    }
}
