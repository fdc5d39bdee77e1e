//! `dnsblctl token`: who may use the API.

use std::process::ExitCode;

use admin_api_types as api;
use anyhow::Context;
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use reqwest::{Method, header::IF_MATCH};

use crate::{
    args::{parse_duration, parse_time},
    client::Client,
    document::{Deletion, Document},
    output::{self, Output},
    path::parse_segment,
    text::{self, Cell},
};

const LIST_NOTES: &str = "\
Each line tells the id, the name, the role or the scopes, the zones, the largest prefixes, the networks, the requests a
minute, when it expires and when it was last used.

Examples:
  dnsblctl token list
  dnsblctl token list --json";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl token show 7f3a90c2d5b81e46";

/// The scopes and roles stand in one place only.
fn create_notes() -> String {
    let mut notes = format!("Scopes:\n{}\nRoles:\n", wrapped(api::SCOPES.iter().copied()));
    for role in api::ROLES {
        notes.push_str(&format!("  {}: {}\n", role.name, role.about));
        if role.scopes().count() < api::SCOPES.len() {
            notes.push_str(&wrapped(role.scopes()));
        }
    }
    format!("{notes}\n{CREATE_NOTES}")
}

/// Words in lines of a terminal.
fn wrapped<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < 98 => *line = format!("{line} {word}"),
            _ => lines.push(format!("    {word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

const CREATE_NOTES: &str = "\
The token alone goes to standard output; the server never shows it again. The name is the source of
what the token lists, and no other live token has it. It writes and deletes as that source and as those
that --source names; all others need the scope sources:all. It has nothing that the token in use lacks,
expires with it at the latest, and is deleted with it.

With --zone it sees and changes these zones alone. With --max-prefix-ipv4 and --max-prefix-ipv6 it
changes no larger prefixes; where one of the two is left out, single addresses of that family.

Examples:
  (umask 077; dnsblctl token create honeypot --role submitter --zone bl.example.org > honeypot.token)
  dnsblctl token create feeds --scope imports:write --source ipsum,drop --expires-at 2030-01-31
  dnsblctl token create scripts --scope listings:write --max-prefix-ipv4 24 --network 192.0.2.0/28
  dnsblctl token create monitor --role reader --requests-per-minute 60 --expires-in 52w";

const SET_NOTES: &str = "\
What is not said stays as it is. --all-zones, --any-prefix, --any-network, --any-rate, --no-expiry and
--no-sources take something away. Other scopes or another role take the place of those that it has.
What was made with the token loses what it loses.

Examples:
  dnsblctl token set 7f3a90c2d5b81e46 --role reviewer
  dnsblctl token set 7f3a90c2d5b81e46 --network 192.0.2.0/24 --requests-per-minute 600
  dnsblctl token set 7f3a90c2d5b81e46 --any-network --expires-at 2030-01-31";

const DELETE_NOTES: &str = "\
Tokens that were made with it are deleted too. The last token that may make tokens goes only with --yes:
after that, new ones are made by `dnsbl-server token create` while the server is stopped.

Examples:
  dnsblctl token delete 7f3a90c2d5b81e46
  dnsblctl token delete 7f3a90c2d5b81e46 --yes";

const ROTATE_NOTES: &str = "\
The new token alone goes to standard output. The old one counts no more, or as long as --overlap says, at
most 30d. Id, name, scopes and limits stay, and so do the tokens that were made with it.

Examples:
  (umask 077; dnsblctl token rotate 7f3a90c2d5b81e46 > admin.token.new) && mv admin.token.new admin.token
  (umask 077; dnsblctl token rotate 7f3a90c2d5b81e46 --overlap 7d > feeds.token)";

/// Lists, creates, changes, rotates and deletes tokens
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Lists the tokens, without their secrets
    #[command(after_help = LIST_NOTES)]
    List,
    Show(ShowToken),
    Create(CreateToken),
    Set(SetToken),
    Rotate(RotateToken),
    #[command(visible_alias = "revoke")]
    Delete(DeleteToken),
}

/// Shows a token, without its secrets
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowToken {
    /// Its id, as `token list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
}

/// Creates a token and prints it
#[derive(Args)]
#[command(after_help = create_notes())]
pub(crate) struct CreateToken {
    /// Its name
    name: String,
    #[command(flatten)]
    terms: Terms,
}

/// What a token may do, and for how long; what is not said is not sent.
#[derive(Args)]
struct Terms {
    /// A ready-made set of scopes
    #[arg(long, value_parser = PossibleValuesParser::new(api::ROLES.iter().map(|role| role.name)))]
    role: Option<String>,
    /// What it may do, beside what the role may; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// A source that it writes and deletes as beside its name; may be given several times
    #[arg(long = "source", value_name = "NAME", value_delimiter = ',')]
    sources: Vec<String>,
    /// A zone that it may see and change; may be given several times; all zones unless given
    #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',')]
    zones: Vec<String>,
    /// The length of the largest IPv4 prefix that it may change, such as 24
    #[arg(long, value_name = "LENGTH", value_parser = clap::value_parser!(u8).range(..=32))]
    max_prefix_ipv4: Option<u8>,
    /// The length of the largest IPv6 prefix that it may change, such as 48
    #[arg(long, value_name = "LENGTH", value_parser = clap::value_parser!(u8).range(..=128))]
    max_prefix_ipv6: Option<u8>,
    /// An address or prefix that it may be used from; may be given several times; any unless given
    #[arg(long = "network", value_name = "PREFIX", value_delimiter = ',')]
    networks: Vec<String>,
    /// How many requests it may make in a minute
    #[arg(long, value_name = "COUNT")]
    requests_per_minute: Option<u32>,
    /// How long it is good, such as 36h or 52w; as long as the token in use unless given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<u64>,
    /// Until when it is good, such as 2030-01-31 or 2030-01-31T12:00:00Z (UTC)
    #[arg(long, value_name = "TIME", conflicts_with = "expires_in", value_parser = parse_time)]
    expires_at: Option<String>,
}

/// Changes what a token may do
#[derive(Args)]
#[command(after_help = SET_NOTES)]
pub(crate) struct SetToken {
    /// Its id, as `token list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    #[command(flatten)]
    terms: Terms,
    /// It writes as its own name only
    #[arg(long, conflicts_with = "sources")]
    no_sources: bool,
    /// It sees and changes all zones
    #[arg(long, conflicts_with = "zones")]
    all_zones: bool,
    /// It changes prefixes of any size
    #[arg(long, conflicts_with_all = ["max_prefix_ipv4", "max_prefix_ipv6"])]
    any_prefix: bool,
    /// It is used from anywhere
    #[arg(long, conflicts_with = "networks")]
    any_network: bool,
    /// It makes as many requests as it likes
    #[arg(long, conflicts_with = "requests_per_minute")]
    any_rate: bool,
    /// It does not expire
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    no_expiry: bool,
    /// Also where nobody is left who may make tokens
    #[arg(long)]
    yes: bool,
}

/// Gives a token another secret and prints it
#[derive(Args)]
#[command(after_help = ROTATE_NOTES)]
pub(crate) struct RotateToken {
    /// Its id, as `token list` tells
    #[arg(value_parser = parse_segment)]
    id: String,
    /// How long the old secrets count yet, such as 12h or 7d; they end at once unless given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    overlap: Option<u64>,
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
            Self::Show(show) => output.document(&find(client, &show.id).await?, text::members)?,
            Self::Create(create) => create.run(client, output).await?,
            Self::Set(set) => set.run(client, output).await?,
            Self::Rotate(RotateToken { id, overlap }) => {
                let request = client.v1(Method::POST, &["tokens", &id, "rotate"]);
                let request = request.json(&api::RotateTokenBody { overlap });
                hand_over(client.ask(request).await?, output)?;
            }
            Self::Delete(delete) => delete.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn find(client: &Client, id: &str) -> anyhow::Result<Document<api::Token>> {
    client.ask(client.v1(Method::GET, &["tokens", id])).await
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let tokens = client.ask::<api::Tokens>(client.v1(Method::GET, &["tokens"])).await?;
    let columns = [
        "id",
        "name",
        "may",
        "sources",
        "zones",
        "max_prefix",
        "networks",
        "per_minute",
        "parent",
        "created_at",
        "expires_at",
        "last_used_at",
    ];
    output.table(&tokens, columns, &tokens.body.tokens, |token| {
        let api::TokenTerms { zones, max_prefix, networks, requests_per_minute } = &token.terms;
        let max_prefix = max_prefix.map(|max| format!("/{},/{}", max.ipv4, max.ipv6));
        [
            token.id.cell(),
            token.name.cell(),
            token.role.as_ref().map_or_else(|| token.scopes.cell(), Cell::cell),
            token.sources.cell(),
            zones.cell(),
            max_prefix.cell(),
            networks.cell(),
            requests_per_minute.cell(),
            token.parent.cell(),
            token.created_at.cell(),
            token.expires_at.cell(),
            token.last_used_at.cell(),
        ]
    })
}

impl Terms {
    /// The largest prefixes, if one is said; the other is as it was, or that of single addresses.
    fn max_prefix(&self, found: Option<api::MaxPrefix>) -> Option<api::MaxPrefix> {
        if self.max_prefix_ipv4.is_none() && self.max_prefix_ipv6.is_none() {
            return found;
        }
        let (ipv4, ipv6) = found
            .map_or((api::MaxPrefix::IPV4_ADDRESS, api::MaxPrefix::IPV6_ADDRESS), |found| {
                (found.ipv4, found.ipv6)
            });
        Some(api::MaxPrefix {
            ipv4: self.max_prefix_ipv4.unwrap_or(ipv4),
            ipv6: self.max_prefix_ipv6.unwrap_or(ipv6),
        })
    }
}

impl CreateToken {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let max_prefix = self.terms.max_prefix(None);
        let Terms {
            role,
            scopes,
            sources,
            zones,
            networks,
            requests_per_minute,
            expires_in,
            expires_at,
            ..
        } = self.terms;
        let body = api::TokenBody {
            name: self.name,
            role,
            scopes,
            sources,
            zones,
            max_prefix,
            networks,
            requests_per_minute,
            expires_at,
            expires_in,
        };
        let request = client.v1(Method::POST, &["tokens"]).json(&body);
        hand_over(client.ask(request).await?, output)
    }
}

impl SetToken {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let found = find(client, &self.id).await?;
        let etag = found.headers.get("etag").context("the answer has no entity tag")?.clone();
        let force = self.yes.then_some(("force", "1"));
        let request = client.v1(Method::PUT, &["tokens", &self.id]).header(IF_MATCH, etag);
        let request = request.query(force.as_slice()).json(&self.merged(found.body));
        let put = client.ask::<api::Token>(request).await?;
        output.document(&put, text::members)
    }

    /// The terms as they are, with those of the command line in their places.
    fn merged(self, found: api::Token) -> api::TokenTermsBody {
        let max_prefix = self.terms.max_prefix(found.terms.max_prefix);
        let Terms { role, scopes, sources, zones, networks, requests_per_minute, .. } = self.terms;
        let (expires_in, expires_at) = (self.terms.expires_in, self.terms.expires_at);
        let or = |said: Vec<String>, found: Vec<String>, none: bool| match (said.is_empty(), none) {
            (true, true) => Vec::new(),
            (true, false) => found,
            (false, _) => said,
        };
        let has_scopes = role.is_some() || !scopes.is_empty();
        let kept = found.expires_at.filter(|_| expires_in.is_none() && !self.no_expiry);
        api::TokenTermsBody {
            role,
            scopes: if has_scopes { scopes } else { found.scopes },
            sources: or(sources, found.sources, self.no_sources),
            zones: or(zones, found.terms.zones, self.all_zones),
            max_prefix: max_prefix.filter(|_| !self.any_prefix),
            networks: or(networks, found.terms.networks, self.any_network),
            requests_per_minute: requests_per_minute
                .or(found.terms.requests_per_minute.filter(|_| !self.any_rate)),
            expires_at: expires_at.or(kept),
            expires_in,
        }
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        set: SetToken,
    }

    fn merged(options: &[&str]) -> api::TokenTermsBody {
        let found = serde_json::json!({
            "id": "7", "name": "a", "role": null, "scopes": ["zones:read"], "sources": ["drop"],
            "zones": ["bl.example.org"], "max_prefix": {"ipv4": 24, "ipv6": 48},
            "networks": ["192.0.2.0/24"], "requests_per_minute": 60, "parent": null,
            "created_at": "2030-01-01T00:00:00Z", "expires_at": "2031-01-01T00:00:00Z",
            "secrets": [], "last_used_at": null, "last_used_from": null
        });
        let line = Line::parse_from([&["set", "7"], options].concat());
        line.set.merged(serde_json::from_value(found).unwrap())
    }

    #[test]
    fn what_is_not_said_stays_and_what_is_taken_away_goes() {
        let same = merged(&[]);
        assert_eq!((same.scopes, same.sources), (vec!["zones:read".into()], vec!["drop".into()]));
        assert_eq!(same.max_prefix, Some(api::MaxPrefix { ipv4: 24, ipv6: 48 }));
        assert_eq!(same.expires_at.as_deref(), Some("2031-01-01T00:00:00Z"));
        let other = merged(&["--role", "reader", "--max-prefix-ipv4", "32", "--expires-in", "1h"]);
        assert_eq!((other.role.as_deref(), other.scopes.len()), (Some("reader"), 0));
        assert_eq!(other.max_prefix, Some(api::MaxPrefix { ipv4: 32, ipv6: 48 }));
        assert_eq!((other.expires_at, other.expires_in), (None, Some(3600)));
        let none = merged(&[
            "--all-zones",
            "--any-prefix",
            "--any-network",
            "--any-rate",
            "--no-expiry",
            "--no-sources",
        ]);
        assert!(none.zones.is_empty() && none.networks.is_empty() && none.sources.is_empty());
        assert_eq!(
            (none.max_prefix, none.requests_per_minute, none.expires_at),
            (None, None, None)
        );
    }
}
