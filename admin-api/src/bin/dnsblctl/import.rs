//! `dnsblctl import`: a file into a zone.

mod result;

use std::{
    fs, io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::Args;
use futures_util::{FutureExt, TryStreamExt};
use indicatif::ProgressBar;
use reqwest::{
    Body, Method, RequestBuilder,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use tokio::time::sleep;
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
The file is streamed; .gz and .zst files are sent as they are. Without --format its name decides
(.csv, .ndjson, .jsonl, else plain). Prints how many listings were added, updated, unchanged and
removed, and how many lines were rejected; those are told on standard error.

  upsert          adds and updates; a rejected line does not stop the rest
  replace-source  also removes what the source listed before and the file lacks; refused where a
                  line is rejected, no row is left, or more than a fifth would go

Exit status: 0 even where lines were rejected, 1 if the server refused; then the zone is as it was.

Examples:
  dnsblctl import bl.example.org listings.txt
  dnsblctl import bl.example.org feed.csv.gz --source feed --mode replace-source --dry-run
  dnsblctl import bl.example.org feed.csv.gz --source feed --mode replace-source --max-removed 0.5
  generate | dnsblctl import bl.example.org - --format ndjson";

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
    #[arg(long, value_parser = ["plain", "ndjson", "csv", "rbldnsd"])]
    format: Option<String>,
    /// The rbldnsd dataset type, such as ip4set
    #[arg(long, value_name = "TYPE")]
    dataset: Option<String>,
    /// Who says so; the name of the token unless given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// What becomes of listings that the file lacks
    #[arg(long, value_parser = ["upsert", "replace-source"])]
    mode: Option<String>,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
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
        let (file, size) = open(&self.file)?;
        let bar = progress::bar(size)?;
        let answer = client.send(self.request(client, file, &bar)).await;
        bar.finish_and_clear();
        let answer = answer.inspect_err(|err| result::explain(err, output))?;
        let imported = client.document(answer).await?;
        let line = |value: &_| result::line(value, self.dry_run);
        output.document(&imported, line)?;
        result::complain(&imported.value, output);
        Ok(ExitCode::SUCCESS)
    }

    fn request(&self, client: &Client, file: fs::File, bar: &ProgressBar) -> RequestBuilder {
        let bar = bar.clone();
        let file = tokio::fs::File::from_std(file);
        let chunks = ReaderStream::with_capacity(file, CHUNK);
        let chunks = chunks.inspect_ok(move |chunk| bar.inc(chunk.len() as u64));
        let mut request = client
            .v1(Method::POST, &["zones", &self.zone, "import"])
            .query(&self.query())
            .header(CONTENT_TYPE, "application/octet-stream");
        if let Some(encoding) = format::encoding(&self.file) {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        let late = async {
            sleep(HEAD_START).await;
            chunks
        };
        request.body(Body::wrap_stream(late.flatten_stream()))
    }

    fn query(&self) -> Query {
        let format = self.format.as_deref();
        let format = format.unwrap_or_else(|| format::guess(&self.file));
        let given = [
            ("dataset", self.dataset.clone()),
            ("source", self.source.clone()),
            ("mode", self.mode.clone()),
            ("dry_run", self.dry_run.then(|| "1".to_owned())),
            ("allow_rejected", self.allow_rejected.then(|| "1".to_owned())),
            ("max_removed", self.max_removed.map(|share| share.to_string())),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let format = [("format", format.to_owned())].into_iter();
        format.chain(given).chain(self.overrides.query()).collect()
    }
}

/// Opens the file, or takes standard input, and tells its size where it has one.
fn open(path: &Path) -> anyhow::Result<(fs::File, Option<u64>)> {
    let shown = path.display();
    let file = match path == Path::new("-") {
        true => io::stdin().as_fd().try_clone_to_owned().map(fs::File::from),
        false => fs::File::open(path),
    };
    let file = file.with_context(|| format!("cannot open {shown}"))?;
    let metadata = file.metadata()?;
    ensure!(!metadata.is_dir(), "{shown} is a directory");
    Ok((file, metadata.is_file().then_some(metadata.len())))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Import;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        import: Import,
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
    }
}
