//! `dnsblctl subscriber`: who may ask for more than others, or at all.

use std::process::ExitCode;

use admin_api_types as api;
use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::{Method, header::IF_MATCH};
use serde::Serialize;

use crate::{
    args::{parse_duration, parse_time},
    client::Client,
    document::{Deletion, Document},
    output::{self, Output},
    pages::List,
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 6] = ["id", "name", "zones", "recognition", "networks", "expires_at"];

const ADD_NOTES: &str = "\
The key alone goes to standard output; the server never shows it again. It is the label before the zone's
name: 99.2.0.192.KEY.bl.example.org. Without --network a subscriber is recognized by its key, with them by
either, unless --by says something else.

Examples:
  (umask 077; dnsblctl subscriber add 'Example Mail' --zone bl.example.org > example-mail.key)
  dnsblctl subscriber add Resolver --zone bl.example.org --network 192.0.2.0/24 --by networks
  dnsblctl subscriber add Trial --zone bl.example.org --expires-at 2030-01-31 --per-day 100000";

const LIST_NOTES: &str = "\
Each line tells the id, the name, the zones, what it is recognized by, its networks and when it expires.

Examples:
  dnsblctl subscriber list
  dnsblctl subscriber list --zone bl.example.org --json";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl subscriber show 7f3a90c2d5b81e46";

const SET_NOTES: &str = "\
What is not said stays as it is (which needs the scope subscribers:read too). --no-networks, --no-quota,
--no-expiry and --no-note take something away. --expires-at with a time that has passed ends it now.

Examples:
  dnsblctl subscriber set 7f3a90c2d5b81e46 --per-second 500 --per-day 10000000
  dnsblctl subscriber set 7f3a90c2d5b81e46 --no-expiry --note 'paid until 2031'";

const ROTATE_NOTES: &str = "\
The new key alone goes to standard output. The old ones count for a day yet, or as long as --overlap says, at
most 30d; --at-once ends them with the next question.

Examples:
  (umask 077; dnsblctl subscriber rotate 7f3a90c2d5b81e46 > example-mail.key)
  dnsblctl subscriber rotate 7f3a90c2d5b81e46 --overlap 7d
  dnsblctl subscriber rotate 7f3a90c2d5b81e46 --at-once";

const DELETE_NOTES: &str = "\
Its keys end with the next question.

Examples:
  dnsblctl subscriber delete 7f3a90c2d5b81e46";

/// Adds, lists, changes and deletes subscribers
#[derive(Subcommand)]
pub(crate) enum SubscriberCommand {
    Add(AddSubscriber),
    List(ListSubscribers),
    Show(ShowSubscriber),
    Set(SetSubscriber),
    Rotate(RotateSubscriber),
    Delete(DeleteSubscriber),
}

/// Adds a subscriber and prints its key
#[derive(Args)]
#[command(after_help = ADD_NOTES)]
pub(crate) struct AddSubscriber {
    /// Its name
    name: String,
    #[command(flatten)]
    terms: Terms,
}

/// Lists subscribers, without their keys
#[derive(Args, Serialize)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListSubscribers {
    /// Only those that may ask this zone
    #[arg(long)]
    zone: Option<String>,
    /// Only those with this name
    #[arg(long)]
    name: Option<String>,
}

