//! Drives a dialogue over TCP.

mod connection;
mod sources;
mod tls;

use std::{future::Future, time::Duration};

use connection::Connection;
pub use sources::Sources;
use tokio::time::{Instant, sleep_until};

use crate::{
    Assignment, Dialogue, Ending, Event, Go, HostName, Plan, Probe, ProbeError, RelayTarget,
    SmtpOutcome, Step, Transcript, Unreachable,
};

/// An observer of the probes of a test, who can stop it.
pub trait ProbeObserver: Send {
    /// Called before the first octet of a probe goes out; the probe is sent only after it has
    /// finished. Whoever notes this durably never sends a probe twice: after a crash a probe that
    /// was noted but has no outcome may have been sent, and must count as if it had been taken. `Stop`
    /// ends the test, as when a return is confirmed.
    fn before(&mut self, probe: &'static Probe) -> impl Future<Output = Go> + Send;

    /// Called with what became of a probe, before anything else is sent.
    fn after(
        &mut self,
        probe: &'static Probe,
        outcome: &SmtpOutcome,
    ) -> impl Future<Output = ()> + Send;
}

/// The patience of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveSettings {
    /// For a connection.
    pub connect_timeout: Duration,
    /// For the greeting.
    pub greeting_timeout: Duration,
    /// For the reply to a command, and for a TLS handshake.
    pub command_timeout: Duration,
    /// For sending a message, and again for the reply to its final dot.
    pub data_timeout: Duration,
    /// For the whole test.
    pub total_timeout: Duration,
    /// Between two connections.
    pub connection_pause: Duration,
    /// Before each probe.
    pub probe_pause: Duration,
    /// The addresses from which connections are made.
    pub sources: Sources,
    /// Connect to loopback addresses only: for tests.
    pub loopback_only: bool,
}

/// The findings of a conversation with a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationReport {
    /// How it ended.
    pub ending: Ending,
    /// The outcome of each probe that was sent, in this order.
    pub outcomes: Vec<(&'static Probe, SmtpOutcome)>,
    /// The name that the host goes by.
    pub host: Option<HostName>,
    /// Whether any of it went over TLS.
    pub tls: bool,
    /// The lines of the conversation.
    pub transcript: Transcript,
}

/// For the reply to QUIT; nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

impl Default for DriveSettings {
    /// Less patient than RFC 5321 section 4.5.3.2 asks of those who want their mail delivered.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(20),
            greeting_timeout: Duration::from_secs(60),
            command_timeout: Duration::from_secs(60),
            data_timeout: Duration::from_secs(120),
            total_timeout: Duration::from_secs(900),
            connection_pause: Duration::from_secs(2),
            probe_pause: Duration::from_secs(1),
            sources: Sources::default(),
            loopback_only: false,
        }
    }
}

/// Tests a host as the plan says, over one connection at a time.
///
/// It never fails: whatever goes wrong is part of the result. Dropping the future ends the test at
/// once, without QUIT.
pub async fn run(
    assignment: Assignment,
    plan: Plan,
    settings: &DriveSettings,
    observer: &mut impl ProbeObserver,
) -> ConversationReport {
    let mut driver = Driver {
        target: assignment.target,
        settings,
        deadline: Instant::now() + settings.total_timeout,
        connection: None,
        connected_before: false,
    };
    let (mut dialogue, mut step) = Dialogue::new(assignment, plan);
    let mut reported = 0;
    loop {
        let event = match step {
            Step::Done(ending) => {
                let (outcomes, host, tls, transcript) = dialogue.into_parts();
                return ConversationReport { ending, outcomes, host, tls, transcript };
            }
            Step::Before(probe) => driver.before(probe, observer).await,
            step => driver.take(step).await,
        };
        step = dialogue.step(event);
        for (probe, outcome) in &dialogue.outcomes()[reported..] {
            observer.after(probe, outcome).await;
        }
        reported = dialogue.outcomes().len();
    }
}

struct Driver<'a> {
    target: RelayTarget,
    settings: &'a DriveSettings,
    deadline: Instant,
    connection: Option<Connection>,
    connected_before: bool,
}

impl Driver<'_> {
    async fn before(&mut self, probe: &'static Probe, observer: &mut impl ProbeObserver) -> Event {
        self.pause(self.settings.probe_pause).await;
        if Instant::now() >= self.deadline {
            return Event::Failed(ProbeError::Deadline);
        }
        Event::Go(observer.before(probe).await)
    }

    async fn take(&mut self, step: Step) -> Event {
        let result = match step {
            Step::Connect => match self.connect().await {
                Ok(()) => self.reply(self.settings.greeting_timeout).await,
                Err(event) => return event,
            },
            Step::Send(line) => self.send(&line).await,
            Step::SendData(data) => self.exchange(&data, self.settings.data_timeout).await,
            Step::StartTls => return Event::Tls(self.start_tls().await),
            Step::Before(_) | Step::Done(_) => Err(ProbeError::Disconnected),
        };
        result.unwrap_or_else(Event::Failed)
    }

    async fn connect(&mut self) -> Result<(), Event> {
        self.connection = None;
        if std::mem::replace(&mut self.connected_before, true) {
            self.pause(self.settings.connection_pause).await;
        }
        if Instant::now() >= self.deadline {
            return Err(Event::Failed(ProbeError::Deadline));
        }
        if self.settings.loopback_only && !self.target.addr().is_loopback() {
            return Err(Event::NoConnection(Unreachable::NotLoopback));
        }
        let until = self.until(self.settings.connect_timeout);
        let connection =
            Connection::open(self.target.socket_addr(), self.settings.sources, until).await;
        self.connection = Some(connection.map_err(Event::NoConnection)?);
        Ok(())
    }

    async fn send(&mut self, line: &str) -> Result<Event, ProbeError> {
        let quit = line == "QUIT";
        let patience = if quit { QUIT_TIMEOUT } else { self.settings.command_timeout };
        self.exchange(format!("{line}\r\n").as_bytes(), patience).await
    }

    async fn exchange(&mut self, bytes: &[u8], patience: Duration) -> Result<Event, ProbeError> {
        let until = self.until(patience);
        let connection = self.connection.as_mut().ok_or(ProbeError::Disconnected)?;
        connection.refuse_early_talk().await?;
        let sent = connection.send(bytes, until).await;
        sent.map_err(|error| self.in_time(error))?;
        self.reply(patience).await
    }

    async fn reply(&mut self, patience: Duration) -> Result<Event, ProbeError> {
        let until = self.until(patience);
        let connection = self.connection.as_mut().ok_or(ProbeError::Disconnected)?;
        let reply = connection.reply(until).await;
        reply.map(Event::Reply).map_err(|error| self.in_time(error))
    }

    async fn start_tls(&mut self) -> bool {
        let until = self.until(self.settings.command_timeout);
        let Some(connection) = self.connection.take() else {
            return false;
        };
        self.connection = connection.start_tls(self.target.addr(), until).await;
        self.connection.is_some()
    }

    /// Until when to wait: never past the end of the test.
    fn until(&self, patience: Duration) -> Instant {
        (Instant::now() + patience).min(self.deadline)
    }

    /// Whose time is over: that of the command, or that of the test.
    fn in_time(&self, error: ProbeError) -> ProbeError {
        match error {
            ProbeError::Timeout if Instant::now() >= self.deadline => ProbeError::Deadline,
            other => other,
        }
    }

    async fn pause(&self, pause: Duration) {
        if !pause.is_zero() {
            sleep_until(self.until(pause)).await;
        }
    }
}
