//! NSD with the list as a zone.

use std::{fs, net::Ipv4Addr, path::Path};

use anyhow::{Context, Result};

use super::{Program, Server};
use crate::{data, data::Data, network::Network, programs, zone_file::ZoneFile};

/// A running NSD.
pub(crate) struct Nsd {
    program: Program,
    zone: ZoneFile,
}

impl Nsd {
    /// Starts it with one server process on one core, without rate limits.
    pub(crate) fn start(network: &Network, data: &Data, dir: &Path) -> Result<Self> {
        let zone = ZoneFile::write(data, dir.join("nsd-zone"))?;
        let addr = network.free_address()?;
        let config = dir.join("nsd.conf");
        let text = format!(
            "server:\n  server-count: 1\n  ip-address: {}@{}\n  username: \"\"\n  chroot: \"\"\n  \
             database: \"\"\n  zonesdir: \"\"\n  pidfile: \"\"\n  xfrdfile: \"{2}/nsd.xfrd\"\n  \
             xfrdir: \"{2}\"\n  zonelistfile: \"{2}/nsd.zones\"\n  reuseport: yes\n  \
             minimal-responses: yes\n  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n\
             remote-control:\n  control-enable: no\nzone:\n  name: {3}\n  zonefile: \"{4}\"\n",
            addr.ip(),
            addr.port(),
            dir.display(),
            data::ORIGIN,
            zone.path().display(),
        );
        fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
        let mut command = network.on_server_cores(1, &programs::peer("nsd")?);
        let program = Program::start(command.arg("-d").arg("-c").arg(config), addr)?;
        Ok(Self { program, zone })
    }
}

impl Server for Nsd {
    fn name(&self) -> &'static str {
        "NSD"
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        self.zone.list(addr)?;
        self.program.hang_up()
    }
}
