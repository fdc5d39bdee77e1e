//! `dnsblctl webhook`: servers of others that are told of changes.

use std::process::ExitCode;

use admin_api_types::{RotateWebhookBody, Webhook, WebhookBody, Webhooks};
use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{
    args::parse_duration,
    client::Client,
    document::{Deletion, Document},
    output::{self, Output},
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 6] = ["id", "url", "state", "position", "last success", "why"];

const ADD_NOTES: &str = "\
The secret alone goes to standard output, unless it comes from a file; the server never shows it again. The receiver
is told what this token may see, from the next change on. docs/webhooks.md has how it verifies what it is told.

Examples:
  (umask 077; dnsblctl webhook add https://hooks.example.org/dnsbl --zone bl.example.org > hook.secret)
  dnsblctl webhook add https://hooks.example.org/dnsbl --kind put,delete,expire --secret-file hook.secret
  dnsblctl webhook add https://hooks.example.org/dnsbl --after 4711";

const LIST_NOTES: &str = "\
Each line tells the id, where messages go, whether it is ok, failing, paused, disabled or waiting for the first change,
the last change that it is done with, when a message was last taken, and why none is since.

Examples:
  dnsblctl webhook list
  dnsblctl webhook list --json | jq -r '.webhooks[] | select(.status.state == \"paused\") | .id'";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl webhook show wh-7f3a90c2d5b81e46";

const SET_NOTES: &str = "\
What is not said stays as it is (which needs the scope webhooks:read too), but from now on the receiver is told what
this token may see. It is tried at once, and goes on where it is, or behind --after: that is how one that is paused
goes on.

Examples:
  dnsblctl webhook set wh-7f3a90c2d5b81e46
  dnsblctl webhook set wh-7f3a90c2d5b81e46 --url https://other.example.org/dnsbl --all-kinds
  dnsblctl webhook set wh-7f3a90c2d5b81e46 --disable
  dnsblctl webhook set wh-7f3a90c2d5b81e46 --enable --after 4711";

const ROTATE_NOTES: &str = "\
The new secret alone goes to standard output, unless it comes from a file. Messages are signed with the old one, too,
for a day or as long as --overlap says, at most 30d; --at-once ends it with the next message.

Examples:
  (umask 077; dnsblctl webhook rotate wh-7f3a90c2d5b81e46 > hook.secret)
  dnsblctl webhook rotate wh-7f3a90c2d5b81e46 --overlap 7d --secret-file hook.secret
  dnsblctl webhook rotate wh-7f3a90c2d5b81e46 --at-once";

const DELETE_NOTES: &str = "\
The receiver is told nothing more.

Examples:
  dnsblctl webhook delete wh-7f3a90c2d5b81e46";

/// Adds, lists, changes and deletes webhooks
#[derive(Subcommand)]
pub(crate) enum WebhookCommand {
    Add(AddWebhook),
    /// Lists webhooks, and what came of each
    #[command(after_help = LIST_NOTES)]
    List,
    Show(ShowWebhook),
    Set(SetWebhook),
    Rotate(RotateWebhook),
    Delete(DeleteWebhook),
}

/// Adds a webhook and prints its secret
#[derive(Args)]
#[command(after_help = ADD_NOTES)]
pub(crate) struct AddWebhook {
    /// Where messages go: an https URL, or what the server's configuration allows
    url: String,
    #[command(flatten)]
    wishes: Wishes,
    /// A file with the secret: whsec_ and base64
    #[arg(long, value_name = "FILE")]
    secret_file: Option<std::path::PathBuf>,
}

/// What a receiver is told of; what is not said is not sent.
#[derive(Args)]
struct Wishes {
    /// A zone of whose changes it is told; may be given several times
    #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',')]
    zones: Vec<String>,
    /// A kind of changes that it is told of, such as put; may be given several times
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// The change behind which it begins, such as the DNSBL-Seq of an export
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
}

/// Shows a webhook, and what came of it
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowWebhook {
    /// Its id, as `webhook list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Changes a webhook, and tries it at once
#[derive(Args)]
#[command(after_help = SET_NOTES)]
pub(crate) struct SetWebhook {
    /// Its id, as `webhook list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    /// Where messages go
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    wishes: Wishes,
    /// It is told of the changes of all zones
    #[arg(long, conflicts_with = "zones")]
    all_zones: bool,
    /// It is told of all kinds of changes
    #[arg(long, conflicts_with = "kinds")]
    all_kinds: bool,
    /// Send again
    #[arg(long)]
    enable: bool,
    /// Send nothing for now
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
}

/// Gives a webhook another secret and prints it
#[derive(Args)]
#[command(after_help = ROTATE_NOTES)]
pub(crate) struct RotateWebhook {
    /// Its id, as `webhook list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    /// How long messages are signed with the old secret, too; 1d unless given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    overlap: Option<u64>,
    /// The old secret ends with the next message
    #[arg(long, conflicts_with = "overlap")]
    at_once: bool,
    /// A file with the secret: whsec_ and base64
    #[arg(long, value_name = "FILE")]
    secret_file: Option<std::path::PathBuf>,
}

/// Deletes a webhook
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteWebhook {
    /// Its id, as `webhook list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

impl WebhookCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(add) => add.run(client, output).await?,
            Self::List => list(client, output).await?,
            Self::Show(show) => output.document(&find(client, &show.id).await?, text::members)?,
            Self::Set(set) => set.run(client, output).await?,
            Self::Rotate(rotate) => rotate.run(client, output).await?,
            Self::Delete(delete) => {
                let request = client.v1(Method::DELETE, &["webhooks", &delete.id]);
                let gone: Deletion = client.ask(request).await?;
                output.deletion(&gone, &["deleted", &delete.id])?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn find(client: &Client, id: &str) -> anyhow::Result<Document<Webhook>> {
    client.ask(client.v1(Method::GET, &["webhooks", id])).await
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let webhooks = client.ask::<Webhooks>(client.v1(Method::GET, &["webhooks"])).await?;
    output.table(&webhooks, COLUMNS, &webhooks.body.webhooks, row)
}

fn row(webhook: &Webhook) -> [String; 6] {
    let status = &webhook.status;
    let failing =
        status.failing.as_ref().map(|failing| format!("{}: {}", failing.reason, failing.detail));
    let why = match &status.paused {
        Some(pause) => Some(format!("{}: {}", pause.reason, pause.advice)),
        None => failing,
    };
    [
        webhook.id.cell(),
        webhook.url.cell(),
        status.state.cell(),
        status.position.cell(),
        status.last_success.cell(),
        why.cell(),
    ]
}

impl AddWebhook {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let Wishes { zones, kinds, after } = self.wishes;
        let secret = self.secret_file.as_deref().map(read_secret).transpose()?;
        let body = WebhookBody { url: self.url, zones, kinds, secret, enabled: None, after };
        hand_over(client.ask(client.v1(Method::POST, &["webhooks"]).json(&body)).await?, output)
    }
}

impl SetWebhook {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let found = find(client, &self.id).await?;
        let request = client.v1(Method::PUT, &["webhooks", &self.id]);
        let request = request.json(&self.merged(found.body));
        output.document(&client.ask::<Webhook>(request).await?, text::members)
    }

    /// What it is told to do, with what the command line says in its place.
    fn merged(self, found: Webhook) -> WebhookBody {
        let or = |said: Vec<String>, found: Vec<String>, all: bool| match said.is_empty() {
            true if all => Vec::new(),
            true => found,
            false => said,
        };
        WebhookBody {
            url: self.url.unwrap_or(found.url),
            zones: or(self.wishes.zones, found.zones, self.all_zones),
            kinds: or(self.wishes.kinds, found.kinds, self.all_kinds),
            secret: None,
            enabled: Some(self.enable || found.enabled && !self.disable),
            after: self.wishes.after,
        }
    }
}

impl RotateWebhook {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let overlap = if self.at_once { Some(0) } else { self.overlap };
        let secret = self.secret_file.as_deref().map(read_secret).transpose()?;
        let request = client.v1(Method::POST, &["webhooks", &self.id, "rotate"]);
        let body = RotateWebhookBody { overlap, secret };
        hand_over(client.ask(request.json(&body)).await?, output)
    }
}

fn read_secret(file: &std::path::Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    Ok(text.trim().to_owned())
}

/// Prints the secret alone, if the server made one, and the rest beside it.
fn hand_over(mut made: Document<Webhook>, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output::data(&made.text);
    }
    let secret = made.body.secret.take();
    output::hand_over(&made.body, "secret", secret.as_deref())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        set: SetWebhook,
    }

    fn merged(options: &[&str]) -> WebhookBody {
        let found = serde_json::json!({
            "id": "wh-7f3a90c2d5b81e46", "url": "https://a.example/", "zones": ["bl.example.org"],
            "kinds": ["put"], "enabled": false, "token_id": "7", "created_at": "2030-01-01T00:00:00Z",
            "secret_at": "2030-01-01T00:00:00Z", "secrets_until": [],
            "status": {"state": "disabled", "position": 5, "last_attempt": null, "last_success": null,
                "delivered": 0, "failures": 0, "failing": null, "paused": null}
        });
        let line = Line::parse_from([&["set", "wh-7f3a90c2d5b81e46"], options].concat());
        line.set.merged(serde_json::from_value(found).unwrap())
    }

    #[test]
    fn what_is_not_said_stays() {
        let same = merged(&[]);
        assert_eq!(
            (&*same.url, same.enabled, same.after),
            ("https://a.example/", Some(false), None)
        );
        assert_eq!((same.zones.len(), same.kinds.len()), (1, 1));
        let other = merged(&["--enable", "--all-zones", "--kind", "put,delete", "--after", "9"]);
        assert_eq!((other.enabled, other.after), (Some(true), Some(9)));
        assert_eq!((other.zones.len(), other.kinds.len()), (0, 2));
    }
}
