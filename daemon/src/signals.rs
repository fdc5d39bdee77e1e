//! Signals: those that end the program in order, the one that has it read its configuration again, and those
//! that would else end it at once and mean nothing here.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// SIGPROF, SIGVTALRM, SIGPWR and SIGXFSZ on Linux; others have names in tokio.
///
/// A write beyond a limit on file sizes shall fail like one on a full disk, not end the process.
const HARMLESS: [SignalKind; 8] = [
    SignalKind::user_defined1(),
    SignalKind::user_defined2(),
    SignalKind::alarm(),
    SignalKind::pipe(),
    SignalKind::io(),
    SignalKind::from_raw(27),
    SignalKind::from_raw(26),
    SignalKind::from_raw(25),
];

/// A request that came as a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: drain and end.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

/// The signals of a long-running program, from the moment that this is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hang_up: Stream,
    /// What arrives is dropped; that somebody listens is enough.
    _harmless: Vec<Stream>,
}

impl Signals {
    /// Listens, so that none of them ends the process any more. Must be called inside a runtime.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            _harmless: HARMLESS.into_iter().map(signal).collect::<io::Result<_>>()?,
        })
    }

    /// The next one; those that came meanwhile are not lost.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }
}
