//! `dnsblctl usage` and `dnsblctl top`: who asks how much.

use std::process::ExitCode;

use admin_api_types as api;
use clap::{Args, ValueEnum};
use reqwest::Method;
use serde::Serialize;

use crate::{
    client::Client,
    output::{self, Output, headed},
    path::parse_segment,
    text::Cell,
};

const USAGE_NOTES: &str = "\
Each line tells the day in UTC, the zone, and how many questions there were: all, those for something
that is listed, and those that were refused. What came within the last 20 seconds may be missing. The
sum, and what is used of a daily quota, come last.

Examples:
  dnsblctl usage
  dnsblctl usage 0123456789abcdef
  dnsblctl usage 0123456789abcdef --from 2030-01-01 --to 2030-01-31 --json
  dnsblctl usage --subscribers --from 2030-01-01 --to 2030-01-31
  dnsblctl usage --zone bl.example.org";

const TOP_NOTES: &str = "\
One of so many queries is counted, so numbers are about right where they are large. Each line tells who
or what, about how many questions at most, by how much that may be too high, and about how many of them
were for something that is listed, and how many were denied. Addresses are forgotten at midnight in UTC.

Examples:
  dnsblctl top
  dnsblctl top --by client --zone bl.example.org
  dnsblctl top --by denial --limit 20
  dnsblctl top --by subscriber --yesterday";

const DAY_COLUMNS: [&str; 5] = ["day", "zone", "questions", "listed", "refused"];
const SUBSCRIBER_COLUMNS: [&str; 4] = ["subscriber", "questions", "listed", "refused"];

/// Prints what subscribers asked, by day and zone
#[derive(Args, Serialize)]
#[command(after_help = USAGE_NOTES)]
pub(crate) struct UsageCommand {
    /// Id of one subscriber; all of them together unless given
    #[arg(value_name = "SUBSCRIBER", value_parser = parse_segment)]
    #[serde(skip)]
    subscriber: Option<String>,
    /// First day, such as 2030-01-01; 30 days before the last unless given
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day; today unless given
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Only questions to this zone
    #[arg(long, conflicts_with = "subscriber")]
    zone: Option<String>,
    /// The subscribers who asked most, rather than days and zones
    #[arg(long, conflicts_with = "subscriber")]
    #[serde(skip)]
    subscribers: bool,
    /// At most so many subscribers, 100 unless given
    #[arg(long, value_name = "N", conflicts_with = "subscriber")]
    limit: Option<u64>,
}

/// Prints who asks most, and what is denied and why
#[derive(Args)]
#[command(after_help = TOP_NOTES)]
pub(crate) struct TopCommand {
    /// What is counted
    #[arg(long, value_enum, default_value_t = By::Network)]
    by: By,
    /// Only queries to this zone
    #[arg(long)]
    zone: Option<String>,
    /// The day before rather than today, both in UTC
    #[arg(long)]
    yesterday: bool,
    /// At most so many, 100 unless given
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// What is counted.
#[derive(Clone, Copy, ValueEnum)]
enum By {
    Client,
    Network,
    Subscriber,
    Zone,
    Denial,
}

impl UsageCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match &self.subscriber {
            Some(id) => {
                let request = client.v1(Method::GET, &["subscribers", id, "usage"]);
                let usage = client.ask(request.query(&self)).await?;
                output.document(&usage, subscriber_text)?;
            }
            None => {
                let request = client.v1(Method::GET, &["usage"]).query(&self);
                let usage = client.ask(request).await?;
                match self.subscribers {
                    true => output.document(&usage, subscribers_text)?,
                    false => output.document(&usage, |usage: &api::UsageSummary| {
                        days_text(&usage.days, usage.total)
                    })?,
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl TopCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let by = self.by.to_possible_value().map(|by| by.get_name().to_owned());
        let query = [
            ("by", by),
            ("zone", self.zone.clone()),
            ("day", self.yesterday.then(|| "yesterday".into())),
            ("limit", self.limit.map(|limit| limit.to_string())),
        ];
        let request = client.v1(Method::GET, &["top"]).query(&query);
        let top = client.ask::<api::Top>(request).await?;
        let columns = [self.by.column(), "questions", "error", "listed", "denied"];
        output.document(&top, |top| {
            let rows = top.entries.iter().map(|entry| self.by.row(entry).into());
            headed(&columns, rows.collect())
        })?;
        if !output.is_json() && top.body.lost > 0 {
            let lost = top.body.lost;
            output::note(format_args!("{lost} samples were not counted, as too many came at once"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl By {
    fn column(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Network => "network",
            Self::Subscriber => "subscriber",
            Self::Zone => "zone",
            Self::Denial => "denial",
        }
    }

    fn row(self, entry: &api::TopEntry) -> [String; 5] {
        let who = match self {
            Self::Client => entry.client.cell(),
            Self::Network => entry.network.cell(),
            Self::Subscriber => entry.subscriber.cell(),
            Self::Zone => entry.zone.cell(),
            Self::Denial => format!("{} {}", entry.denial.cell(), entry.network.cell()),
        };
        let api::TopEntry { questions, error, listed, denied, .. } = entry;
        [who, questions.cell(), error.cell(), listed.cell(), denied.cell()]
    }
}

fn subscriber_text(usage: &api::SubscriberUsage) -> String {
    let mut text = days_text(&usage.days, usage.total);
    if let Some(today) = &usage.today {
        let asked = today.asked;
        text += &match (today.per_day, today.percent) {
            (Some(per_day), Some(percent)) => {
                format!("today {asked} of {per_day} questions, {percent} %\n")
            }
            _ => "no daily quota\n".into(),
        };
    }
    text
}

fn days_text(days: &[api::UsageDay], total: api::UsageCounts) -> String {
    let rows = days
        .iter()
        .map(|day| [vec![day.day.cell(), day.zone.cell()], counts(&day.counts)].concat());
    let sum = [vec!["sum".to_owned(), String::new().cell()], counts(&total)].concat();
    headed(&DAY_COLUMNS, rows.chain([sum]).collect())
}

fn subscribers_text(usage: &api::UsageSummary) -> String {
    let subscribers = usage.subscribers.iter();
    let rows =
        subscribers.map(|total| [vec![total.subscriber.cell()], counts(&total.counts)].concat());
    headed(&SUBSCRIBER_COLUMNS, rows.collect())
}

fn counts(counts: &api::UsageCounts) -> Vec<String> {
    vec![counts.questions.cell(), counts.listed.cell(), counts.refused.cell()]
}
