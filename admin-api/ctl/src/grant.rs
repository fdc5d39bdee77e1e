//! `dnsblctl grant`: who may send by virtue of a login.

use std::process::ExitCode;

use admin_api_types::{Grant, GrantPage};
use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{
    client::Client, document::Deletion, output::Output, pages::List, path::parse_segment,
    text::Cell,
};

const COLUMNS: [&str; 7] = ["zone", "address", "since", "until", "users", "service", "via"];

const LIST_NOTES: &str = "\
Each line tells the zone, the address, since when and until when it has a grant, whose logins it rests on,
and the service and the way of the last one. --ended shows those that an address had.

Examples:
  dnsblctl grant list
  dnsblctl grant list --zone popauth.example.org --json | jq -r '.grants[].address'
  dnsblctl grant list --address 192.0.2.55
  dnsblctl grant list --address 192.0.2.55 --ended";

const REVOKE_NOTES: &str = "\
Whoever logged in from there: the next login grants anew. To keep an address from being granted anything,
exclude it.

Examples:
  dnsblctl grant revoke popauth.example.org 192.0.2.55
  dnsblctl listing put popauth.example.org 192.0.2.55 --exclusion";

/// Lists and revokes what logins have granted
#[derive(Subcommand)]
pub(crate) enum GrantCommand {
    List(ListGrants),
    Revoke(RevokeGrant),
}

/// Lists grants
#[derive(Args)]
#[command(after_help = LIST_NOTES)]
pub(crate) struct ListGrants {
    /// Only those of this zone
    #[arg(long)]
    zone: Option<String>,
    /// Only that of this address
    #[arg(long)]
    address: Option<String>,
    /// Those that the address had
    #[arg(long, requires = "address")]
    ended: bool,
}

/// Revokes the grant of an address
#[derive(Args)]
#[command(after_help = REVOKE_NOTES)]
pub(crate) struct RevokeGrant {
    /// The allow zone
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// The address
    #[arg(value_parser = parse_segment)]
    address: String,
}

impl GrantCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(client, output).await?,
            Self::Revoke(revoke) => revoke.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ListGrants {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let Self { zone, address, ended } = self;
        let query = (("zone", zone), ("address", address), ("ended", ended.then_some(1)));
        let list = List { path: &["grants"], query: &query, limit: None };
        list.print::<GrantPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(grant: &Grant) -> [String; 7] {
    let users: Vec<&str> =
        grant.holds.iter().map(|hold| hold.user.as_deref().unwrap_or("?")).collect();
    let last = grant.holds.iter().max_by(|a, b| a.last.cmp(&b.last));
    [
        grant.zone.cell(),
        grant.address.cell(),
        grant.since.cell(),
        grant.until.cell(),
        users.join(",").cell(),
        last.map(|hold| hold.service.clone()).cell(),
        last.map(|hold| hold.via.clone()).cell(),
    ]
}

impl RevokeGrant {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::DELETE, &["grants", &self.zone, &self.address]);
        let gone: Deletion = client.ask(request).await?;
        output.deletion(&gone, &["revoked", &self.address])
    }
}
