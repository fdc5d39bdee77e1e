//! `bench`: the server beside rbldnsd, NSD, Knot and a bare echo, in one run on the same cores.
//!
//! Figures are printed as Markdown, never asserted. Nothing leaves the namespaces that the program
//! makes, or loopback where the user may make none. CONTRIBUTING.md says how to run it.

mod ask;
mod background;
mod compare;
mod crowd;
mod data;
mod histogram;
mod http;
mod isolation;
mod lab;
mod load;
mod machine;
mod measure;
mod network;
mod pause;
mod prober;
mod programs;
mod report;
mod servers;
mod stats;
mod usage;
mod zone_file;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};

use crate::{
    compare::{
        access, answers, api, builds, change, churn, import, overview, pages, purge, start, writes,
    },
    isolation::Isolation,
    lab::Lab,
    network::Network,
    report::Report,
};

/// Measures dnsbl-server beside its peers.
#[derive(Parser)]
struct Options {
    /// What to compare; all if none is named.
    #[arg(value_enum)]
    comparisons: Vec<Comparison>,
    /// How many listings, such as 10k or 1M.
    #[arg(long, value_delimiter = ',', value_parser = parse_size, default_value = "1k,10k,1M,10M")]
    sizes: Vec<usize>,
    /// How long a server is asked each time.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often servers take turns.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// How long after an import memory is looked at again, in seconds.
    #[arg(long, default_value_t = 15)]
    settle: u64,
    /// Another build of dnsbl-server, for `builds` and `access`.
    #[arg(long)]
    before: Option<PathBuf>,
    /// A file that the report is written to as well.
    #[arg(long)]
    results: Option<PathBuf>,
}

/// What can be compared.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Comparison {
    /// The import of the largest list.
    Import,
    /// The start with the largest list.
    Start,
    /// All servers at all sizes.
    Overview,
    /// Answers a second in turns with rbldnsd and the echo.
    Answers,
    /// The same with two workers.
    Workers,
    /// Answers a second with a long and a short list.
    Flat,
    /// Answers a second of a zone that includes five, and of one with all of theirs.
    Combined,
    /// Answers a second of a zone that not everybody may ask everything.
    Access,
    /// This build and another, row by row.
    Builds,
    /// Answers while listings change.
    Churn,
    /// Durable writes a second.
    Writes,
    /// Logins a second.
    Logins,
    /// From a change to the answer that shows it.
    Change,
    /// What monitors and operators ask of the API.
    Api,
    /// The pages, and what their visitors take from the answers.
    Pages,
    /// A purge of a million listings and its undo, and how long other writes wait.
    Purge,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    match isolation::inside() {
        None => isolation::run_inside(),
        Some(isolation) => measure(options, isolation).map(|()| ExitCode::SUCCESS),
    }
}

fn measure(options: Options, isolation: Isolation) -> Result<()> {
    ensure!(options.pairs > 0 && options.seconds > 0, "there is nothing to measure in no time");
    let network = Network::set_up(isolation)?;
    let report = Report::begin(&machine::describe(&network)?, options.results)?;
    let mut lab = Lab::new(network, report, options.sizes)?;
    lab.duration = Duration::from_secs(options.seconds);
    lab.pairs = options.pairs;
    lab.settle = Duration::from_secs(options.settle);
    let chosen = match options.comparisons.as_slice() {
        [] => Comparison::value_variants(),
        chosen => chosen,
    };
    let mut failed = 0;
    for comparison in chosen {
        if let Err(err) = comparison.run(&mut lab, options.before.as_deref()) {
            failed += 1;
            lab.report.section("A comparison failed", &format!("`{comparison:?}`: {err:#}"))?;
        }
    }
    ensure!(failed == 0, "{failed} of {} comparisons failed, see above", chosen.len());
    Ok(())
}

impl Comparison {
    fn run(self, lab: &mut Lab, before: Option<&Path>) -> Result<()> {
        match self {
            Self::Import => import::all(lab),
            Self::Start => start::all(lab),
            Self::Overview => overview::all(lab),
            Self::Answers => answers::beside_rbldnsd(lab),
            Self::Workers => answers::with_two_workers(lab),
            Self::Flat => answers::flat(lab),
            Self::Combined => answers::combined(lab),
            Self::Access => access::all(lab, before),
            Self::Builds => builds::all(lab, before),
            Self::Churn => churn::all(lab),
            Self::Writes => writes::all(lab),
            Self::Logins => writes::logins(lab),
            Self::Change => change::all(lab),
            Self::Api => api::all(lab),
            Self::Pages => pages::all(lab),
            Self::Purge => purge::all(lab),
        }
    }
}

/// Reads `10000`, `10k` or `1M`.
fn parse_size(text: &str) -> Result<usize> {
    let (digits, factor) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let size: usize = digits.trim().parse().with_context(|| format!("{text:?} is no size"))?;
    ensure!(size > 0, "a list of no addresses lists nothing");
    Ok(size * factor)
}
