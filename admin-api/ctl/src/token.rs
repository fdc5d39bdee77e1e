//! `dnsblctl token`: who may use the API.

use std::process::ExitCode;

use admin_api_types as api;
use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{
    args::{parse_duration, parse_time},
    client::Client,
    document::{Deletion, Document},
    output::{self, Output},
    path::parse_segment,
    text::{self, Cell},
};

const LIST_NOTES: &str = "\
Each line tells the id, the name, the scopes, the sources that it writes as beside its name, the token
that it was made with, when it was created and when it expires.

Examples:
  dnsblctl token list
  dnsblctl token list --json";

/// The scopes stand in one place only.
fn create_notes() -> String {
    let mut lines = vec![String::from("Scopes:")];
    for scope in api::SCOPES {
        match lines.last_mut() {
            Some(line) if line.len() + scope.len() < 98 => *line = format!("{line} {scope}"),
            _ => lines.push(format!("  {scope}")),
        }
    }
    format!("{}\n\n{CREATE_NOTES}", lines.join("\n"))
}

const CREATE_NOTES: &str = "\
The token alone goes to standard output; the server never shows it again. The name is the source of
what the token lists, and no other live token has it. It writes and deletes as that source and as those
that --source names; all others need the scope sources:all. It has no more scopes and sources than the
token in use, expires with it at the latest, and is deleted with it.

Examples:
  (umask 077; dnsblctl token create honeypot --scope listings:write > honeypot.token)
  dnsblctl token create feeds --scope imports:write --source ipsum,drop --expires-at 2030-01-31
  dnsblctl token create monitor --scope zones:read --scope metrics:read --expires-in 52w";

const DELETE_NOTES: &str = "\
Tokens that were made with it are deleted too. The last token that may make tokens goes only with --yes:
after that, new ones are made by `dnsbl-server token create` while the server is stopped.

Examples:
  dnsblctl token delete 7f3a90c2d5b81e46
  dnsblctl token delete 7f3a90c2d5b81e46 --yes";

const ROTATE_NOTES: &str = "\
The new token alone goes to standard output; the old one counts no more. Id, name, scopes and sources
stay, and so do the tokens that were made with it.

Examples:
  (umask 077; dnsblctl token rotate 7f3a90c2d5b81e46 > admin.token.new) && mv admin.token.new admin.token";

/// Lists, creates, rotates and deletes tokens
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Lists the tokens, without their secrets
    #[command(after_help = LIST_NOTES)]
    List,
    Create(CreateToken),
    Rotate(RotateToken),
    Delete(DeleteToken),
}

/// Creates a token and prints it
#[derive(Args)]
#[command(after_help = create_notes())]
pub(crate) struct CreateToken {
    /// Its name
    name: String,
    /// What it may do; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    /// A source that it writes and deletes as beside its name; may be given several times
    #[arg(long = "source", value_name = "NAME", value_delimiter = ',')]
    sources: Vec<String>,
    /// How long it is good, such as 36h or 52w; as long as the token in use unless given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<u64>,
    /// Until when it is good, such as 2030-01-31 or 2030-01-31T12:00:00Z (UTC)
    #[arg(long, value_name = "TIME", conflicts_with = "expires_in", value_parser = parse_time)]
    expires_at: Option<String>,
}

/// Gives a token another secret and prints it
#[derive(Args)]
#[command(after_help = ROTATE_NOTES)]
pub(crate) struct RotateToken {
    /// Its id, as `token list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Deletes a token: what holds it is locked out at once
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteToken {
    /// Its id, as `token list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    /// Also where nobody is left who may make tokens
    #[arg(long, alias = "force")]
    yes: bool,
}

impl TokenCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(client, output).await?,
            Self::Create(create) => create.run(client, output).await?,
            Self::Rotate(rotate) => {
                let path = ["tokens", &rotate.id, "rotate"];
                hand_over(client.ask(client.v1(Method::POST, &path)).await?, output)?;
            }
            Self::Delete(delete) => delete.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let tokens = client.ask::<api::Tokens>(client.v1(Method::GET, &["tokens"])).await?;
    let columns = ["id", "name", "scopes", "sources", "parent", "created_at", "expires_at"];
    output.table(&tokens, columns, &tokens.body.tokens, |token| {
        let api::Token { id, name, scopes, sources, parent, created_at, expires_at, .. } = token;
        let times = (created_at.cell(), expires_at.cell());
        [id.cell(), name.cell(), scopes.cell(), sources.cell(), parent.cell(), times.0, times.1]
    })
}

impl CreateToken {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let Self { name, scopes, sources, expires_in, expires_at } = self;
        let body = api::TokenBody { name, scopes, sources, expires_in, expires_at };
        let request = client.v1(Method::POST, &["tokens"]).json(&body);
        hand_over(client.ask(request).await?, output)
    }
}

/// Prints the secret alone, and the rest beside it.
fn hand_over(mut made: Document<api::Token>, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output::data(&made.text);
    }
    let token = made.body.token.take();
    output::note(text::members(&made.body).trim_end());
    let secret = token.context("the answer holds no token")?;
    output::print(&format!("{}\n", text::visible(&secret)))
}

impl DeleteToken {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::DELETE, &["tokens", &self.id]);
        let force = self.yes.then_some(("force", "1"));
        let gone: Deletion = client.ask(request.query(force.as_slice())).await?;
        output.deletion(&gone, &["deleted", &self.id])?;
        let revoked = gone.header("dnsbl-revoked").and_then(|count| count.parse::<u64>().ok());
        match revoked.unwrap_or(1) {
            0 | 1 => Ok(()),
            count => output.remark(&format!("and {} that were made with it", count - 1)),
        }
    }
}
