//! `dnsbl report`.

use std::{process::ExitCode, time::Duration};

use clap::Args;

use super::follow::{self, Follow, named};
use crate::report::{
    self, Category, Exempt, Format, Limits, Memory, Settings, Thresholds, UnknownReasons,
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
    #[command(flatten)]
    follow: Follow,
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
    /// How old the last failure may be when a report is posted
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        value_parser = clap::value_parser!(u64).range(60..=86_400)
    )]
    max_age: u64,
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (exempt, limits) = (self.exempt(), self.limits());
        let Self { follow, zone, format, unknown_reason, max_age, .. } = self;
        follow::run(report::run(Settings {
            log: follow.log()?,
            format,
            unknown: UnknownReasons::with(unknown_reason),
            exempt,
            limits,
            is_from_start: follow.from_start,
            max_age: Duration::from_secs(max_age),
            zone,
            endpoint: follow.endpoint("/v1/reports")?,
            state_file: follow.state_file,
        }))
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
}
