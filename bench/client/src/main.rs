//! `bench-client`: the client beside libudns, adns and hickory-resolver, in one run on one core.
//!
//! Figures are printed as Markdown, never asserted. Everything happens on the loopback of a network
//! namespace. CONTRIBUTING.md says how to run it.

mod clients;
mod data;
mod isolation;
mod machine;
mod measure;
mod programs;
mod report;
mod servers;

use std::{fs, ops::Range, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{
    clients::{Client, Clients, IN_FLIGHT},
    data::Data,
    measure::Run,
    report::{Median, Report, ratio},
    servers::{AUTHORITY, RESOLVER, Servers},
};

/// Where lists and names are written: open to the user that rbldnsd changes to.
const DIR: &str = "/var/tmp/dnsbl-bench-client";

/// Measures dnsbl-client beside its peers.
#[derive(Parser)]
struct Options {
    /// How many names are looked up in bulk.
    #[arg(long, default_value_t = 50_000)]
    names: usize,
    /// How many addresses are checked one after the other.
    #[arg(long, default_value_t = 2_000)]
    checks: usize,
    /// How often the clients take turns; through a cold resolver once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A file that the report is written to as well.
    #[arg(long)]
    results: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if !isolation::is_inside() {
        return isolation::run_inside();
    }
    programs::run("ip", &["link", "set", "lo", "up"])?;
    Bench::new(options)?.all()?;
    Ok(ExitCode::SUCCESS)
}

struct Bench {
    options: Options,
    data: Data,
    servers: Servers,
    clients: Clients,
    report: Report,
}

impl Bench {
    fn new(options: Options) -> Result<Self> {
        fs::create_dir_all(DIR).with_context(|| format!("making {DIR}"))?;
        let data = Data::new(DIR.as_ref(), 4 * options.names + options.checks)?;
        let servers = Servers::start(DIR.as_ref(), &data)?;
        let clients = Clients::find(DIR.as_ref())?;
        let report = Report::begin(&machine::describe()?, options.results.clone())?;
        Ok(Self { options, data, servers, clients, report })
    }

    fn all(mut self) -> Result<()> {
        for (title, server) in [("through unbound, cached", RESOLVER), ("direct", AUTHORITY)] {
            let bulk = self.in_turns(&Client::ALL, true, server)?;
            let text = format!(
                "{} names in one list, {IN_FLIGHT} on their way at once; medians of {} rounds in \
                 turns. CPU: processor time of the client's process a lookup.",
                self.options.names, self.options.rounds,
            );
            self.report.section(&format!("In bulk, {title}"), &text, &bulk)?;
            self.findings(&bulk)?;
            let checks = self.in_turns(&Client::CHECKING, false, server)?;
            let text = format!(
                "{} addresses in five lists at once, one address after the other; medians of {} \
                 rounds in turns. Times are of a check, the rest is of a lookup.",
                self.options.checks, self.options.rounds,
            );
            self.report.section(&format!("Single checks, {title}"), &text, &checks)?;
            self.findings(&checks)?;
        }
        self.cold()?;
        self.dead()?;
        self.memory()
    }

    /// All clients, several times in turns. What is cached is there before the first.
    fn in_turns(&self, clients: &[Client], bulk: bool, server: &str) -> Result<Vec<Median>> {
        let lookup =
            |client| if bulk { self.bulk(client, server) } else { self.check(client, server) };
        lookup(Client::Udns)?;
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); clients.len()];
        for _ in 0..self.options.rounds {
            for (&client, runs) in clients.iter().zip(&mut runs) {
                runs.push(lookup(client)?);
            }
        }
        Ok(clients.iter().zip(runs).map(|(&client, runs)| Median::new(client, runs)).collect())
    }

    fn bulk(&self, client: Client, server: &str) -> Result<Run> {
        self.clients.bulk(client, server, &self.data, 0..self.options.names)
    }

    fn check(&self, client: Client, server: &str) -> Result<Run> {
        self.clients.check(client, server, &self.data, self.checked())
    }

    /// The addresses that are checked: others than those in bulk.
    fn checked(&self) -> Range<usize> {
        let first = 4 * self.options.names;
        first..first + self.options.checks
    }

    fn cold(&mut self) -> Result<()> {
        let (mut bulk, mut checks) = (Vec::new(), Vec::new());
        for client in Client::ALL {
            self.servers.restart_resolver()?;
            bulk.push(Median::new(client, vec![self.bulk(client, RESOLVER)?]));
            if Client::CHECKING.contains(&client) {
                checks.push(Median::new(client, vec![self.check(client, RESOLVER)?]));
            }
        }
        let text = "As above, once, with an unbound that has just started.";
        self.report.section("In bulk, through unbound, cold", text, &bulk)?;
        self.report.section("Single checks, through unbound, cold", text, &checks)
    }

    fn dead(&mut self) -> Result<()> {
        let first = 4 * self.options.names;
        let run = self.clients.dead(RESOLVER, &self.data, first..first + 200)?;
        let row = Median::new(Client::Ours, vec![run]);
        let (p99, wrong) = (format!("{:.0} ms", row.p99()), row.wrong().to_string());
        let text = "200 addresses in five lists, 20 at once, through unbound; one list's server never \
                    answers. A check waits for it until the deadline of 1500 ms: there is no early exit.";
        self.report.section("One dead list", text, &[row])?;
        self.report.finding("p99 to the verdict", &p99, "the deadline of 1500 ms and 10 ms")?;
        self.report.finding("wrong verdicts of the other lists", &wrong, "0")
    }

    /// What is done should leave nothing behind.
    fn memory(&mut self) -> Result<()> {
        let names = 4 * self.options.names;
        let run = self.clients.bulk(Client::Ours, AUTHORITY, &self.data, 0..names)?;
        let grown = run.grown_kib.context("it did not say by how much it grew")?;
        let what =
            format!("growth of resident memory over the last three quarters of {names} names");
        self.report.finding(&what, &format!("{grown} KiB"), "0")
    }

    fn findings(&mut self, rows: &[Median]) -> Result<()> {
        let cpu = |client| rows.iter().find(|row| row.client == client).map(Median::cpu);
        let (Some(ours), Some(udns), Some(hickory)) =
            (cpu(Client::Ours), cpu(Client::Udns), cpu(Client::Hickory))
        else {
            return Ok(());
        };
        self.report.finding("CPU of a lookup to libudns", &ratio(ours / udns), "at most 1.5")?;
        self.report.finding("to hickory-resolver", &ratio(ours / hickory), "at most 0.3")
    }
}
