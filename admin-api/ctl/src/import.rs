//! `dnsblctl import`: a file into a zone.

mod result;

use std::{
    fs,
    io::{self, Cursor, Read},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use admin_api_types::ImportResult;
use anyhow::{Context, ensure};
use clap::Args;
use futures_util::{FutureExt, TryStreamExt};
use indicatif::ProgressBar;
use reqwest::{
    Body, Method, RequestBuilder,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use tokio::{
    io::AsyncReadExt,
    time::{Instant, sleep_until},
};
use tokio_util::io::ReaderStream;

use crate::{
    args::{Overrides, Query, parse_share},
    client::Client,
    format,
    output::Output,
    path::parse_segment,
    progress,
};

/// How much is read from the file at once.
const CHUNK: usize = 256 * 1024;

/// How long the server has to refuse before the file follows: what it says while it is still sent
/// to may be lost, as it then closes a connection that has unread data.
const HEAD_START: Duration = Duration::from_millis(100);

const NOTES: &str = "\
The file is streamed; gzip and zstd data are sent as they are, whatever the file is called. Without
--format its name decides (.csv, .ndjson, .jsonl, else plain). Prints how many listings were added,
updated, unchanged and removed, and how many lines were rejected; those, and warnings, are told on
standard error. docs/formats.md has the formats.

  plain   one subject a line, ! before it excludes; # and ; begin comments. What follows a blank is a
          comment too, but a line where it can be part of the subject or a value is rejected.
  csv     a header names the columns: subject, return_codes (with ; between them), reason, ...
  ndjson  one JSON object a line, with subject; what export --format ndjson writes
  rbldnsd a file of rbldnsd, as --dataset says: ip4set, ip4tset, ip4trie, ip6tset, ip6trie, dnset,
          generic, or combined:SUB for what a combined file has for a name below its zone
  ranges, netmask, netset, hosts, rpz, adblock: lists as others publish them; auto tells by the first lines
  csv, ndjson and json of others: --field names the column or member that holds the subjects

example.com lists that name alone, not www.example.com; *.example.com lists all names below it.

  upsert          adds and updates; a rejected line does not stop the rest
  replace-source  also removes what the source listed before and the file lacks; refused where a
                  line is rejected, no row is left, or more than a fifth (and more than four) would go

Without --source, rows of csv and ndjson that name a source stay that source's, which needs the scope
sources:all.

Exit status: 0 if lines were taken, even where others were rejected (not with --strict); 1 if the
server refused, also where lines were rejected and none was taken; then the zone is as it was.

Examples:
  dnsblctl import bl.example.org listings.txt
  dnsblctl import bl.example.org relays.ip4set --format rbldnsd --dataset ip4set --strict --dry-run
  dnsblctl import bl.example.org feed.csv.gz --source feed --mode replace-source --dry-run
  dnsblctl import bl.example.org feed.csv.gz --source feed --mode replace-source --max-removed 50%
  dnsblctl export bl.example.org --format ndjson | dnsblctl import copy.example.org - --format ndjson";

/// Imports a file into a zone
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Import {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// The file; - is standard input
    file: PathBuf,
    /// What the file holds
    #[arg(long, value_parser = format::reads())]
    format: Option<String>,
    /// The type of the data set, for --format rbldnsd
    #[arg(long, value_name = "TYPE", value_parser = format::dataset, required_if_eq("format", "rbldnsd"))]
    dataset: Option<String>,
    /// Where the subjects stand in csv, ndjson and json of others: a column, or members with dots in between
    #[arg(long)]
    field: Option<String>,
    /// Who says so, whatever the rows say; else what they say, or the name of the token
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// What becomes of listings that the file lacks
    #[arg(long, value_parser = ["upsert", "replace-source"])]
    mode: Option<String>,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
    /// What it may do, or nothing changes, as in added:0..5000,removed:..20
    #[arg(long, value_name = "RANGES")]
    expect_delta: Option<String>,
    /// Change nothing if any line is rejected
    #[arg(long, conflicts_with = "allow_rejected")]
    strict: bool,
    /// Replace even where lines are rejected
    #[arg(long)]
    allow_rejected: bool,
    /// Replace even where up to this share of the source's listings would go
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    max_removed: Option<f64>,
    #[command(flatten)]
    overrides: Overrides,
}

impl Import {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let (mut file, size) = open(&self.file)?;
        let mut head = Vec::new();
        file.by_ref().take(format::HEAD as u64).read_to_end(&mut head)?;
        let packing = format::packing(&head);
        let bar = progress::bar(size)?;
        let sent = client.send(self.request(client, (head, file), packing, &bar)).await;
        bar.finish_and_clear();
        let answer = sent.inspect_err(|err| result::explain(err, output))?;
        let imported = client.document::<ImportResult>(answer).await?;
        output.document(&imported, |result| result::line(result, self.dry_run))?;
        result::complain(&imported.body.counts, &imported.body.report, output);
        Ok(ExitCode::SUCCESS)
    }

    fn request(
        &self,
        client: &Client,
        (head, file): (Vec<u8>, fs::File),
        packing: Option<&str>,
        bar: &ProgressBar,
    ) -> RequestBuilder {
        let bar = bar.clone();
        let file = AsyncReadExt::chain(Cursor::new(head), tokio::fs::File::from_std(file));
        let chunks = ReaderStream::with_capacity(file, CHUNK);
        let chunks = chunks.inspect_ok(move |chunk| bar.inc(chunk.len() as u64));
        let mut request = client
            .v1(Method::POST, &["zones", &self.zone, "import"])
            .query(&self.query())
            .header(CONTENT_TYPE, "application/octet-stream");
        if let Some(packing) = packing {
            request = request.header(CONTENT_ENCODING, packing);
        }
        let late = async {
            sleep_until(Instant::now() + HEAD_START).await;
            chunks
        };
        request.body(Body::wrap_stream(late.flatten_stream()))
    }

    fn query(&self) -> Query {
        let format: &str = match &self.format {
            Some(format) => format,
            None => format::guess(&self.file),
        };
        let options = [
            ("format", Some(format.to_owned())),
            ("dataset", self.dataset.clone()),
            ("field", self.field.clone()),
            ("source", self.source.clone()),
            ("mode", self.mode.clone()),
            ("dry_run", self.dry_run.then(|| "1".to_owned())),
            ("expect_delta", self.expect_delta.clone()),
            ("strict", self.strict.then(|| "1".to_owned())),
            ("allow_rejected", self.allow_rejected.then(|| "1".to_owned())),
            ("max_removed", self.max_removed.map(|share| share.to_string())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.chain(self.overrides.query()).collect()
    }
}

/// Opens the file, or takes standard input, and tells its size where it has one.
fn open(path: &Path) -> anyhow::Result<(fs::File, Option<u64>)> {
    let shown = path.display();
    let opened = match path == Path::new("-") {
        true => io::stdin().as_fd().try_clone_to_owned().map(fs::File::from),
        false => fs::File::open(path),
    };
    let file = opened.with_context(|| format!("cannot open {shown}"))?;
    let metadata = file.metadata()?;
    ensure!(!metadata.is_dir(), "{shown} is a directory");
    Ok((file, metadata.is_file().then_some(metadata.len())))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Import;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        import: Import,
    }

    /// Newcomer A1: the help offered what the server refuses.
    #[test]
    fn the_help_offers_only_what_is_built() {
        let help = Line::command().render_long_help().to_string();
        assert!(
            help.contains("[possible values: plain, ndjson, csv, rbldnsd, json, ranges"),
            "{help}"
        );
        assert!(help.contains("ip6tset, ip6trie, dnset,") && !help.contains("bind"), "{help}");
    }

    fn query(line: &str) -> String {
        let words = ["import", "bl.example.org"].into_iter();
        let line = Line::try_parse_from(words.chain(line.split_whitespace())).unwrap();
        let pairs = line.import.query().into_iter();
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    #[test]
    fn only_what_is_said_is_asked_for() {
        assert_eq!(query("-"), "format=plain");
        assert_eq!(query("feed.csv.zst --format ndjson"), "format=ndjson");
        assert_eq!(
            query("feed.csv.gz --dry-run --allow-rejected --override special-use,short-prefix"),
            "format=csv&dry_run=1&allow_rejected=1&override=special-use,short-prefix"
        );
        assert_eq!(
            query("feed.jsonl --mode replace-source --max-removed 0.5"),
            "format=ndjson&mode=replace-source&max_removed=0.5"
        );
        assert_eq!(query("- --format json --field data.ip"), "format=json&field=data.ip");
        assert_eq!(
            query("- --strict --format rbldnsd --dataset dnset"),
            "format=rbldnsd&dataset=dnset&strict=1"
        );
    }
}
