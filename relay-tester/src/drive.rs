//! Drives a dialogue over TCP.

use std::{future::Future, net::IpAddr, time::Duration};

use crate::{Assignment, Ending, HostName, Outcome, Plan, Probe, Transcript};

/// Whether the test goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Go on.
    On,
    /// No further probe; what is under way ends with QUIT.
    Stop,
}

/// Watches a test and can stop it.
pub trait Watch: Send {
    /// Called before the first octet of a probe goes out; the probe is sent only after it has
    /// finished. Whoever notes this durably never sends a probe twice. `Stop` ends the test, as
    /// when a return is confirmed.
    fn before(&mut self, probe: &'static Probe) -> impl Future<Output = Go> + Send;

    /// Called with what became of a probe, before the next one.
    fn after(
        &mut self,
        probe: &'static Probe,
        outcome: &Outcome,
    ) -> impl Future<Output = ()> + Send;
}

/// How patient the driver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveSettings {
    /// For a connection.
    pub connect_timeout: Duration,
    /// For the greeting.
    pub greeting_timeout: Duration,
    /// For the reply to a command, and for a TLS handshake.
    pub command_timeout: Duration,
    /// For sending a message, and for the reply to its final dot.
    pub data_timeout: Duration,
    /// For the whole test.
    pub total_timeout: Duration,
    /// Between two connections.
    pub connection_pause: Duration,
    /// Between two probes of a connection.
    pub probe_pause: Duration,
    /// The address from which connections are made; the system's choice where it is `None`.
    pub source: Option<IpAddr>,
    /// Refuse whatever is not loopback: for tests.
    pub loopback_only: bool,
}

/// What a test's dialogue found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended.
    pub ending: Ending,
    /// What became of each probe that was sent, in this order.
    pub outcomes: Vec<(&'static Probe, Outcome)>,
    /// The name that the host goes by.
    pub host: Option<HostName>,
    /// Whether any of it went over TLS.
    pub tls: bool,
    /// What was said.
    pub transcript: Transcript,
}

/// Tests a host: one connection at a time, as the plan says.
pub async fn run(
    assignment: Assignment,
    plan: Plan,
    settings: &DriveSettings,
    watch: &mut impl Watch,
) -> Attempt {
    let _ = (assignment, plan, settings, watch);
    todo!()
}
