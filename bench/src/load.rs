//! The load: kxdpgun where it can be had, else dnsperf.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use dnsbl_tests::Process;

use crate::{isolation::Isolation, network::Network, programs};

/// What is offered to find out how much a server answers, in queries a second.
pub(crate) const FULL_RATE: u64 = 500_000;
/// How long a generator may take beyond its time, to read its queries and to report.
const GRACE: Duration = Duration::from_secs(30);

/// A generator at work.
pub(crate) struct Running {
    process: Process,
    kxdpgun: bool,
    duration: Duration,
    started: Instant,
}

/// What a generator saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) sent: u64,
    pub(crate) replies: u64,
    pub(crate) noerror: u64,
    pub(crate) seconds: f64,
}

impl Seen {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.replies as f64 / self.seconds
    }

    /// The share of answers that say "listed".
    pub(crate) fn listed_share(&self) -> f64 {
        self.noerror as f64 / self.replies.max(1) as f64
    }
}

/// Begins to ask `server` so many queries a second from a file.
pub(crate) fn start(
    network: &Network,
    server: SocketAddr,
    queries: &Path,
    rate: u64,
    duration: Duration,
) -> Result<Running> {
    let kxdpgun = network.isolation() == Isolation::Full;
    let program = programs::peer(if kxdpgun { "kxdpgun" } else { "dnsperf" })?;
    let mut command = network.on_generator_core(&program);
    let (seconds, rate) = (duration.as_secs_f64().to_string(), rate.to_string());
    let (ip, port) = (server.ip().to_string(), server.port().to_string());
    if kxdpgun {
        let core = network.generator_core().to_string();
        command.args(["-t", &seconds, "-Q", &rate, "-F", &core, "-p", &port, "-i"]);
        command.arg(queries).arg(ip);
    } else {
        command.args(["-s", &ip, "-p", &port, "-l", &seconds, "-Q", &rate, "-c", "16"]);
        command.args(["-q", "2000", "-t", "1", "-d"]).arg(queries);
    }
    let process = Process::start(&mut command)?;
    Ok(Running { process, kxdpgun, duration, started: Instant::now() })
}

impl Running {
    /// Waits for its end.
    pub(crate) fn finish(self) -> Result<Seen> {
        let limit = (self.duration + GRACE).saturating_sub(self.started.elapsed());
        let name = if self.kxdpgun { "kxdpgun" } else { "dnsperf" };
        let said = programs::finish(name, self.process, limit)?.stdout;
        let seen = if self.kxdpgun { read_kxdpgun(&said) } else { read_dnsperf(&said) };
        seen.with_context(|| format!("{name} gives no counts; it said:\n{said}"))
    }
}

fn read_kxdpgun(said: &str) -> Option<Seen> {
    Some(Seen {
        sent: number_after(said, "total queries:")? as u64,
        replies: number_after(said, "total replies:")? as u64,
        noerror: number_after(said, "responded NOERROR:").unwrap_or_default() as u64,
        seconds: number_after(said, "duration:")?,
    })
}

fn read_dnsperf(said: &str) -> Option<Seen> {
    Some(Seen {
        sent: number_after(said, "Queries sent:")? as u64,
        replies: number_after(said, "Queries completed:")? as u64,
        noerror: number_after(said, "NOERROR ").unwrap_or_default() as u64,
        seconds: number_after(said, "Run time (s):")?,
    })
}

/// The first number behind a label.
fn number_after(text: &str, label: &str) -> Option<f64> {
    let (_, rest) = text.split_once(label)?;
    rest.split_whitespace().next()?.parse().ok()
}
