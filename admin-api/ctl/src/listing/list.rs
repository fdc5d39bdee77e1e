//! `dnsblctl listing list`: the listings of a zone, page by page.

use admin_api_types::{Listing, ListingPage};
use clap::Args;
use serde::Serialize;

use crate::{client::Client, output::Output, pages::List, path::parse_segment, text::Cell};

const COLUMNS: [&str; 7] =
    ["subject", "kind", "source", "return_codes", "expires_at", "tags", "reason"];

const NOTES: &str = "\
Each line tells the subject, whether it is a listing or an exclusion, the source, the return codes,
when it expires, the tags and the reason; - is the zone's value, or nothing.

Examples:
  dnsblctl listing list bl.example.org
  dnsblctl listing list bl.example.org --subject 192.0.2.0/24 --match covered
  dnsblctl listing list bl.example.org --source honeypot --tag abuse --limit 20
  dnsblctl listing list bl.example.org --json | jq -r '.listings[].subject'";

/// Lists the listings of a zone
#[derive(Args, Serialize)]
#[command(after_help = NOTES)]
pub(crate) struct ListListings {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    #[serde(skip)]
    zone: String,
    /// Only what has to do with this address, prefix or domain
    #[arg(long)]
    subject: Option<String>,
    /// How listings match the subject
    #[arg(
        long = "match",
        value_name = "HOW",
        requires = "subject",
        value_parser = ["exact", "covering", "covered", "overlap"]
    )]
    #[serde(rename = "match")]
    matching: Option<String>,
    /// Only listings of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only listings with this tag
    #[arg(long)]
    tag: Option<String>,
    /// At most so many listings; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[serde(skip)]
    limit: Option<u64>,
}

impl ListListings {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let path = &["zones", &*self.zone, "listings"];
        let list = List { path, query: &self, limit: self.limit };
        list.print::<ListingPage, _>(client, output, COLUMNS, row).await
    }
}

fn row(listing: &Listing) -> [String; 7] {
    let kind = if listing.exclusion { "exclusion" } else { "listing" };
    [
        listing.subject.cell(),
        kind.cell(),
        listing.source.cell(),
        listing.return_codes.cell(),
        listing.expires_at.cell(),
        listing.tags.cell(),
        listing.reason.cell(),
    ]
}
