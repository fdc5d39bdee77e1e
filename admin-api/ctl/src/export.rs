//! `dnsblctl export`: a zone into a file.

mod part;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{bail, ensure};
use clap::Args;
use reqwest::{
    Method, Response,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use tokio::signal;

use self::part::Part;
use crate::{client::Client, format, output, path::parse_segment, progress};

const NOTES: &str = "\
Without --format the name of the file decides (.csv, .ndjson, .jsonl, else plain). The file appears
when it is complete: it is written as FILE.part, synced and renamed. With an export that is cut off
no file is left, and what stood there before stays; on standard output, look at the exit status.

Examples:
  dnsblctl export bl.example.org --output bl.csv
  dnsblctl export bl.example.org --format ndjson | zstd > bl.ndjson.zst
  dnsblctl export bl.example.org --source feed --tag reviewed --output feed.ndjson

An import reads ndjson and csv back with all that each source says; plain has each subject once.";

/// Exports a zone
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Export {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// What is written
    #[arg(long, value_parser = format::writes())]
    format: Option<String>,
    /// Only listings of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only listings with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// The file; standard output unless given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    /// Does it.
    pub(crate) async fn run(self, client: &Client) -> anyhow::Result<ExitCode> {
        let file = self.output.as_deref().filter(|file| *file != Path::new("-"));
        let format: &str = match &self.format {
            Some(format) => format,
            None => format::guess(file.unwrap_or("-".as_ref())),
        };
        let part = file.map(Part::create).transpose()?;
        let request = client.v1(Method::GET, &["zones", &self.zone, "export"]);
        let options = [
            ("format", Some(format)),
            ("source", self.source.as_deref()),
            ("tag", self.tag.as_deref()),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query: Vec<(&str, &str)> = given.collect();
        let response = client.send(request.query(&query)).await?;
        ensure_framed(&response)?;
        match part {
            Some(part) => to_file(client, response, part).await?,
            None => to_stdout(client, response).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Refuses an answer whose end nobody could tell from a lost connection.
fn ensure_framed(response: &Response) -> anyhow::Result<()> {
    let frames = [CONTENT_LENGTH, TRANSFER_ENCODING];
    let is_framed = frames.iter().any(|name| response.headers().contains_key(name));
    ensure!(is_framed, "the answer has no length: it could not be told whether it is complete");
    Ok(())
}

/// Copies until the end; an interrupt leaves no file either.
async fn to_file(client: &Client, response: Response, part: Part) -> anyhow::Result<()> {
    tokio::select! {
        copied = copy(client, response, part) => copied,
        _ = signal::ctrl_c() => bail!("interrupted; no file is left"),
    }
}

async fn copy(client: &Client, mut response: Response, mut part: Part) -> anyhow::Result<()> {
    let bar = progress::bar(response.content_length())?;
    while let Some(chunk) = response.chunk().await.map_err(|err| client.trouble(err))? {
        part.write(&chunk)?;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    part.finish()
}

async fn to_stdout(client: &Client, mut response: Response) -> anyhow::Result<()> {
    if output::is_terminal() {
        return to_terminal(client, response).await;
    }
    while let Some(chunk) = response.chunk().await.map_err(|err| client.trouble(err))? {
        output::write(&chunk)?;
    }
    Ok(())
}

async fn to_terminal(client: &Client, response: Response) -> anyhow::Result<()> {
    let mut lines = client.lines(response);
    while let Some(line) = lines.next_line().await? {
        output::data(&line)?;
    }
    Ok(())
}
