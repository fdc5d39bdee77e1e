//! `dnsbl report`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use dnsbl_daemon::log::{Filter, Log};
use tokio::runtime::Builder;

use crate::{
    api::{Access, Address, Endpoint},
    report::{
        self, Category, Exempt, Format, Limits, Memory, Settings, Thresholds, UnknownReasons,
    },
};

const NOTES: &str = "\
Reports to the server of a list (POST /v1/reports, scope reports:write) who tries out recipients (directory-harvest)
and who bounces mail to strangers (backscatter), as the log of a Postfix or an Exim shows it. A report has
the client's address, times and counts; recipients and senders are never sent nor stored.

A harvest is --harvest-threshold unknown recipients that differ within --window; backscatter is
--backscatter-threshold refused bounces (sender <>) to unknown recipients. Nothing is reported of a client of
whose recipients fewer than --failure-share percent are unknown, nor twice within a window.

FILE is followed by its name, over its rotation, from its end or from where --state-file has it; - is standard
input. While the server is away, up to 1,000 reports wait, each until it is too old.

Examples:
  dnsbl report --log /var/log/mail.log --token-file /etc/dnsbl/reports.token --exempt \"$(postconf -hx mynetworks)\"
  dnsbl report --log - --dry-run </var/log/mail.log.1
  journalctl -fu exim4 -o short-iso | dnsbl report --log - --token-file reports.token --category backscatter";

/// Follows a mail log and reports harvesters and backscatter, until SIGTERM.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct Report {
    /// The mail log; - reads standard input
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// Where the server listens: an http or https URL, or unix:/path
    #[arg(
        long,
        env = "DNSBL_SERVER",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    server: Address,
    /// File that holds the access token
    #[arg(
        long,
        env = "DNSBL_TOKEN_FILE",
        hide_env_values = true,
        value_name = "FILE",
        required_unless_present = "dry_run"
    )]
    token_file: Option<PathBuf>,
    /// The zone, where the server has several that take reports
    #[arg(long)]
    zone: Option<String>,
    /// The SMTP server that writes the log
    #[arg(long, default_value = "auto", value_parser = named(Format::ALL))]
    format: Format,
    /// What to report, with commas between; unless given, all
    #[arg(long, value_delimiter = ',', value_parser = named(Category::ALL))]
    category: Vec<Category>,
    /// Within which failures belong together, and a client is reported once
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        value_parser = clap::value_parser!(u64).range(60..=86_400)
    )]
    window: u64,
    /// How long a client has to be quiet before it is reported
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    quiet: u64,
    /// From how many unknown recipients on it is a harvest
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 20,
        value_parser = clap::value_parser!(u16).range(3..=1000)
    )]
    harvest_threshold: u16,
    /// From how many refused bounces on it is backscatter
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 20,
        value_parser = clap::value_parser!(u16).range(3..=1000)
    )]
    backscatter_threshold: u16,
    /// How many percent of a client's recipients have to be unknown
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 80,
        value_parser = clap::value_parser!(u64).range(1..=100)
    )]
    failure_share: u64,
    /// Networks that are never reported, with blanks or commas between
    #[arg(long, value_name = "NETWORKS")]
    exempt: Vec<Exempt>,
    /// Report private addresses too, and those of this machine
    #[arg(long)]
    private: bool,
    /// A further reason for which the SMTP server refuses unknown recipients, or a part of it
    #[arg(long, value_name = "TEXT")]
    unknown_reason: Vec<String>,
    /// File that keeps the place in the log over restarts, and what was reported
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Begin at the first line unless a place is kept, not at the end
    #[arg(long)]
    from_start: bool,
    /// How old the last failure may be when a report is posted
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        value_parser = clap::value_parser!(u64).range(60..=86_400)
    )]
    max_age: u64,
    /// Certificates of further authorities (PEM), for a server that is reached by https
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Print what would be posted as JSON, a line each, and post nothing
    #[arg(long)]
    dry_run: bool,
}

/// One of these, by its name.
fn named<const N: usize, T>(all: [(&'static str, T); N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.map(|(name, _)| name)).try_map(move |name| {
        let found = all.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value).ok_or("it is none of them")
    })
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        Log::start(&Filter::parse("info")?, false);
        let log = Some(self.log.clone()).filter(|log| log.as_os_str() != "-");
        ensure!(
            log.is_some() || self.state_file.is_none(),
            "--state-file is for a log that is a file: of standard input no place can be kept"
        );
        let settings = Settings {
            log,
            format: self.format,
            unknown: UnknownReasons::with(self.unknown_reason.iter().cloned()),
            exempt: self.exempt(),
            limits: self.limits(),
            state_file: self.state_file.clone(),
            is_from_start: self.from_start,
            max_age: Duration::from_secs(self.max_age),
            zone: self.zone.clone(),
            endpoint: self.endpoint()?,
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(report::run(settings))?;
        Ok(ExitCode::SUCCESS)
    }

    fn exempt(&self) -> Exempt {
        let mut exempt = if self.private { Exempt::default() } else { Exempt::private() };
        exempt.extend(self.exempt.iter().cloned());
        exempt
    }

    fn limits(&self) -> Limits {
        let threshold = |category, threshold: u16| {
            let is_wanted = self.category.is_empty() || self.category.contains(&category);
            is_wanted.then(|| usize::from(threshold))
        };
        Limits {
            window: Duration::from_secs(self.window),
            quiet: Duration::from_secs(self.quiet),
            failure_share: self.failure_share,
            thresholds: Thresholds {
                harvest: threshold(Category::DirectoryHarvest, self.harvest_threshold),
                backscatter: threshold(Category::Backscatter, self.backscatter_threshold),
            },
            memory: Memory::default(),
        }
    }

    fn endpoint(self) -> anyhow::Result<Option<Endpoint>> {
        if self.dry_run {
            return Ok(None);
        }
        let token_file = self.token_file.context("--token-file is missing")?;
        let access = Access { address: self.server, token_file, ca_file: self.ca_file };
        Endpoint::new(&access, "/v1/reports").map(Some)
    }
}
