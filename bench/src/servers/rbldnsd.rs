//! rbldnsd with a dataset of type `ip4set`.

use std::{
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{Program, Server, is_root};
use crate::{data, data::Data, network::Network, programs};

/// A running rbldnsd.
pub(crate) struct Rbldnsd {
    program: Program,
    /// The second file of the dataset; a change of either reads both again.
    changes: PathBuf,
    listed: Vec<Ipv4Addr>,
}

impl Rbldnsd {
    /// Starts it on one core. Answers are as short as ours (`-a`); files are looked at once a second,
    /// which is as often as it can.
    pub(crate) fn start(network: &Network, data: &Data, dir: &Path) -> Result<Self> {
        let changes = dir.join("rbldnsd-changes");
        write_changes(&changes, &[])?;
        let addr = network.free_address()?;
        let zone =
            format!("{}:ip4set:{},{}", data::ORIGIN, data.ip4set()?.display(), changes.display());
        let mut command = network.on_server_cores(1, &programs::peer("rbldnsd")?);
        if is_root()? {
            command.args(["-u", "nobody"]);
        }
        command.args(["-n", "-a", "-c", "1", "-b", &format!("{}/{}", addr.ip(), addr.port())]);
        let program = Program::start(command.arg(zone), addr)?;
        Ok(Self { program, changes, listed: Vec::new() })
    }
}

impl Server for Rbldnsd {
    fn name(&self) -> &'static str {
        "rbldnsd"
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        self.listed.push(addr);
        write_changes(&self.changes, &self.listed)
    }
}

fn write_changes(path: &Path, listed: &[Ipv4Addr]) -> Result<()> {
    data::replace(path, |file| {
        writeln!(file, ":127.0.0.2:{}", data::REASON)?;
        Ok(listed.iter().try_for_each(|addr| writeln!(file, "{addr}"))?)
    })
}
