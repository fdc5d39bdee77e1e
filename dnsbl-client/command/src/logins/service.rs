//! The parts put together.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use dnsbl_daemon::Signals;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    parse::Format,
    poster::Poster,
    reader::{Reader, Reading},
    waiting::Waiting,
};
use crate::{
    api::{Endpoint, Outbox, Posting as _, QueueLimits},
    following::{announce, kept_state, stopped, until},
    mail_log::{self, Batch, Begin, Log},
};

/// How many logins wait.
const MAX_WAITING: usize = 10_000;

/// What is followed, and how.
pub(crate) struct Settings {
    /// The log; `None`: standard input.
    pub(crate) log: Option<PathBuf>,
    /// The mail server that writes it.
    pub(crate) format: Format,
    /// The file that keeps the place in the log.
    pub(crate) state_file: Option<PathBuf>,
    /// Whether a log whose place is not kept is begun at its first line.
    pub(crate) is_from_start: bool,
    /// How old a login may be.
    pub(crate) max_age: Duration,
    /// Whether logins count only if the log tells that they were over TLS.
    pub(crate) is_tls_only: bool,
    /// The allow zone, where the server has several.
    pub(crate) zone: Option<String>,
    /// Where logins go; `None`: to standard output.
    pub(crate) endpoint: Option<Endpoint>,
}

/// Follows the log until SIGTERM or SIGINT, or until the input ends; what waits is posted then.
///
/// # Errors
/// Signals can't be listened for, or nobody reads standard output.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let Settings { format, max_age, is_tls_only, .. } = settings;
    let reader = Reader::new(format, mail_log::local(), max_age, is_tls_only);
    let log = settings.log.as_ref().map_or(Log::Input, |path| {
        let otherwise = if settings.is_from_start { Begin::Start } else { Begin::End };
        let kept = kept_state(settings.state_file.as_deref());
        Log::File(path.clone(), kept.map_or(otherwise, Begin::At))
    });
    let batches = log.read(reader, stop.clone());
    announce("dnsbl logins", settings.log.as_deref(), settings.endpoint.is_none());
    let stopped = stopped(signals, stop);
    match settings.endpoint {
        Some(endpoint) => {
            let limits = QueueLimits { length: MAX_WAITING, age: max_age };
            let outbox = Outbox::new(endpoint, settings.zone, limits);
            let mut poster = Poster::new(outbox, settings.state_file);
            until(stopped, poster.run(batches)).await;
            poster.finish();
        }
        None => until(stopped, print(batches, settings.zone)).await.unwrap_or(Ok(()))?,
    }
    Ok(())
}

/// Prints what would be posted, one JSON object a line.
async fn print(
    mut batches: mpsc::Receiver<Batch<Reading>>,
    zone: Option<String>,
) -> io::Result<()> {
    while let Some(batch) = batches.recv().await {
        let mut out = io::stdout().lock();
        for reading in batch.found {
            let Reading::Login(login, at) = reading else { continue };
            serde_json::to_writer(&mut out, &Waiting { login, at }.body(zone.as_deref()))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
    }
    Ok(())
}
