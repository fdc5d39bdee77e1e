//! `dnsblctl removal`: who wants a subject to be listed no more, and what becomes of that.

use std::process::ExitCode;

use admin_api_types::{RemovalPage, RemovalRequest, RemovalTicket};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;

use crate::{
    client::Client,
    document::Document,
    output::Output,
    pages::List,
    path::parse_segment,
    text::{self, Cell},
};

const COLUMNS: [&str; 7] =
    ["request", "state", "zone", "subject", "requested", "due", "requested by"];

const STATES: [&str; 6] = ["unconfirmed", "waiting", "retest", "granted", "refused", "done"];

const SUBMIT_NOTES: &str = "\
Where the zone allows it, and nothing wider lists the subject, it is removed at once, or after a wait where that was so not
long ago; else a reviewer decides (dnsblctl review). A relay is tested again. Prints the state, the ticket and the number;
the ticket is told this once.

Examples:
  dnsblctl removal submit 192.0.2.25
  dnsblctl removal submit 192.0.2.25 --zone bl.example.org --contact taro@example.jp --language ja
  dnsblctl removal submit mail.example.com --comment 'the form is closed' --json | jq -r .ticket";

const LIST_NOTES: &str = "\
The newest come first. Each line tells the request, how it stands, the zone, the subject, when it came, until when it is
answered, and with which token it came.

Examples:
  dnsblctl removal list --state waiting
  dnsblctl removal list --zone bl.example.org --subject 192.0.2.25";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl removal show 0006a1d2b4c00000";

const TICKET_NOTES: &str = "\
Shows what whoever asked sees, by the ticket.

Examples:
  dnsblctl removal ticket aadkdu3yyaaaahvbfqyv6jxbkl3sgvd5ad3mkiu";

const CONFIRM_NOTES: &str = "\
The token stands in the mail; it confirms that whoever asked reads that mailbox.

Examples:
  dnsblctl removal confirm aadkdu3yyaaaahvbfqyv6jxbkl3sgvd5ad3mkiu";

/// Asks for removals, lists and shows requests
#[derive(Subcommand)]
pub(crate) enum RemovalCommand {
    Submit(SubmitRemoval),
    List(ListRemovals),
    Show(ShowRemoval),
    Ticket(ShowTicket),
    Confirm(ConfirmRemoval),
}

/// Asks that a subject be listed no more
#[derive(Args, Serialize)]
#[command(after_help = SUBMIT_NOTES)]
pub(crate) struct SubmitRemoval {
    /// Address, prefix or domain
    subject: String,
    /// The zone that lists it; the only one that does unless given
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// Mailbox that is told of what comes of it
    #[arg(long, value_name = "MAILBOX")]
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    /// What is to be said for it
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// The language of mails; en unless given
    #[arg(long, value_parser = ["en", "ja"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

/// Lists requests for removal
#[derive(Args, Serialize)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListRemovals {
    /// Only those of this zone
    #[arg(long)]
    zone: Option<String>,
    /// Only those of this subject
    #[arg(long)]
    subject: Option<String>,
    /// Only those that stand so
    #[arg(long, value_parser = STATES)]
    state: Option<String>,
    /// At most so many; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip)]
    limit: Option<u64>,
}

/// Shows a request for removal
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowRemoval {
    /// The request's number
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Shows a request for removal by its ticket
#[derive(Args)]
#[command(after_help = TICKET_NOTES)]
pub(crate) struct ShowTicket {
    /// The ticket
    ticket: String,
}

/// Confirms a request for removal by the token in the mail
#[derive(Args)]
#[command(after_help = CONFIRM_NOTES)]
pub(crate) struct ConfirmRemoval {
    /// The token
    token: String,
}

impl RemovalCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Submit(submit) => submit.run(client, output).await?,
            Self::List(list) => list.run(client, output).await?,
            Self::Show(show) => {
                let request = client.v1(Method::GET, &["removal-requests", &show.id]);
                output.document(&client.ask::<RemovalRequest>(request).await?, text::members)?;
            }
            Self::Ticket(ShowTicket { ticket }) => {
                let request = client.v1(Method::POST, &["removal-requests:find"]);
                let request = request.json(&RemovalTicket { ticket });
                output.document(&client.ask::<RemovalRequest>(request).await?, text::members)?;
            }
            Self::Confirm(ConfirmRemoval { token }) => {
                let request = client.v1(Method::POST, &["removal-requests:confirm"]);
                let request = request.json(&RemovalTicket { ticket: token });
                let found = client.ask::<RemovalRequest>(request).await?;
                output.document(&found, |body| outcome(&found, body, &body.id))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SubmitRemoval {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::POST, &["removal-requests"]).json(&self);
        let submitted = client.ask::<RemovalRequest>(request).await?;
        output.document(&submitted, |body| outcome(&submitted, body, &body.ticket.cell()))
    }
}

fn outcome(document: &Document<RemovalRequest>, body: &RemovalRequest, name: &str) -> String {
    let state = text::word(&body.state);
    let at = body.removed_at.clone().unwrap_or_else(|| body.due_at.clone());
    document.outcome(&[&state, &body.zone, &body.subject, &at, name])
}

impl ListRemovals {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["removal-requests"], query: &self, limit: self.limit };
        list.print::<RemovalPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(request: &RemovalRequest) -> [String; 7] {
    [
        request.id.cell(),
        text::word(&request.state),
        request.zone.cell(),
        request.subject.cell(),
        request.requested_at.cell(),
        request.due_at.cell(),
        request.requested_by.cell(),
    ]
}
