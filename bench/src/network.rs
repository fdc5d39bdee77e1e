//! The network between generator and server, and who runs on which core.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::Path,
    process::{self, Command},
};

use anyhow::{Context, Result, ensure};
use dnsbl_tests::{PATIENCE, Process};

use crate::{isolation::Isolation, programs::run};

/// The server's end of the veth pair; this program and all servers are in its namespace.
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 53, 0, 1);
const SERVER_CIDR: &str = "10.53.0.1/24";
const GENERATOR_CIDR: &str = "10.53.0.2/24";

/// The network, and the cores.
pub(crate) struct Network {
    isolation: Isolation,
    /// Holds the generator's namespace open.
    holder: Option<Process>,
    cores: Vec<usize>,
}

impl Network {
    /// Sets up what the isolation allows, and leaves the first core to the servers.
    pub(crate) fn set_up(isolation: Isolation) -> Result<Self> {
        let cores = allowed_cores()?;
        ensure!(!cores.is_empty(), "no core is allowed");
        if isolation != Isolation::Host {
            run("ip", &["link", "set", "lo", "up"])?;
        }
        let holder = (isolation == Isolation::Full).then(veth_pair).transpose()?;
        let network = Self { isolation, holder, cores };
        let own = network.join(network.cores.get(1..).filter(|rest| !rest.is_empty()));
        run("taskset", &["-cp", &own, &process::id().to_string()])?;
        Ok(network)
    }

    /// How this run is kept apart.
    pub(crate) fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// An address for a server, with a port that is free for UDP and TCP.
    pub(crate) fn free_address(&self) -> Result<SocketAddr> {
        let server = match self.isolation {
            Isolation::Full => SERVER,
            Isolation::Loopback | Isolation::Host => Ipv4Addr::LOCALHOST,
        };
        free_port(server.into())
    }

    /// The core of the generator: the last.
    pub(crate) fn generator_core(&self) -> usize {
        self.cores.last().copied().unwrap_or_default()
    }

    /// A command that runs `program` on the first `workers` cores; 0 is all.
    pub(crate) fn on_server_cores(&self, workers: usize, program: &Path) -> Command {
        let count = if workers == 0 { self.cores.len() } else { workers.min(self.cores.len()) };
        pinned(&self.join(Some(&self.cores[..count])), program)
    }

    /// A command that runs `program` on the generator's core and in its namespace.
    pub(crate) fn on_generator_core(&self, program: &Path) -> Command {
        let core = self.generator_core().to_string();
        let Some(holder) = &self.holder else { return pinned(&core, program) };
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", holder.id()));
        // At the priority of all: above it, the kernel's own thread that hands on what the generator
        // sends (ksoftirqd) gets too little of its core.
        command.args(["taskset", "-c", &core]).arg(program);
        command
    }

    fn join(&self, cores: Option<&[usize]>) -> String {
        let cores = cores.unwrap_or(&self.cores);
        cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
    }
}

fn pinned(cores: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program);
    command
}

/// Makes a second namespace and a cable to it; gives the process that holds it open.
fn veth_pair() -> Result<Process> {
    let script = "echo ready >&2; exec sleep infinity";
    let mut command = Command::new("unshare");
    let holder = Process::start(command.args(["--net", "sh", "-c", script]))?;
    holder.wait_for_line(PATIENCE, |line| (line == "ready").then_some(()))?;
    let (id, net) = (holder.id().to_string(), format!("--net=/proc/{}/ns/net", holder.id()));
    run("ip", &["link", "add", "server", "type", "veth", "peer", "name", "gun", "netns", &id])
        .context("making a veth pair; is the kernel module veth there?")?;
    run("ip", &["address", "add", SERVER_CIDR, "dev", "server"])?;
    run("ip", &["link", "set", "server", "up"])?;
    run("nsenter", &[&net, "ip", "address", "add", GENERATOR_CIDR, "dev", "gun"])?;
    run("nsenter", &[&net, "ip", "link", "set", "gun", "up"])?;
    Ok(holder)
}

fn free_port(ip: IpAddr) -> Result<SocketAddr> {
    loop {
        let tcp = TcpListener::bind((ip, 0)).with_context(|| format!("listening on {ip}"))?;
        let addr = tcp.local_addr()?;
        if UdpSocket::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
}

/// The cores that this process may run on.
fn allowed_cores() -> Result<Vec<usize>> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let mut cores = Vec::new();
    for range in line.context("no Cpus_allowed_list in /proc/self/status")?.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cores.extend(first.parse::<usize>()?..=last.parse()?);
    }
    Ok(cores)
}
