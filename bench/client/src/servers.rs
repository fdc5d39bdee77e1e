//! The servers: rbldnsd with the lists, unbound in front of it, and one that never answers.

use std::{
    fmt::Write as _,
    fs,
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    data::{DEAD_ZONE, Data, ZONES},
    programs,
};

/// adns asks no other port than 53, so each server has an address of its own.
pub(crate) const RESOLVER: &str = "127.0.0.1";
pub(crate) const AUTHORITY: &str = "127.0.0.2";
const DEAD: &str = "127.0.0.3";

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// The servers; they end with this.
pub(crate) struct Servers {
    _authority: Server,
    resolver: Option<Server>,
    /// Takes questions and never looks at them.
    _dead: UdpSocket,
    dir: std::path::PathBuf,
}

/// A running program.
struct Server(Child);

impl Servers {
    /// Starts them on the first core.
    pub(crate) fn start(dir: &Path, data: &Data) -> Result<Self> {
        let dead = UdpSocket::bind((DEAD, 53)).context("a dead server")?;
        let mut command = programs::on_first_core(&programs::peer("rbldnsd")?);
        let file = data.ip4set()?;
        command.args(["-n", "-c", "1h", "-u", "nobody", "-b", &format!("{AUTHORITY}/53")]);
        command.args(ZONES.map(|zone| format!("{zone}:ip4set:{}", file.display())));
        let authority = Server::start(command, AUTHORITY)?;
        let mut servers =
            Self { _authority: authority, resolver: None, _dead: dead, dir: dir.to_path_buf() };
        servers.restart_resolver()?;
        Ok(servers)
    }

    /// Starts unbound anew: it remembers nothing.
    pub(crate) fn restart_resolver(&mut self) -> Result<()> {
        self.resolver = None;
        let file = self.dir.join("unbound.conf");
        fs::write(&file, config()?).context("writing unbound.conf")?;
        let mut command = programs::on_first_core(&programs::peer("unbound")?);
        command.arg("-d").arg("-c").arg(file);
        self.resolver = Some(Server::start(command, RESOLVER)?);
        Ok(())
    }
}

fn config() -> Result<String> {
    let mut config = format!(
        "server:\n  interface: {RESOLVER}\n  port: 53\n  username: \"\"\n  chroot: \"\"\n  \
         directory: \"\"\n  pidfile: \"\"\n  do-not-query-localhost: no\n  do-ip6: no\n  \
         module-config: \"iterator\"\n  qname-minimisation: no\n  use-syslog: no\n  \
         logfile: \"\"\n  num-threads: 1\n  so-rcvbuf: 4m\n  msg-cache-size: 256m\n  \
         rrset-cache-size: 256m\n  num-queries-per-thread: 4096\n  outgoing-range: 8192\n\
         remote-control:\n  control-enable: no\n"
    );
    let alive = ZONES.iter().map(|zone| (*zone, AUTHORITY));
    for (zone, addr) in alive.chain([(DEAD_ZONE, DEAD)]) {
        write!(config, "stub-zone:\n  name: \"{zone}\"\n  stub-addr: {addr}\n")?;
    }
    Ok(config)
}

impl Server {
    /// Starts it and waits until it answers.
    fn start(mut command: Command, addr: &str) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let server = Self(child);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if answers((addr, 53).0, Duration::from_millis(100))? {
                return Ok(server);
            }
        }
        bail!("{command:?} does not answer on {addr}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a server answers a question for the test entry of a list.
fn answers(addr: &str, patience: Duration) -> Result<bool> {
    let mut query = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in format!("2.0.0.127.{}", ZONES[0]).split('.') {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    let addr: SocketAddr = format!("{addr}:53").parse()?;
    socket.set_read_timeout(Some(patience))?;
    socket.connect(addr)?;
    let began = Instant::now();
    let answered = socket.send(&query).and_then(|_| socket.recv(&mut [0; 512])).is_ok();
    if !answered {
        // A port that nobody listens on is told at once.
        programs::rest(patience.saturating_sub(began.elapsed()))?;
    }
    Ok(answered)
}
