//! `dnsblctl purge`: removing many listings at once.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use admin_api_types::{PurgeBody, PurgeResult};
use anyhow::ensure;
use clap::Args;
use reqwest::{Method, header::CONTENT_TYPE};

use crate::{
    args::parse_time,
    client::Client,
    document::Document,
    output::{self, Output},
    text::Cell,
};

const NOTES: &str = "\
Removes the listings of which all holds that is said, as one change, which `undo` takes back. It is counted first; the
number is asked for on a terminal, and given as --expect elsewhere. Where the number is another one by then, nothing goes.

Examples:
  dnsblctl purge bl.example.org --source feed --dry-run
  dnsblctl purge bl.example.org --source feed --expect 1200
  dnsblctl purge bl.example.org dbl.example.org --tag campaign-7
  dnsblctl purge bl.example.org --import 0000002a
  dnsblctl purge bl.example.org --source feed --from 2026-01-31 --until 2026-02-01";

/// Removes the listings of a source, with a tag, of an import or of a time
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Purge {
    /// The zones
    #[arg(required = true)]
    zones: Vec<String>,
    /// By this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// With this tag
    #[arg(long)]
    tag: Option<String>,
    /// As this import wrote them
    #[arg(long, value_name = "ID")]
    import: Option<String>,
    /// Listed since then: a date, or a time such as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<String>,
    /// Listed before then
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<String>,
    /// How many will go; else it is asked for
    #[arg(long, value_name = "COUNT")]
    expect: Option<u64>,
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
}

impl Purge {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let mut body = PurgeBody {
            zones: self.zones,
            source: self.source,
            tag: self.tag,
            import: self.import,
            listed_from: self.from,
            listed_until: self.until,
            expect: self.expect,
        };
        if self.dry_run {
            show(&ask(client, &body, true).await?, output)?;
            return Ok(ExitCode::SUCCESS);
        }
        if body.expect.is_none() {
            body.expect = Some(confirm(&ask(client, &body, true).await?)?);
        }
        let done = ask(client, &body, false).await?;
        output.document(&done, |result| done.outcome(&["purged", &result.count.to_string()]))?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn ask(
    client: &Client,
    body: &PurgeBody,
    dry_run: bool,
) -> anyhow::Result<Document<PurgeResult>> {
    let mut request = client.v1(Method::POST, &["purge"]);
    if dry_run {
        request = request.query(&[("dry_run", "1")]);
    }
    let request = request.header(CONTENT_TYPE, "application/json");
    let request = request.body(serde_json::to_string(body)?);
    // It may take as long as an import.
    client.document(client.send(request).await?).await
}

fn show(result: &Document<PurgeResult>, output: Output) -> anyhow::Result<()> {
    let columns = ["zone", "source", "listings", "exclusions"];
    output.table(result, columns, &result.body.sources, |purged| {
        let (listings, exclusions) = (purged.listings.cell(), purged.exclusions.cell());
        [purged.zone.cell(), purged.source.cell(), listings, exclusions]
    })
}

/// Has the operator type how many will go.
fn confirm(found: &Document<PurgeResult>) -> anyhow::Result<u64> {
    ensure!(
        io::stdin().is_terminal(),
        "a purge takes the number of listings that will go: say --expect COUNT where nobody can be asked"
    );
    show(found, Output::new(false))?;
    let count = found.body.count;
    write!(io::stderr(), "Type {count} to remove so many listings: ")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    ensure!(line.trim() == count.to_string(), "nothing purged");
    output::note("purging");
    Ok(count)
}
