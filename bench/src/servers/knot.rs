//! Knot DNS with the list as a zone.

use std::{fs, net::Ipv4Addr, path::Path};

use anyhow::{Context, Result};

use super::{Program, Server, is_root};
use crate::{data, data::Data, network::Network, programs, zone_file::ZoneFile};

/// A running knotd.
pub(crate) struct Knot {
    program: Program,
    zone: ZoneFile,
}

impl Knot {
    /// Starts it with one worker on one core.
    pub(crate) fn start(network: &Network, data: &Data, dir: &Path) -> Result<Self> {
        let zone = ZoneFile::write(data, dir.join("knot-zone"))?;
        let addr = network.free_address()?;
        let user = if is_root()? { "user: root:root" } else { "" };
        let text = format!(
            "server:\n    listen: {}@{}\n    rundir: \"{2}\"\n    {user}\n    udp-workers: 1\n    \
             tcp-workers: 1\n    background-workers: 1\nlog:\n  - target: stderr\n    \
             any: warning\ndatabase:\n    storage: \"{2}/knot\"\ntemplate:\n  - id: default\n    \
             zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\nzone:\n  \
             - domain: {3}\n    file: \"{4}\"\n",
            addr.ip(),
            addr.port(),
            dir.display(),
            data::ORIGIN,
            zone.path().display(),
        );
        let config = dir.join("knot.conf");
        fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
        let mut command = network.on_server_cores(1, &programs::peer("knotd")?);
        let program = Program::start(command.arg("-c").arg(config), addr)?;
        Ok(Self { program, zone })
    }
}

impl Server for Knot {
    fn name(&self) -> &'static str {
        "Knot DNS"
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        self.zone.list(addr)?;
        self.program.hang_up()
    }
}
