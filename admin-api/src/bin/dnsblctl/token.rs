//! `dnsblctl token`: who may use the API.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;

use crate::{
    args::parse_duration,
    client::Client,
    output::{self, Output},
    path::parse_segment,
    text,
};

const LIST_NOTES: &str = "\
Each line tells the id, the name, the scopes, when it was created and when it expires.

Examples:
  dnsblctl token list
  dnsblctl token list --json";

const CREATE_NOTES: &str = "\
The token alone goes to standard output; the server never shows it again. The name is the source of
what the token lists.

Examples:
  (umask 077; dnsblctl token create honeypot --scope listings:write > honeypot.token)
  dnsblctl token create monitor --scope zones:read --scope metrics:read --expires-in 52w";

const DELETE_NOTES: &str = "\
Examples:
  dnsblctl token delete 7f3a";

/// Lists, creates and deletes tokens
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Lists the tokens, without their secrets
    #[command(after_help = LIST_NOTES)]
    List,
    Create(Create),
    Delete(Delete),
}

/// Creates a token and prints it
#[derive(Args, Serialize)]
#[command(after_help = CREATE_NOTES)]
pub(crate) struct Create {
    /// Its name
    name: String,
    /// What it may do; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    /// How long it is good, such as 36h or 52w; for ever unless given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

/// Deletes a token: what holds it is locked out at once
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct Delete {
    /// Its id, as `token list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

impl TokenCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(client, output).await?,
            Self::Create(create) => create.run(client, output).await?,
            Self::Delete(delete) => delete.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let tokens = client.ask(client.v1(Method::GET, &["tokens"])).await?;
    output.table(&tokens, "tokens", &["id", "name", "scopes", "created_at", "expires_at"])
}

impl Create {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::POST, &["tokens"]).json(&self);
        let mut created = client.ask(request).await?;
        if output.is_json() {
            return output::data(&created.text);
        }
        let members = created.value.as_object_mut();
        let token = members.and_then(|members| members.remove("token"));
        output::note(text::members(&created.value).trim_end());
        let token = token.context("the answer holds no token")?;
        output::print(&format!("{}\n", text::cell(&token)))
    }
}

impl Delete {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::DELETE, &["tokens", &self.id]);
        let gone = client.ask(request).await?;
        output.deletion(&gone, &["deleted", &self.id])
    }
}
