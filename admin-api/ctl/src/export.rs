//! `dnsblctl export`: a zone into a file, or zones into a folder that follows them.

mod frame;
mod mirror;
mod order;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{bail, ensure};
use clap::Args;
use reqwest::Response;
use tokio::signal;

use self::{frame::ensure_framed, mirror::Mirror, order::Order};
use crate::{
    client::Client,
    format,
    output::{self, Output},
    part::Part,
    path::parse_segment,
    progress,
};

const NOTES: &str = "\
Without --format the name of the file decides (.csv, .ndjson, .jsonl, else plain). The file appears
when it is complete: it is written as FILE.part, synced and renamed. With an export that is cut off
no file is left, and what stood there before stays; on standard output, look at the exit status.

An import reads ndjson and csv back with all that each source says; plain has each subject once.
rbldnsd, bind and rpz are files for other servers, which answer the same by them: `#` or `;` and
`end of ZONE` is their last line. An IP zone takes two data sets of rbldnsd, ip4set and ip6trie, or
one that is combined.

--to writes a file for each zone, format and data set, such as bl.example.org.ip4set. With --watch it
stays, and replaces a file whenever something has changed; where the server can't be asked, or says
no, the files stay as they are, and it tries again later and later, up to five minutes. SIGTERM ends
it with 0.

Examples:
  dnsblctl export bl.example.org --output bl.csv
  dnsblctl export bl.example.org --format ndjson | zstd > bl.ndjson.zst
  dnsblctl export bl.example.org --source feed --tag reviewed --output feed.ndjson
  dnsblctl export bl.example.org --format rbldnsd --dataset ip4set,ip6trie --to /srv/mirror
  dnsblctl export bl.example.org dbl.example.org --format bind --to /srv/mirror --watch";

/// Exports zones
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Export {
    /// The zone's name; with --to there may be several
    #[arg(value_name = "ZONE", value_parser = parse_segment, required = true)]
    zones: Vec<String>,
    /// What is written; with --to there may be several, with commas
    #[arg(long, value_delimiter = ',', value_parser = format::writes())]
    format: Vec<String>,
    /// The type of rbldnsd's data set; with --to there may be several, with commas
    #[arg(long, value_name = "TYPE", value_delimiter = ',', value_parser = format::written_datasets())]
    dataset: Vec<String>,
    /// What a policy for addresses looks at, of rpz
    #[arg(long, value_parser = ["rpz-ip", "rpz-client-ip"])]
    trigger: Option<String>,
    /// The names of IPv4 addresses as IPv6 has them too, of bind: three times as many
    #[arg(long)]
    ipv6_forms: bool,
    /// The most names of a zone file, of bind
    #[arg(long, value_name = "N")]
    max_names: Option<u64>,
    /// Only listings of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only listings with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// The file; standard output unless given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A folder for a file of each zone and format
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    to: Option<PathBuf>,
    /// Stay, and replace files when something changes
    #[arg(long, requires = "to")]
    watch: bool,
    /// How often the server is asked whether something changed
    #[arg(long, value_name = "SECONDS", requires = "watch", default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    every: u32,
}

impl Export {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        if let Some(folder) = &self.to {
            let mut mirror = Mirror::new(folder, self.orders(&["plain"]));
            return match self.watch {
                true => mirror.watch(client, output, Duration::from_secs(self.every.into())).await,
                false => mirror.write(client, output).await,
            };
        }
        let file = self.output.as_deref().filter(|file| *file != Path::new("-"));
        let guess = format::guess(file.unwrap_or("-".as_ref()));
        let orders = self.orders(&[guess]);
        let [order] = orders.as_slice() else {
            bail!("several files need a folder: --to DIR");
        };
        let part = file.map(begin).transpose()?;
        let response = client.send(order.request(client)).await?;
        ensure_framed(&response)?;
        match part {
            Some(part) => to_file(client, response, part).await?,
            None => to_stdout(client, response).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is asked for, a file each.
    fn orders(&self, default: &[&str]) -> Vec<Order> {
        let formats: Vec<&str> = match self.format.as_slice() {
            [] => default.to_vec(),
            given => given.iter().map(String::as_str).collect(),
        };
        let mut orders = Vec::new();
        for zone in &self.zones {
            for format in &formats {
                // Where there is one format the server says what does not belong to it.
                let has = |of: &str| *format == of || formats.len() == 1;
                let data_sets: Vec<Option<&String>> = match self.dataset.as_slice() {
                    given @ [_, ..] if has("rbldnsd") => given.iter().map(Some).collect(),
                    _ => vec![None],
                };
                orders.extend(data_sets.into_iter().map(|data_set| Order {
                    zone: zone.clone(),
                    format: (*format).to_owned(),
                    data_set: data_set.cloned(),
                    trigger: self.trigger.clone().filter(|_| has("rpz")),
                    ipv6_forms: self.ipv6_forms && has("bind"),
                    max_names: self.max_names.filter(|_| has("bind")),
                    source: self.source.clone(),
                    tag: self.tag.clone(),
                }));
            }
        }
        orders
    }
}

fn begin(file: &Path) -> anyhow::Result<Part> {
    let shown = file.display();
    ensure!(
        format::encoding(file).is_none(),
        "an export is not compressed: pipe it through gzip or zstd for {shown}"
    );
    Part::create(file)
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

#[cfg(test)]
mod tests {
    use super::begin;

    #[test]
    fn no_export_is_said_to_be_compressed() {
        let directory = tempfile::tempdir().unwrap();
        assert!(begin(&directory.path().join("bl.txt.gz")).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
