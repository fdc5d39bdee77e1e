//! A folder of files that follow their zones, for who fetches them from there.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{anyhow, ensure};
use reqwest::{
    Response, StatusCode,
    header::{ETAG, HeaderValue, IF_NONE_MATCH},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep_until, timeout},
};

use super::{frame::ensure_framed, order::Order};
use crate::{
    client::Client,
    output::{self, Output},
    part::Part,
};

/// How long the head of an answer may take: all that is listed is looked at before.
const HEAD: Duration = Duration::from_secs(600);
/// How long the next piece of an answer may take.
const STALL: Duration = Duration::from_secs(60);
/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How much of a file's end is looked at.
const TAIL: usize = 1024;

/// The files.
pub(super) struct Mirror {
    files: Vec<MirrorFile>,
}

struct MirrorFile {
    order: Order,
    path: PathBuf,
    /// The entity tag of what stands there.
    etag: Option<HeaderValue>,
}

/// What became of a file.
enum Outcome {
    Unchanged,
    /// It is replaced by so many bytes.
    Replaced(u64),
}

impl Mirror {
    /// The files of these orders, in a folder that exists.
    pub(super) fn new(folder: &Path, orders: Vec<Order>) -> Self {
        let file =
            |order: Order| MirrorFile { path: folder.join(order.file_name()), order, etag: None };
        Self { files: orders.into_iter().map(file).collect() }
    }

    /// Writes all of them once; one that fails does not keep others from it.
    pub(super) async fn write(
        &mut self,
        client: &Client,
        output: Output,
    ) -> anyhow::Result<ExitCode> {
        let mut failure = None;
        for file in &mut self.files {
            if let Err(err) = file.refresh(client, output).await
                && let Some(before) = failure.replace(err)
            {
                output::note(format_args!("dnsblctl: {before:#}"));
            }
        }
        failure.map_or(Ok(ExitCode::SUCCESS), Err)
    }

    /// Asks for all of them again and again, until a signal says to end.
    pub(super) async fn watch(
        &mut self,
        client: &Client,
        output: Output,
        every: Duration,
    ) -> anyhow::Result<ExitCode> {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        tokio::select! {
            ended = self.follow(client, output, every) => ended,
            () = either(&mut term, &mut int) => Ok(ExitCode::SUCCESS),
        }
    }

    async fn follow(
        &mut self,
        client: &Client,
        output: Output,
        every: Duration,
    ) -> anyhow::Result<ExitCode> {
        let mut pause = every;
        loop {
            let asked = Instant::now();
            let mut failed = false;
            for file in &mut self.files {
                if let Err(err) = file.refresh(client, output).await {
                    failed = true;
                    let path = file.path.display();
                    output::note(format_args!("dnsblctl: {path} stays as it is: {err:#}"));
                }
            }
            pause = if failed { (pause * 2).min(LONGEST_PAUSE.max(every)) } else { every };
            sleep_until(asked + pause).await;
        }
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

impl MirrorFile {
    /// Replaces the file if something has changed, and says so.
    async fn refresh(&mut self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self.fetch(client).await? {
            Outcome::Unchanged => Ok(()),
            Outcome::Replaced(bytes) => {
                let path = self.path.display().to_string();
                match output.is_json() {
                    true => {
                        output::data(&serde_json::json!({"file": path, "bytes": bytes}).to_string())
                    }
                    false => output::print(&format!("{path}  {bytes} bytes\n")),
                }
            }
        }
    }

    async fn fetch(&mut self, client: &Client) -> anyhow::Result<Outcome> {
        let mut request = self.order.request(client);
        if let Some(etag) = self.etag.as_ref().filter(|_| self.path.exists()) {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = timeout(HEAD, client.send(request)).await;
        let response = response.map_err(|_| anyhow!("the server did not answer in time"))??;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Outcome::Unchanged);
        }
        ensure_framed(&response)?;
        let etag = response.headers().get(ETAG).cloned();
        let outcome = self.replace(client, response).await?;
        self.etag = etag;
        Ok(outcome)
    }

    /// Replaces the file, unless it has the same content.
    async fn replace(&self, client: &Client, mut response: Response) -> anyhow::Result<Outcome> {
        let mut part = Part::create(&self.path)?;
        let (mut bytes, mut tail) = (0, Vec::new());
        loop {
            let chunk = timeout(STALL, response.chunk()).await;
            let chunk = chunk.map_err(|_| anyhow!("the answer stands still"))?;
            let Some(chunk) = chunk.map_err(|err| client.trouble(err))? else { break };
            part.write(&chunk)?;
            bytes += chunk.len() as u64;
            tail.extend_from_slice(&chunk[chunk.len().saturating_sub(TAIL)..]);
            tail.drain(..tail.len().saturating_sub(TAIL));
        }
        ensure!(self.order.is_end(&tail), "the export is not whole: its last line is missing");
        if part.is_same_as_before()? {
            return Ok(Outcome::Unchanged);
        }
        part.finish()?;
        Ok(Outcome::Replaced(bytes))
    }
}
