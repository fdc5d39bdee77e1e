//! `dnsblctl zone`: the zones that are served.

use std::{
    fs,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use admin_api_types as api;
use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use reqwest::{Method, StatusCode, header::CONTENT_TYPE};
use serde::{Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

use crate::{
    client::Client,
    document::Deletion,
    failure::Refusal,
    output::{self, Output},
    path::parse_segment,
    text::{self, Cell},
};

const LIST_NOTES: &str = "\
Each line tells the zone, its kind, how many listings it has, and its serial.

Examples:
  dnsblctl zone list
  dnsblctl zone list --json | jq -r '.zones[].zone'";

const SHOW_NOTES: &str = "\
Examples:
  dnsblctl zone show bl.example.org
  dnsblctl zone show bl.example.org --json > zone.json";

const PUT_NOTES: &str = "\
The file holds the whole zone; what it leaves out gets its default:

  {\"kind\": \"ip\", \"ns\": [\"ns1.example.org.\"], \"return_codes\": [\"127.0.0.2\"],
   \"reason\": \"Open relay $, see https://bl.example.org/lookup/$\"}

With \"reports\": {} it also takes reports, which wait for a reviewer; docs/reports.md has rules for them.

Without a file, the options make a zone, or change what they name of one that is there and leave the
rest (which needs the scope zones:read too).

Examples:
  dnsblctl zone put bl.example.org --kind ip --ns ns1.example.net. --ns ns2.example.net.
  dnsblctl zone put bl.example.org --reason 'Listed: $' --ttl 600
  dnsblctl zone put bl.example.org --file zone.json
  dnsblctl zone put old.example.org --state retired --test-entries-until 2027-06-30T00:00:00Z
  dnsblctl zone put popauth.example.org --kind allow --ns ns1.example.net. --lifetime 600
  dnsblctl zone put all.example.org --include relays.example.org=127.0.0.2 --include spam.example.org
  echo '{\"kind\": \"domain\", \"ns\": [\"ns1.example.org.\"]}' |
    dnsblctl zone put dbl.example.org --file -";

const DELETE_NOTES: &str = "\
Deletes the zone with all its listings. Asks for the name of the zone again on a terminal.

Examples:
  dnsblctl zone delete old.example.org
  dnsblctl zone delete old.example.org --yes";

/// Lists, shows, makes and deletes zones
#[derive(Subcommand)]
pub(crate) enum ZoneCommand {
    /// Lists the zones
    #[command(after_help = LIST_NOTES)]
    List,
    Show(ShowZone),
    Put(Box<PutZone>),
    Delete(DeleteZone),
}

/// Shows a zone
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct ShowZone {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
}

/// Makes a zone, or replaces its settings
#[derive(Args)]
#[command(after_help = PUT_NOTES)]
pub(crate) struct PutZone {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// JSON file with the settings; - is standard input
    #[arg(long, required_unless_present = "set", conflicts_with = "set")]
    file: Option<PathBuf>,
    #[command(flatten)]
    set: ZoneSettings,
}

/// Settings on the command line; what is not said is not sent.
#[derive(Args, Serialize)]
#[group(id = "set", multiple = true)]
struct ZoneSettings {
    /// What it lists
    #[arg(long, value_parser = ["ip", "domain", "allow"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// A name server; may be given several times
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ns: Vec<String>,
    /// Return code of listings without one of their own; may be given several times
    #[arg(long = "code", value_name = "CODE", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    return_codes: Vec<String>,
    /// Reason of listings without one of their own; $ stands for the subject asked for
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// TTL of positive answers
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u32>,
    /// TTL of negative answers
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_ttl: Option<u32>,
    /// TTL of answers at names above addresses, which are never listed themselves
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_ttl: Option<u32>,
    /// A zone whose listings are answered for here, too, with these codes in place of its own if any are given; may be
    /// given several times, and replaces those of before
    #[arg(long = "include", value_name = "ZONE[=CODE,CODE]", value_parser = parse_include)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    includes: Vec<api::Include>,
    /// frozen: nothing more is listed for now; retired: it has ended and lists nothing
    #[arg(long, value_parser = ["active", "frozen", "retired"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Of a retired zone: a TXT record at its apex
    #[arg(long, value_name = "TEXT", requires = "state")]
    #[serde(skip)]
    notice: Option<String>,
    /// Of a retired zone: until when its test entries are answered (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "state")]
    #[serde(skip)]
    test_entries_until: Option<String>,
    /// Of an allow zone: from a login to the end of what it grants
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    lifetime: Option<u32>,
    /// Of an allow zone: from a user's first login to the end of what renewals grant
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    longest: Option<u32>,
}

/// Deletes a zone and all its listings
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteZone {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

/// `ZONE`, or `ZONE=CODE,CODE`; the server checks both.
fn parse_include(text: &str) -> Result<api::Include, String> {
    let (zone, codes) = match text.split_once('=') {
        Some((zone, codes)) => (zone, Some(codes.split(',').map(str::to_owned).collect())),
        None => (text, None),
    };
    match zone {
        "" => Err("a zone comes first, such as relays.example.org=127.0.0.2".into()),
        zone => Ok(api::Include { zone: zone.to_owned(), return_codes: codes, reason: None }),
    }
}

impl ZoneCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(client, output).await?,
            Self::Show(show) => show.run(client, output).await?,
            Self::Put(put) => put.run(client, output).await?,
            Self::Delete(delete) => delete.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let zones = client.ask::<api::Zones>(client.v1(Method::GET, &["zones"])).await?;
    let columns = ["zone", "kind", "listings", "soa.serial"];
    output.table(&zones, columns, &zones.body.zones, |zone| {
        let kind = zone.kind.as_str().cell();
        [zone.zone.cell(), kind, zone.listings.cell(), zone.soa.serial.cell()]
    })
}

impl ShowZone {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let request = client.v1(Method::GET, &["zones", &self.zone]);
        output.document(&client.ask::<api::Zone>(request).await?, text::members)
    }
}

impl PutZone {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let settings = match &self.file {
            Some(file) => read(file)?,
            None => self.merged(client).await?,
        };
        let request = client.v1(Method::PUT, &["zones", &self.zone]);
        let request = request.header(CONTENT_TYPE, "application/json");
        let zone = client.ask::<api::Zone>(request.body(settings)).await?;
        let verb = if zone.created { "created" } else { "replaced" };
        output.document(&zone, |body| zone.outcome(&[verb, &body.zone]))?;
        output::warnings(zone.body.warnings.as_deref().unwrap_or_default(), output);
        Ok(())
    }

    /// The settings as they are, if there is such a zone, with those of the command line in their places.
    ///
    /// They are members of any name: what a newer server has besides would be reset if it were left out.
    async fn merged(&self, client: &Client) -> anyhow::Result<String> {
        let request = client.v1(Method::GET, &["zones", &self.zone]);
        let mut settings: Map<String, Value> = match client.ask(request).await {
            Ok(found) => found.body,
            Err(err) => match err.downcast_ref::<Refusal>() {
                Some(refusal) if refusal.status == StatusCode::NOT_FOUND => Map::new(),
                _ => return Err(err),
            },
        };
        // The serial as it reads back would be a floor, which is not what was asked for.
        if let Some(Value::Object(soa)) = settings.get_mut("soa") {
            soa.remove("serial");
        }
        if let Value::Object(set) = serde_json::to_value(&self.set)? {
            settings.extend(set);
        }
        let ZoneSettings { state, notice, test_entries_until, .. } = &self.set;
        if state.is_some() {
            settings.remove("retirement");
        }
        if notice.is_some() || test_entries_until.is_some() {
            let (notice, test_entries_until) = (notice.clone(), test_entries_until.clone());
            let retirement = api::Retirement { notice, test_entries_until };
            settings.insert("retirement".into(), serde_json::to_value(retirement)?);
        }
        Ok(Value::Object(settings).to_string())
    }
}

impl DeleteZone {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        if !self.yes {
            confirm(&self.zone)?;
        }
        let request = client.v1(Method::DELETE, &["zones", &self.zone]);
        let gone: Deletion = client.ask(request).await?;
        output.deletion(&gone, &["deleted", &self.zone])
    }
}

/// Reads the settings; that they are JSON is checked here, where the file's lines are known.
fn read(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let read = match file == Path::new("-") {
        true => io::read_to_string(io::stdin()),
        false => fs::read_to_string(file),
    };
    let text = read.with_context(|| format!("cannot read {shown}"))?;
    serde_json::from_str::<IgnoredAny>(&text).with_context(|| format!("{shown} is no JSON"))?;
    Ok(text)
}

/// Has the operator type the zone's name.
fn confirm(zone: &str) -> anyhow::Result<()> {
    ensure!(
        io::stdin().is_terminal(),
        "deleting a zone deletes its listings; say --yes where nobody can be asked"
    );
    let shown = text::visible(zone);
    write!(io::stderr(), "Type {shown} to delete it with all its listings: ")?;
    let mut line = [0; 1024];
    let len = io::stdin().read(&mut line)?;
    ensure!(line[..len].trim_ascii() == zone.as_bytes(), "nothing deleted");
    Ok(())
}
