//! What programs that follow a log have in common, from their start to their end.

use std::{future::Future, path::Path, pin::pin, time::Duration};

use dnsbl_daemon::{Signal, Signals, log::say};
use sd_notify::NotifyState;
use serde::de::DeserializeOwned;
use tokio::{select, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::mail_log::load_state;

/// How long what waits may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);

/// What was kept in the state file, if there is one; what can't be read is told and passed over.
pub(crate) fn kept_state<T: DeserializeOwned>(file: Option<&Path>) -> Option<T> {
    let file = file?;
    load_state(file).unwrap_or_else(|err| {
        tracing::warn!(%err, file = %file.display(), "the place in the log can't be read");
        None
    })
}

/// Says that a log is followed now.
pub(crate) fn announce(program: &str, log: Option<&Path>, is_dry_run: bool) {
    let log = log.map_or("-".into(), |path| path.display().to_string());
    let what = if is_dry_run { " dry-run" } else { "" };
    say(&format!("{program}: ready log={log}{what}"));
    notify(&NotifyState::Ready);
}

/// Waits for SIGTERM or SIGINT, and has the log no longer be read.
pub(crate) async fn stopped(mut signals: Signals, stop: CancellationToken) {
    while signals.next().await == Signal::Reload {
        tracing::info!("SIGHUP: there is nothing to read again");
    }
    notify(&NotifyState::Stopping);
    stop.cancel();
}

/// Waits for the work, or, once it is to stop, for as long as it may take then. `None`: it took longer.
pub(crate) async fn until<T>(
    stopped: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    select! {
        done = &mut work => return Some(done),
        () = stopped => {}
    }
    timeout(DRAIN, work).await.ok()
}

/// Without systemd nobody listens, which is no error.
fn notify(state: &NotifyState<'_>) {
    if let Err(err) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::debug!(%err, "systemd does not listen");
    }
}
