//! The echo: what UDP sockets can do at most.

use std::{net::Ipv4Addr, time::Instant};

use anyhow::{Result, bail};
use dnsbl_tests::{PATIENCE, Process};

use super::{Program, Server};
use crate::{network::Network, programs};

/// A server that knows nothing.
pub(crate) struct Echo(Program);

impl Echo {
    /// Starts it with so many workers, on as many cores.
    pub(crate) fn start(network: &Network, workers: usize) -> Result<Self> {
        let addr = network.free_address()?;
        let mut command = network.on_server_cores(workers, &programs::ours("bench-echo")?);
        command.args(["--threads", &workers.to_string(), "--listen", &addr.to_string()]);
        let begun = Instant::now();
        let process = Process::start(&mut command)?;
        process.wait_for_line(PATIENCE, |line| line.starts_with("ready").then_some(()))?;
        Ok(Self(Program { process, addr, load_time: begun.elapsed() }))
    }
}

impl Server for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn program(&self) -> &Program {
        &self.0
    }

    fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        bail!("an echo can't list {addr}")
    }

    fn has_lists(&self) -> bool {
        false
    }
}
