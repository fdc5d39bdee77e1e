//! The servers: each is started with a list, answers, and ends when it is dropped.

mod echo;
mod knot;
mod nsd;
mod ours;
mod rbldnsd;
mod watched;

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use dnsbl_tests::Process;

pub(crate) use echo::Echo;
pub(crate) use knot::Knot;
pub(crate) use nsd::Nsd;
pub(crate) use ours::Ours;
pub(crate) use rbldnsd::Rbldnsd;
pub(crate) use watched::Watched;

use crate::{ask::Asker, data, pause::pause, programs::run, usage};

/// How long a server may take to load a list.
const LOADING: Duration = Duration::from_secs(900);
/// How often a server that loads is asked.
const POLL: Duration = Duration::from_millis(5);

/// A running server, whatever it is.
pub(crate) trait Server {
    /// What it is called in tables.
    fn name(&self) -> &'static str;
    /// Its process, address and load time.
    fn program(&self) -> &Program;
    /// Lists one more address as its operator would, and makes the server notice.
    fn list(&mut self, addr: Ipv4Addr) -> Result<()>;
    /// Whether it has lists at all.
    fn has_lists(&self) -> bool {
        true
    }
    /// Whether a change makes it read everything again.
    fn reloads(&self) -> bool {
        true
    }
}

/// A server's process.
pub(crate) struct Program {
    process: Process,
    addr: SocketAddr,
    load_time: Duration,
}

impl Program {
    /// Starts a server and waits until it answers from its list.
    fn start(command: &mut Command, addr: SocketAddr) -> Result<Self> {
        let begun = Instant::now();
        let process = Process::start(command)?;
        let asker = Asker::new(addr)?;
        while asker.is_listed(data::TEST_ADDRESS) != Some(true) {
            if begun.elapsed() > LOADING || !usage::is_running(process.id()) {
                bail!("{command:?} does not answer; it said:\n{}", process.stderr());
            }
            pause(POLL);
        }
        Ok(Self { process, addr, load_time: begun.elapsed() })
    }

    /// Where it answers DNS.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// From start to the first answer from the list.
    pub(crate) fn load_time(&self) -> Duration {
        self.load_time
    }

    /// Tells it to read its files again.
    fn hang_up(&self) -> Result<()> {
        run("kill", &["-HUP", &self.id().to_string()]).context("a server ended early").map(drop)
    }
}

fn is_root() -> Result<bool> {
    Ok(run("id", &["-u"])?.trim() == "0")
}
