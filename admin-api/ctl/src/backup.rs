//! `dnsblctl backup`: everything that the server keeps, in one file.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::Args;
use dnsbl_backup::{Manifest, Nowhere};
use reqwest::{Method, Response};
use serde_json::json;
use tokio::signal;

use crate::{
    client::Client,
    output::{self, Output},
    part::Part,
    progress,
};

const NOTES: &str = "\
The backup is of one moment: all changes up to one, and none behind it. The server goes on meanwhile. It holds zones, listings,
the change log, audit records, digests of tokens and subscribers; not the configuration, nor the files that it names.

FILE appears once all of it was received, verified and synced; what stood there before stays until then. Nobody but its owner
may read it. --verify reads a file and says what it is of, without a server; a single flipped bit is found. `dnsbl-server
restore FILE --config CONFIG` puts it in place. Needs the scope backup.

Exit status: 2 where the backup is damaged or cut off.

Examples:
  dnsblctl backup /var/backups/dnsbl/today.backup
  dnsblctl backup --verify /var/backups/dnsbl/today.backup
  dnsblctl backup --verify today.backup --json | jq .seq";

/// Takes a backup, or verifies one
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Backup {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Read the file, and say whether it is whole
    #[arg(long)]
    verify: bool,
}

impl Backup {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let Self { file, verify } = self;
        let shown = file.display().to_string();
        let manifest = match verify {
            true => {
                let opened = File::open(&file).with_context(|| format!("cannot read {shown}"))?;
                check(&opened, &shown)?
            }
            false => take(client, &file).await?,
        };
        show(output, &file, &manifest)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Receives a backup; an interrupt leaves no file.
async fn take(client: &Client, file: &Path) -> anyhow::Result<Manifest> {
    let part = Part::create_private(file)?;
    tokio::select! {
        manifest = receive(client, part) => manifest,
        _ = signal::ctrl_c() => bail!("interrupted; no file is left"),
    }
}

async fn receive(client: &Client, mut part: Part) -> anyhow::Result<Manifest> {
    let mut response: Response = client.send(client.v1(Method::POST, &["backup"])).await?;
    let bar = progress::bar(None)?;
    while let Some(chunk) = response.chunk().await.map_err(|err| client.trouble(err))? {
        part.write(&chunk)?;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    let manifest = check(part.written()?, "what the server sent")?;
    part.finish()?;
    Ok(manifest)
}

fn check(file: &File, shown: &str) -> anyhow::Result<Manifest> {
    dnsbl_backup::read(file, &mut Nowhere).map_err(|err| anyhow::anyhow!("{shown}: {err}"))
}

fn show(output: Output, file: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let Manifest { form: _, release, made_at, epoch, seq, files } = manifest;
    let (bytes, count) = (manifest.bytes(), files.len());
    let at = i64::try_from(*made_at).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    if output.is_json() {
        let told = json!({
            "file": file.display().to_string(), "seq": seq, "epoch": epoch, "made_at": at,
            "release": release, "files": count, "bytes": bytes,
        });
        return output::data(&told.to_string());
    }
    output::print(&format!(
        "{}: whole; up to change {seq} of epoch {epoch}, made {at} by release {release}; {count} files, {bytes} bytes\n",
        file.display()
    ))
}
