//! The parts put together, signals and the end.

use std::{
    future::Future,
    io::{self, Write as _},
    path::PathBuf,
    pin::pin,
    time::Duration,
};

use dnsbl_daemon::{Signal, Signals, log::say};
use sd_notify::NotifyState;
use tokio::{select, sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    follow::{Begin, Follower, Saved},
    parse::Format,
    poster::Poster,
    reader::Reader,
    server::{LoginBody, Server},
    source::{self, BATCHES, Batch},
    zone,
};

/// How long logins that wait may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);

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
    /// Where logins go.
    pub(crate) sink: Sink,
}

/// Where logins go.
pub(crate) enum Sink {
    /// To the server.
    Server(Box<Server>),
    /// To standard output, as what would be posted for this zone.
    Output(Option<String>),
}

/// Follows the log until SIGTERM or SIGINT, or until the input ends; what waits is posted then.
///
/// # Errors
/// Signals can't be listened for, or nobody reads standard output.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let reader =
        Reader::new(settings.format, zone::local(), settings.max_age, settings.is_tls_only);
    let (sender, batches) = mpsc::channel(BATCHES);
    match &settings.log {
        Some(path) => {
            let begin = settings.begin();
            let (follower, opened) = Follower::open(path.clone(), begin);
            if let Err(err) = opened {
                tracing::warn!(%err, "the log is not there yet");
            }
            tokio::spawn(source::follow(follower, reader, sender, stop.clone()));
        }
        None => {
            tokio::spawn(source::read_input(reader, sender, stop.clone()));
        }
    }
    announce(&settings);
    let stopped = async move {
        while signals.next().await == Signal::Reload {
            tracing::info!("SIGHUP: there is nothing to read again");
        }
        notify(&NotifyState::Stopping);
        stop.cancel();
    };
    match settings.sink {
        Sink::Server(server) => {
            let mut poster = Poster::new(*server, settings.max_age, settings.state_file);
            let is_done = until(stopped, poster.run(batches)).await.is_some();
            if !is_done {
                tracing::warn!("some logins were not posted before the end");
            }
            poster.finish(is_done);
        }
        Sink::Output(zone) => until(stopped, print(batches, zone)).await.unwrap_or(Ok(()))?,
    }
    Ok(())
}

impl Settings {
    /// Where the log is begun.
    fn begin(&self) -> Begin {
        let otherwise = if self.is_from_start { Begin::Start } else { Begin::End };
        let Some(file) = &self.state_file else { return otherwise };
        match Saved::load(file) {
            Ok(saved) => saved.map_or(otherwise, Begin::At),
            Err(err) => {
                tracing::warn!(%err, file = %file.display(), "the place in the log can't be read");
                otherwise
            }
        }
    }
}

fn announce(settings: &Settings) {
    let log = settings.log.as_ref().map_or("-".into(), |path| path.display().to_string());
    let what = match settings.sink {
        Sink::Server(_) => "",
        Sink::Output(_) => " dry-run",
    };
    say(&format!("dnsbl logins: ready log={log}{what}"));
    notify(&NotifyState::Ready);
}

/// Waits for the work, or, once it is to stop, for as long as it may take then. `None`: it took longer.
async fn until<T>(stopped: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    select! {
        done = &mut work => return Some(done),
        () = stopped => {}
    }
    timeout(DRAIN, work).await.ok()
}

/// Prints what would be posted, one JSON object a line.
async fn print(mut batches: mpsc::Receiver<Batch>, zone: Option<String>) -> io::Result<()> {
    while let Some(batch) = batches.recv().await {
        let mut out = io::stdout().lock();
        for login in &batch.logins {
            serde_json::to_writer(&mut out, &LoginBody::new(login, zone.as_deref()))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
    }
    Ok(())
}

/// Without systemd nobody listens, which is no error.
fn notify(state: &NotifyState<'_>) {
    if let Err(err) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::debug!(%err, "systemd does not listen");
    }
}