/// Shows a subscriber, without its keys
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowSubscriber {
    /// Its id, as `subscriber list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Changes the terms of a subscriber
#[derive(Args)]
#[command(after_help = SET_NOTES)]
pub(crate) struct SetSubscriber {
    /// Its id, as `subscriber list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// It asks from anywhere
    #[arg(long, conflicts_with = "networks")]
    no_networks: bool,
    /// It may ask as much as it likes
    #[arg(long, conflicts_with_all = ["per_second", "per_day"])]
    no_quota: bool,
    /// It does not expire
    #[arg(long, conflicts_with = "expires_at")]
    no_expiry: bool,
    /// Nothing is noted
    #[arg(long, conflicts_with = "note")]
    no_note: bool,
}

/// What a subscriber may ask, and for how long; what is not said is not sent.
#[derive(Args)]
struct Terms {
    /// A zone that it may ask; may be given several times
    #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',')]
    zones: Vec<String>,
    /// An address or prefix that it asks from; may be given several times
    #[arg(long = "network", value_name = "PREFIX", value_delimiter = ',')]
    networks: Vec<String>,
    /// What it is recognized by
    #[arg(long, value_parser = ["key", "networks", "either", "both"])]
    by: Option<String>,
    /// Questions in a second
    #[arg(long, value_name = "COUNT")]
    per_second: Option<u32>,
    /// Questions in a day of UTC
    #[arg(long, value_name = "COUNT")]
    per_day: Option<u32>,
    /// From when on it may not ask, such as 2030-01-31 or 2030-01-31T12:00:00Z (UTC)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_at: Option<String>,
    /// What the operator notes
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Gives a subscriber another key and prints it
#[derive(Args)]
#[command(after_help = ROTATE_NOTES)]
pub(crate) struct RotateSubscriber {
    /// Its id, as `subscriber list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    /// How long the old keys count yet, such as 12h or 7d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    overlap: Option<u64>,
    /// The old keys end at once
    #[arg(long, conflicts_with = "overlap")]
    at_once: bool,
}

/// Deletes a subscriber: its keys end with the next question
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteSubscriber {
    /// Its id, as `subscriber list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

impl SubscriberCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(add) => add.run(client, output).await?,
            Self::List(list) => list.run(client, output).await?,
            Self::Show(show) => {
                let found = find(client, &show.id).await?;
                output.document(&found, text::members)?;
            }
            Self::Set(set) => set.run(client, output).await?,
            Self::Rotate(rotate) => rotate.run(client, output).await?,
            Self::Delete(delete) => {
                let request = client.v1(Method::DELETE, &["subscribers", &delete.id]);
                let gone: Deletion = client.ask(request).await?;
                output.deletion(&gone, &["deleted", &delete.id])?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn find(client: &Client, id: &str) -> anyhow::Result<Document<api::Subscriber>> {
    client.ask(client.v1(Method::GET, &["subscribers", id])).await
}

impl AddSubscriber {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let Terms { zones, networks, by, per_second, per_day, expires_at, note } = self.terms;
        let body = api::SubscriberBody {
            name: self.name,
            zones,
            networks,
            recognition: by.as_deref().and_then(recognition),
            quota: api::Quota { per_second, per_day },
            expires_at,
            expires_in: None,
            note,
        };
        let request = client.v1(Method::POST, &["subscribers"]).json(&body);
        hand_over(client.ask(request).await?, output)
    }
}

fn recognition(text: &str) -> Option<api::Recognition> {
    Some(match text {
        "key" => api::Recognition::Key,
        "networks" => api::Recognition::Networks,
        "either" => api::Recognition::Either,
        "both" => api::Recognition::Both,
        _ => return None,
    })
}

/// Prints the key alone, and the rest beside it.
fn hand_over(mut made: Document<api::Subscriber>, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output::data(&made.text);
    }
    let key = made.body.key.take();
    output::hand_over(&made.body, "key", key.as_deref())
}

impl ListSubscribers {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["subscribers"], query: &self, limit: None };
        list.print::<api::SubscriberPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(subscriber: &api::Subscriber) -> [String; 6] {
    let recognition = match subscriber.recognition {
        api::Recognition::Key => "key",
        api::Recognition::Networks => "networks",
        api::Recognition::Either => "either",
        api::Recognition::Both => "both",
    };
    [
        subscriber.id.cell(),
        subscriber.name.cell(),
        subscriber.zones.cell(),
        recognition.cell(),
        subscriber.networks.cell(),
        subscriber.expires_at.cell(),
    ]
}

impl SetSubscriber {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let found = find(client, &self.id).await?;
        let etag = found.headers.get("etag").context("the answer has no entity tag")?.clone();
        let request = client.v1(Method::PUT, &["subscribers", &self.id]).header(IF_MATCH, etag);
        let request = request.json(&self.merged(found.body));
        let put = client.ask::<api::Subscriber>(request).await?;
        output.document(&put, text::members)
    }

    /// The terms as they are, with those of the command line in their places.
    fn merged(self, found: api::Subscriber) -> api::SubscriberBody {
        let Terms { zones, networks, by, per_second, per_day, expires_at, note } = self.terms;
        let or = |said: Vec<String>, found| if said.is_empty() { found } else { said };
        let networks = if self.no_networks { Vec::new() } else { or(networks, found.networks) };
        // What has lost its networks, or got its first, is recognized as a new one would be.
        let has_changed_kind = networks.is_empty() != (found.recognition == api::Recognition::Key);
        let kept = (!has_changed_kind).then_some(found.recognition);
        let quota = if self.no_quota { api::Quota::default() } else { found.quota };
        api::SubscriberBody {
            name: self.name.unwrap_or(found.name),
            zones: or(zones, found.zones),
            networks,
            recognition: by.as_deref().and_then(recognition).or(kept),
            quota: api::Quota {
                per_second: per_second.or(quota.per_second),
                per_day: per_day.or(quota.per_day),
            },
            expires_at: expires_at.or(found.expires_at.filter(|_| !self.no_expiry)),
            expires_in: None,
            note: note.or(found.note.filter(|_| !self.no_note)),
        }
    }
}

impl RotateSubscriber {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let overlap = if self.at_once { Some(0) } else { self.overlap };
        let request = client.v1(Method::POST, &["subscribers", &self.id, "rotate"]);
        hand_over(client.ask(request.json(&api::RotateBody { overlap })).await?, output)
    }
}
