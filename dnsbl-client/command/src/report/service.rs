//! The parts put together.

use std::{hash::RandomState, path::PathBuf, time::Duration};

use dnsbl_daemon::Signals;
use tokio_util::sync::CancellationToken;

use super::{
    exempt::Exempt,
    parse::{Format, UnknownReasons},
    reader::Reader,
    recognizer::{Limits, Recognizer},
    reporter::{Places, Reporter, Sink, State},
};
use crate::{
    api::{Endpoint, Outbox, QueueLimits},
    following::{announce, kept_state, stopped, until},
    mail_log::{self, Begin, Log},
};

/// How many reports wait.
const MAX_WAITING: usize = 1_000;

/// What is followed, and how.
pub(crate) struct Settings {
    /// The log; `None`: standard input.
    pub(crate) log: Option<PathBuf>,
    /// The SMTP server that writes it.
    pub(crate) format: Format,
    /// The reasons for which an unknown recipient is refused.
    pub(crate) unknown: UnknownReasons,
    /// Whom not to report.
    pub(crate) exempt: Exempt,
    pub(crate) limits: Limits,
    /// The file that keeps the place in the log, and what was reported of late.
    pub(crate) state_file: Option<PathBuf>,
    /// Whether a log whose place is not kept is begun at its first line.
    pub(crate) is_from_start: bool,
    /// How old what a report tells may be when it is posted.
    pub(crate) max_age: Duration,
    /// The zone, where the server has several that take reports.
    pub(crate) zone: Option<String>,
    /// Where reports go; `None`: to standard output.
    pub(crate) endpoint: Option<Endpoint>,
}

/// Follows the log until SIGTERM or SIGINT, or until the input ends; what was recognized by then is reported.
///
/// # Errors
/// Signals can't be listened for, or nobody reads standard output.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let Settings { format, unknown, exempt, limits, .. } = settings;
    let reader = Reader::new(format, unknown, exempt, mail_log::local(), RandomState::new());
    let state: Option<State> = kept_state(settings.state_file.as_deref());
    let mut recognizer = Recognizer::new(limits);
    let place = state.as_ref().map(|state| state.place);
    recognizer.restore(state.into_iter().flat_map(|state| state.reported));
    let log = settings.log.clone().map_or(Log::Input, |path| {
        let otherwise = if settings.is_from_start { Begin::Start } else { Begin::End };
        Log::File(path, place.map_or(otherwise, Begin::At))
    });
    let batches = log.read(reader, stop.clone());
    announce("dnsbl report", settings.log.as_deref(), settings.endpoint.is_none());
    let sink = match settings.endpoint {
        Some(endpoint) => {
            let limits = QueueLimits { length: MAX_WAITING, age: settings.max_age };
            Sink::Server(Box::new(Outbox::new(endpoint, settings.zone, limits)))
        }
        None => Sink::Output(settings.zone),
    };
    let back = 2 * limits.window + limits.quiet;
    let places = Places::new(settings.state_file, back, place);
    let mut reporter = Reporter::new(recognizer, sink, places);
    let done = until(stopped(signals, stop), reporter.run(batches)).await;
    reporter.finish();
    Ok(done.unwrap_or(Ok(()))?)
}
