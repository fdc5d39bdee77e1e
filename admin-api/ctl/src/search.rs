//! `dnsblctl search`: listings of several zones, by all that can be asked of them.

use std::process::ExitCode;

use admin_api_types::{FoundListing, SearchCount, SearchPage};
use clap::Args;
use reqwest::Method;

use crate::{args::parse_time, client::Client, output::Output, pages::List, text::Cell};

const COLUMNS: [&str; 9] = [
    "zone",
    "subject",
    "kind",
    "source",
    "return_codes",
    "expires_at",
    "updated_at",
    "listed_by",
    "reason",
];

const NOTES: &str = "\
Each line tells the zone, the subject, whether it is a listing or an exclusion, the source, the return
codes, when it expires, when and by whom it was last changed, and the reason; - is the zone's value, or
nothing. All that is asked for must hold. With --count there is the number alone.

--code and --reason find what is answered: what a listing says itself, or else what its zone says for
it. --reason finds a part of the text, in capitals or not. Times are dates or RFC 3339.

Examples:
  dnsblctl search 192.0.2.99 --match covering
  dnsblctl search 192.0.2.0/24 --match covered --zone bl.example.org,spam.example.org
  dnsblctl search --reason phishing --code 127.0.0.4 --limit 20
  dnsblctl search --author alice --changed-from 2030-01-31
  dnsblctl search --expires-until 2030-02-07 --count
  dnsblctl search --never-expires --source manual --json | jq -r '.listings[].subject'";

/// Searches listings of all zones, or counts them
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Search {
    /// Only what has to do with this address, prefix or domain
    subject: Option<String>,
    /// How listings match the subject
    #[arg(
        long = "match",
        value_name = "HOW",
        requires = "subject",
        value_parser = ["exact", "covering", "covered", "overlap"]
    )]
    matching: Option<String>,
    /// Zone to search; all but allow zones unless given; may be given several times
    #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',')]
    zones: Vec<String>,
    /// Only listings of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only listings with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only what is answered with this return code
    #[arg(long)]
    code: Option<String>,
    /// Only what is answered with this text in its reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only what the token of this name wrote last
    #[arg(long, value_name = "TOKEN")]
    author: Option<String>,
    /// Only listings, or only exclusions
    #[arg(long, value_parser = ["listing", "exclusion"])]
    kind: Option<String>,
    /// Only what was first listed at this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    listed_from: Option<String>,
    /// Only what was first listed before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    listed_until: Option<String>,
    /// Only what last changed at this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    changed_from: Option<String>,
    /// Only what last changed before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    changed_until: Option<String>,
    /// Only what expires at this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_from: Option<String>,
    /// Only what expires before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_until: Option<String>,
    /// Only what never expires
    #[arg(long, conflicts_with_all = ["expires_from", "expires_until"])]
    never_expires: bool,
    /// Only tell how many there are
    #[arg(long, conflicts_with = "limit")]
    count: bool,
    /// At most so many listings; all unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Search {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self.count {
            true => self.count(client, output).await?,
            false => self.list(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, client: &Client, output: Output) -> anyhow::Result<()> {
        let list = List { path: &["search"], query: &self.query(), limit: self.limit };
        list.print::<SearchPage, _>(client, output, COLUMNS, row).await
    }

    /// Counts on where the server has looked for long enough.
    async fn count(&self, client: &Client, output: Output) -> anyhow::Result<()> {
        let (mut total, mut cursor) = (0, None::<String>);
        loop {
            let request = client.v1(Method::GET, &["search"]).query(&self.query());
            let request = request.query(&[("cursor", &cursor)]);
            let counted = client.ask::<SearchCount>(request).await?;
            total += counted.body.count;
            cursor = counted.body.next.clone();
            if output.is_json() || cursor.is_none() {
                output.document(&counted, |_| format!("{total}\n"))?;
            }
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn query(&self) -> [(&'static str, Option<String>); 17] {
        let flag = |is_set: bool| is_set.then(|| "1".to_owned());
        let zones = (!self.zones.is_empty()).then(|| self.zones.join(","));
        [
            ("zone", zones),
            ("subject", self.subject.clone()),
            ("match", self.matching.clone()),
            ("source", self.source.clone()),
            ("tag", self.tag.clone()),
            ("code", self.code.clone()),
            ("reason", self.reason.clone()),
            ("author", self.author.clone()),
            ("kind", self.kind.clone()),
            ("listed_from", self.listed_from.clone()),
            ("listed_until", self.listed_until.clone()),
            ("changed_from", self.changed_from.clone()),
            ("changed_until", self.changed_until.clone()),
            ("expires_from", self.expires_from.clone()),
            ("expires_until", self.expires_until.clone()),
            ("never_expires", flag(self.never_expires)),
            ("count", flag(self.count)),
        ]
    }
}

fn row(FoundListing { zone, listing }: &FoundListing) -> [String; 9] {
    let kind = if listing.exclusion { "exclusion" } else { "listing" };
    [
        zone.cell(),
        listing.subject.cell(),
        kind.cell(),
        listing.source.cell(),
        listing.return_codes.cell(),
        listing.expires_at.cell(),
        listing.updated_at.cell(),
        listing.listed_by.cell(),
        listing.reason.cell(),
    ]
}
