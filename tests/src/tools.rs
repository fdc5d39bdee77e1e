//! Real peers: programs that others wrote, unpacked below the target directory by `make tools`.

use std::{
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{PATIENCE, Process, server::target_dir};

/// A tool by its name.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    tool_path(&format!("bin/{name}"))
}

/// The folder in which the packages are unpacked.
#[track_caller]
pub fn unpacked() -> PathBuf {
    tool_path("root")
}

#[track_caller]
fn tool_path(name: &str) -> PathBuf {
    let path = target_dir().join("tools").join(name);
    assert!(path.exists(), "{} is missing; run `make tools`", path.display());
    path
}

/// An unbound that minimises query names and believes every denial.
///
/// With `qname-minimisation-strict` it takes an NXDOMAIN for a name above an address as the answer
/// for the address (RFC 9156, RFC 8020), so one wrong denial hides what lies below.
pub struct Unbound {
    addr: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl Unbound {
    /// Starts one that asks `server` about `zones`, and nobody about anything else.
    #[track_caller]
    pub fn start(server: SocketAddr, zones: &[&str]) -> Self {
        Self::start_at(free_port(), server, zones)
    }

    /// Starts one at an address; programs that read `/etc/resolv.conf` need port 53.
    #[track_caller]
    pub fn start_at(addr: SocketAddr, server: SocketAddr, zones: &[&str]) -> Self {
        let port = server.port();
        let stubs = zones.iter().fold(String::new(), |mut stubs, zone| {
            write!(stubs, "stub-zone:\n  name: \"{zone}\"\n  stub-addr: 127.0.0.1@{port}\n")
                .expect("a string takes all");
            stubs
        });
        Self::configured(addr, &stubs)
    }

    /// Starts one at an address with further lines of configuration, which name whom it asks about what.
    #[track_caller]
    pub fn configured(addr: SocketAddr, extras: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let nobody = free_port();
        let config = format!(
            "server:\n  interface: {}\n  access-control: 127.0.0.0/8 allow\n  port: {}\n  username: \"\"\n  chroot: \"\"\n  \
             directory: \"\"\n  pidfile: \"\"\n  outgoing-interface: 127.0.0.1\n  \
             do-not-query-localhost: no\n  do-ip6: no\n  module-config: \"iterator\"\n  \
             qname-minimisation: yes\n  qname-minimisation-strict: yes\n  use-syslog: no\n  \
             logfile: \"\"\n  num-threads: 1\n  verbosity: 1\n\
             remote-control:\n  control-enable: no\n\
             stub-zone:\n  name: \".\"\n  stub-addr: 127.0.0.1@{}\n{extras}",
            addr.ip(),
            addr.port(),
            nobody.port(),
        );
        let file = dir.path().join("unbound.conf");
        fs::write(&file, config).expect("the folder is writable");
        let mut command = Command::new(tool("unbound"));
        let process = Process::start(command.arg("-d").arg("-c").arg(file)).expect("it starts");
        let started = |line: &str| line.contains("start of service").then_some(());
        process.wait_for_line(PATIENCE, started).expect("unbound serves");
        Self { addr, _process: process, _dir: dir }
    }

    /// Where it answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// A BIND that resolves with `qname-minimization strict`: it takes a denial of a name above an address as one of
/// the address.
pub struct Named {
    addr: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl Named {
    /// Starts one at 127.0.0.1 that asks `server` about a zone, and nobody about anything else.
    ///
    /// It asks all servers at one port, so that is the server's, and never one at an address where it listens
    /// itself, whatever the port: `server` is at `[::1]`.
    #[track_caller]
    pub fn start(server: SocketAddr, zone: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let addr = free_port();
        let config = format!(
            "options {{\n  directory \"{}\";\n  pid-file none;\n  session-keyfile none;\n  port {};\n  \
             listen-on port {} {{ {}; }};\n  listen-on-v6 {{ none; }};\n  recursion yes;\n  \
             allow-query {{ 127.0.0.0/8; }};\n  dnssec-validation no;\n  empty-zones-enable no;\n  \
             qname-minimization strict;\n}};\ncontrols {{ }};\n\
             zone \".\" {{ type hint; file \"hint\"; }};\n\
             zone \"{zone}\" {{ type static-stub; server-addresses {{ {}; }}; }};\n",
            dir.path().display(),
            server.port(),
            addr.port(),
            addr.ip(),
            server.ip(),
        );
        let file = dir.path().join("named.conf");
        fs::write(&file, config).expect("the folder is writable");
        let nobody = ". 3600 IN NS nobody.invalid.\nnobody.invalid. 3600 IN A 127.0.0.3\n";
        fs::write(dir.path().join("hint"), nobody).expect("the folder is writable");
        let mut command = Command::new(tool("named"));
        let command = command.args(["-g", "-n", "1", "-c"]).arg(&file);
        let process = Process::start(command).expect("it starts");
        let started = |line: &str| line.ends_with(" running").then_some(());
        process.wait_for_line(PATIENCE, started).expect("named serves");
        Self { addr, _process: process, _dir: dir }
    }

    /// Where it answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// A port that is free for UDP and TCP, for a program that can't choose one itself.
fn free_port() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = tcp.local_addr().expect("a bound socket has an address");
        if UdpSocket::bind(addr).is_ok() {
            return addr;
        }
    }
}

/// How long it may take to load a zone of hundreds of thousands of names, on a busy machine.
const LOADING: Duration = Duration::from_secs(120);

/// An rbldnsd that serves one zone.
pub struct Rbldnsd {
    addr: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl Rbldnsd {
    /// Starts one with data sets, each a type and a file, all of which it serves.
    #[track_caller]
    pub fn start(origin: &str, data_sets: &[(&str, &[u8])]) -> Self {
        Self::serve(origin, data_sets).expect("rbldnsd serves these data sets")
    }

    /// Starts one with data sets; `None` where it does not serve them. Another program may take its port first;
    /// then it takes another.
    #[track_caller]
    pub fn serve(origin: &str, data_sets: &[(&str, &[u8])]) -> Option<Self> {
        let dir = TempDir::new().expect("a temporary folder");
        // It changes to another user where it is started by root.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut zones = Vec::new();
        for (number, (list, file)) in data_sets.iter().enumerate() {
            let path = dir.path().join(format!("file{number}"));
            fs::write(&path, file).expect("the folder is writable");
            zones.push(format!("{origin}:{list}:{}", path.display()));
        }
        for _ in 0..20 {
            let addr = free_port();
            let mut command = Command::new(tool("rbldnsd"));
            command.args(["-u", "nobody", "-n", "-a", "-c", "0"]);
            command.args(["-b", &format!("{}/{}", addr.ip(), addr.port())]);
            let process = Process::start(command.args(&zones)).expect("it starts");
            let has_started = crate::eventually(LOADING, || {
                if process.stdout().contains(" started (") {
                    return Ok(true);
                }
                if process.has_ended() { Ok(false) } else { Err("it neither starts nor ends") }
            });
            if has_started {
                return Some(Self { addr, _process: process, _dir: dir });
            }
            let said = process.stderr() + &process.stdout();
            if said.contains("loading errors") {
                return None;
            }
            let is_taken = said.contains("in use") || said.contains("bind");
            assert!(is_taken, "{said}\n{zones:?}");
        }
        panic!("no port stays free");
    }

    /// Where it answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// An NSD that serves one zone from a zone file, with answers that hold what was asked for and nothing else.
pub struct Nsd {
    addr: SocketAddr,
    _process: Process,
    _dir: TempDir,
}

impl Nsd {
    /// Starts one. Another program may take its port first; then it takes another.
    #[track_caller]
    pub fn start(origin: &str, zone_file: &str) -> Self {
        for _ in 0..20 {
            if let Some(started) = Self::start_at(free_port(), origin, zone_file) {
                return started;
            }
        }
        panic!("no port stays free");
    }

    fn start_at(addr: SocketAddr, origin: &str, zone_file: &str) -> Option<Self> {
        let dir = TempDir::new().expect("a temporary folder");
        let path = dir.path().display();
        let config = format!(
            "server:\n  server-count: 1\n  ip-address: {}@{}\n  username: \"\"\n  chroot: \"\"\n  \
             database: \"\"\n  zonesdir: \"\"\n  pidfile: \"\"\n  xfrdfile: \"{path}/nsd.xfrd\"\n  \
             xfrdir: \"{path}\"\n  zonelistfile: \"{path}/nsd.zones\"\n  minimal-responses: yes\n  verbosity: 1\n  \
             rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\nremote-control:\n  control-enable: no\n\
             zone:\n  name: {origin}\n  zonefile: \"{path}/zone\"\n",
            addr.ip(),
            addr.port(),
        );
        fs::write(dir.path().join("zone"), zone_file).expect("the folder is writable");
        fs::write(dir.path().join("nsd.conf"), config).expect("the folder is writable");
        let mut command = Command::new(tool("nsd"));
        command.arg("-d").arg("-c").arg(dir.path().join("nsd.conf"));
        let process = Process::start(&mut command).expect("it starts");
        let has_started = crate::eventually(LOADING, || {
            let said = process.stderr();
            if said.contains("nsd started") {
                return Ok(true);
            }
            if process.has_ended() { Ok(false) } else { Err(said) }
        });
        let said = process.stderr();
        if !has_started {
            let is_taken = said.contains("in use") || said.contains("can't bind");
            assert!(is_taken, "{said}\n{zone_file}");
            return None;
        }
        assert!(!said.contains("error:"), "{said}\n{zone_file}");
        Some(Self { addr, _process: process, _dir: dir })
    }

    /// Where it answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// What BIND's `named-checkzone` has against a zone file; nothing if it would load it. Names with `_` are none of its
/// business: they are no hosts.
#[track_caller]
pub fn check_zone(origin: &str, zone_file: &str) -> Result<(), String> {
    let dir = TempDir::new().expect("a temporary folder");
    let file = dir.path().join("zone");
    fs::write(&file, zone_file).expect("the folder is writable");
    let mut command = Command::new(tool("named-checkzone"));
    let process = Process::start(command.args(["-k", "ignore", origin]).arg(file));
    let finished = process.and_then(|process| process.wait(LOADING)).expect("it runs to its end");
    match finished.code {
        Some(0) => Ok(()),
        _ => Err(format!("{}{}", finished.stdout, finished.stderr)),
    }
}
