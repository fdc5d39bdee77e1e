//! The real server, on free ports, with a data folder of its own.

use std::{
    env, fs,
    net::SocketAddr,
    ops::Deref,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{Admin, Process};

/// How long a server may take to load what the tests write.
const START: Duration = Duration::from_secs(60);

/// A running server. It is killed, and its data is deleted, when dropped.
pub struct TestServer {
    dir: TempDir,
    process: Option<Process>,
    dns: SocketAddr,
    admin: Admin,
}

impl TestServer {
    /// Starts a server with defaults and no data.
    #[track_caller]
    pub fn start() -> Self {
        Self::with_dns_config("")
    }

    /// Starts one with further lines for the table `[dns]` of its configuration.
    #[track_caller]
    pub fn with_dns_config(lines: &str) -> Self {
        Self::configured(&format!("listen = [\"127.0.0.1:0\"]\n{lines}"))
    }

    /// Starts one with further tables in its configuration.
    #[track_caller]
    pub fn with_tables(tables: &str) -> Self {
        Self::configured(&format!("listen = [\"127.0.0.1:0\"]\n{tables}"))
    }

    /// Starts one with further lines for the table `[http]` of its configuration.
    #[track_caller]
    pub fn with_http_config(lines: &str) -> Self {
        Self::with_http_and_dns(lines, "listen = [\"127.0.0.1:0\"]")
    }

    /// Starts one that listens for DNS at an address.
    #[track_caller]
    pub fn listening_on(addr: &str) -> Self {
        Self::configured(&format!("listen = [\"{addr}\"]"))
    }

    #[track_caller]
    fn configured(dns: &str) -> Self {
        Self::with_http_and_dns("", dns)
    }

    #[track_caller]
    fn with_http_and_dns(http: &str, dns: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let config = format!(
            "version = \"v1\"\ndata-dir = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n{http}\n[dns]\n{dns}",
            dir.path().join("data").display()
        );
        fs::write(config_file(&dir), config).expect("the folder is writable");
        let (process, dns, admin) = serve(&dir).expect("the server starts");
        Self { dir, process: Some(process), dns, admin }
    }

    /// Where it answers DNS, over UDP and TCP.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Its API, with the token that it made for itself.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Its configuration file.
    pub fn config_file(&self) -> PathBuf {
        config_file(&self.dir)
    }

    /// The folder of its data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The process id; panics when it is stopped.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// What it has written to standard error since it was last started.
    pub fn stderr(&self) -> String {
        self.process.as_ref().map_or_else(String::new, Process::stderr)
    }

    /// Ends it at once, with SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Ends it with SIGTERM; it drains and exits 0.
    #[track_caller]
    pub fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        let finished = process.terminate(START).expect("it ends on SIGTERM");
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }

    /// Starts it again on the same data; the ports change.
    #[track_caller]
    pub fn start_again(&mut self) {
        let (process, dns, admin) = serve(&self.dir).expect("the server starts again");
        (self.process, self.dns, self.admin) = (Some(process), dns, admin);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        print_if_panicking(self);
        // Before its folder goes.
        self.kill();
    }
}

/// One server for many tests, each with zones of its own. It ends with the last test that uses it.
#[derive(Default)]
pub struct SharedServer(Mutex<Weak<TestServer>>);

/// A test's share in a [`SharedServer`].
pub struct Lease(Arc<TestServer>);

impl SharedServer {
    /// No server yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The server, started if nobody uses it now.
    #[track_caller]
    pub fn lease(&self) -> Lease {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            // Its tests share a token, and there are as many at once as the machine has cores.
            let many = "imports = 1000\nsearches = 1000\n";
            let server = Arc::new(TestServer::with_http_config(many));
            *shared = Arc::downgrade(&server);
            server
        });
        Lease(server)
    }
}

impl Deref for Lease {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The last lease leaves it to the server itself.
        if Arc::strong_count(&self.0) > 1 {
            print_if_panicking(&self.0);
        }
    }
}

fn print_if_panicking(server: &TestServer) {
    if thread::panicking() {
        println!("--- what the server said ---\n{}---", server.stderr());
    }
}

/// A program of this workspace, from the folder that holds the test's own.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let path = release_dir().join(name);
    assert!(
        path.exists(),
        "{} is missing; run `make test`, which builds the binaries first",
        path.display()
    );
    path
}

/// The folder that cargo builds in.
pub fn target_dir() -> PathBuf {
    let release = release_dir();
    release.parent().expect("a profile's folder lies in it").to_path_buf()
}

/// `<target>/release`: test binaries lie in `deps` below it.
pub(crate) fn release_dir() -> PathBuf {
    let own = env::current_exe().expect("a test knows its own path");
    let dir = own.ancestors().nth(2).expect("a test lies two folders down");
    dir.to_path_buf()
}

fn config_file(dir: &TempDir) -> PathBuf {
    dir.path().join("dnsbl-server.toml")
}

fn serve(dir: &TempDir) -> Result<(Process, SocketAddr, Admin)> {
    let mut command = Command::new(program("dnsbl-server"));
    command.args(["run", "--config"]).arg(config_file(dir));
    let process = Process::start(&mut command)?;
    let (dns, http) = process.wait_for_line(START, ready_addresses)?;
    let token = read_token(&dir.path().join("data"))?;
    Ok((process, dns, Admin::new(http, token)))
}

fn read_token(data_dir: &Path) -> Result<String> {
    let file = data_dir.join("admin.token");
    let token = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    ensure!(!token.trim().is_empty(), "{} is empty", file.display());
    Ok(token.trim().to_owned())
}

/// The addresses in `… ready dns=ADDR:PORT http=ADDR:PORT …`.
fn ready_addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (_, addresses) = line.split_once("ready dns=")?;
    let (dns, rest) = addresses.split_once(" http=")?;
    let http = rest.split_whitespace().next()?;
    Some((dns.parse().ok()?, http.parse().ok()?))
}
