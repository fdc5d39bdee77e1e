//! dnsbl-server.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use dnsbl_tests::{Admin, HttpReply, Process};
use reqwest::{Method, blocking::Body};
use serde_json::{Value, json};

use super::{LOADING, Program, Server};
use crate::{data, http::Connection, network::Network, programs, usage};

/// How long it may take to end.
const ENDING: Duration = Duration::from_secs(60);

/// A running dnsbl-server.
pub(crate) struct Ours {
    program: Program,
    http: SocketAddr,
    /// Where the pages are, if it has them.
    web: Option<SocketAddr>,
    token: String,
}

impl Ours {
    /// What the names of the threads that answer UDP begin with.
    const WORKERS: &str = "dns-udp-";

    /// Starts it on the store in a folder, with so many workers on as many cores; 0 is all cores.
    pub(crate) fn start(network: &Network, dir: &Path, workers: usize) -> Result<Self> {
        Self::start_as(&programs::ours("dnsbl-server")?, network, dir, workers, "")
    }

    /// The same of any build, with more in its configuration.
    pub(crate) fn start_as(
        program: &Path,
        network: &Network,
        dir: &Path,
        workers: usize,
        more: &str,
    ) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let config = dir.join("dnsbl-server.toml");
        let addr = network.free_address()?;
        let text = format!(
            "version = \"v1\"\ndata-dir = \"{}\"\n[dns]\nlisten = [\"{addr}\"]\nthreads = {workers}\n\
             [http]\nlisten = \"127.0.0.1:0\"\n{more}",
            dir.join("data").display()
        );
        fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
        let mut command = network.on_server_cores(workers, program);
        command.args(["run", "--config"]).arg(config);
        let begun = Instant::now();
        let process = Process::start(&mut command)?;
        let (http, web) = process.wait_for_line(LOADING, addresses)?;
        let load_time = begun.elapsed();
        let token = dir.join("data/admin.token");
        let token = fs::read_to_string(&token)
            .with_context(|| format!("reading {}", token.display()))?
            .trim()
            .to_owned();
        Ok(Self { program: Program { process, addr, load_time }, http, web, token })
    }

    /// The processor time so far of the threads that answer UDP.
    pub(crate) fn workers_time(&self) -> Result<Duration> {
        usage::thread_time(self.program.process.id(), Self::WORKERS)
    }

    /// Moves all threads but those that answer UDP to the generator's core.
    pub(crate) fn part_threads(&self, network: &Network) -> Result<()> {
        let core = network.generator_core().to_string();
        let tasks = PathBuf::from(format!("/proc/{}/task", self.program.process.id()));
        for task in fs::read_dir(&tasks).with_context(|| format!("reading {}", tasks.display()))? {
            let task = task?;
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if !name.starts_with(Self::WORKERS) {
                let id = task.file_name().to_string_lossy().into_owned();
                programs::run("taskset", &["-cp", &core, &id])?;
            }
        }
        Ok(())
    }

    /// Where its pages are.
    pub(crate) fn web(&self) -> Result<SocketAddr> {
        self.web.context("it was started without pages")
    }

    /// Another connection to its API.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self.http, &self.token)
    }

    /// Makes the zone.
    pub(crate) fn make_zone(&self) -> Result<()> {
        self.make_list(data::ORIGIN, &[])
    }

    /// Makes a zone at an origin, which includes others.
    pub(crate) fn make_list(&self, origin: &str, includes: &[String]) -> Result<()> {
        let includes: Vec<Value> = includes.iter().map(|zone| json!({"zone": zone})).collect();
        let mut body = json!({
            "kind": "ip", "ns": ["ns1.example.net."], "reason": data::REASON,
            "soa": {"mname": "ns1.example.net.", "rname": format!("hostmaster.{}.", data::ORIGIN)},
        });
        if !includes.is_empty() {
            // Builds that are compared may not know the key.
            body["includes"] = includes.into();
        }
        let path = format!("/v1/zones/{origin}");
        let reply = HttpReply::try_of(self.admin().request(Method::PUT, &path).json(&body))?;
        ensure!(reply.status == 201, "making {origin}: {} {}", reply.status, reply.text);
        Ok(())
    }

    /// Gives the zone another `access`.
    pub(crate) fn set_access(&self, access: Value) -> Result<()> {
        let path = format!("/v1/zones/{}", data::ORIGIN);
        let reply = HttpReply::try_of(self.admin().request(Method::GET, &path))?;
        let mut body: Value = serde_json::from_str(&reply.text).context("reading the zone")?;
        body["access"] = access;
        let reply = HttpReply::try_of(self.admin().request(Method::PUT, &path).json(&body))?;
        ensure!(reply.status == 200, "changing the zone: {} {}", reply.status, reply.text);
        Ok(())
    }

    /// Adds a subscriber to the zone; gives its key.
    pub(crate) fn subscribe(&self, admin: &Admin, number: usize) -> Result<String> {
        let body = json!({"name": format!("subscriber {number}"), "zones": [data::ORIGIN]});
        let request = admin.request(Method::POST, "/v1/subscribers").json(&body);
        let reply = HttpReply::try_of(request)?;
        ensure!(reply.status == 201, "subscribing: {} {}", reply.status, reply.text);
        let made: Value = serde_json::from_str(&reply.text).context("reading the subscriber")?;
        made["key"].as_str().map(Into::into).context("a new subscriber has a key")
    }

    /// Makes an allow zone, in which logins grant.
    pub(crate) fn make_allow_zone(&self) -> Result<()> {
        let body = json!({"kind": "allow", "ns": ["ns1.example.net."]});
        let path = "/v1/zones/popauth.example.org";
        let reply = HttpReply::try_of(self.admin().request(Method::PUT, path).json(&body))?;
        let is_there = matches!(reply.status, 200 | 201);
        ensure!(is_there, "making the allow zone: {} {}", reply.status, reply.text);
        Ok(())
    }

    /// Imports a plain list; gives how long that took and what the server says of it.
    pub(crate) fn import(&self, list: &Path, mode: &str) -> Result<(Duration, Value)> {
        self.import_into(data::ORIGIN, list, mode)
    }

    /// Imports a plain list into the zone at an origin.
    pub(crate) fn import_into(
        &self,
        origin: &str,
        list: &Path,
        mode: &str,
    ) -> Result<(Duration, Value)> {
        self.import_as("plain", origin, list, mode)
    }

    /// Imports a list in a format, which may have further parameters behind it.
    pub(crate) fn import_as(
        &self,
        format: &str,
        origin: &str,
        list: &Path,
        mode: &str,
    ) -> Result<(Duration, Value)> {
        let file = File::open(list).with_context(|| format!("opening {}", list.display()))?;
        let path = format!("/v1/zones/{origin}/import?format={format}&mode={mode}");
        let request = self.admin().request(Method::POST, &path).body(Body::from(file));
        let begun = Instant::now();
        let reply = HttpReply::try_of(request.timeout(LOADING))?;
        let took = begun.elapsed();
        ensure!(reply.status == 200, "importing: {} {}", reply.status, reply.text);
        let counts: Value = serde_json::from_str(&reply.text).context("reading the counts")?;
        ensure!(counts["rejected"] == 0, "lines were rejected: {}", reply.text);
        Ok((took, counts))
    }

    /// Its metrics, as text.
    pub(crate) fn metrics(&self) -> Result<String> {
        let reply = HttpReply::try_of(self.admin().request(Method::GET, "/metrics"))?;
        ensure!(reply.status == 200, "metrics: {} {}", reply.status, reply.text);
        Ok(reply.text)
    }

    /// Ends it, with all that it has accepted on disk.
    pub(crate) fn stop(self) -> Result<()> {
        let finished = self.program.process.terminate(ENDING)?;
        if finished.code != Some(0) {
            bail!("dnsbl-server ended with {:?}; it said:\n{}", finished.code, finished.stderr);
        }
        Ok(())
    }

    /// Its API, as an operator has it.
    pub(crate) fn admin(&self) -> Admin {
        Admin::new(self.http, &*self.token)
    }
}

impl Server for Ours {
    fn name(&self) -> &'static str {
        "dnsbl-server"
    }

    fn program(&self) -> &Program {
        &self.program
    }

    fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        // An operator's command connects, too.
        self.connect()?.list(addr)
    }

    fn reloads(&self) -> bool {
        false
    }
}

/// The addresses of API and pages in `… ready dns=ADDR:PORT http=ADDR:PORT web=ADDR:PORT …`.
fn addresses(line: &str) -> Option<(SocketAddr, Option<SocketAddr>)> {
    let (_, ready) = line.split_once("ready dns=")?;
    let of = |key: &str| ready.split_once(key)?.1.split_whitespace().next()?.parse().ok();
    Some((of(" http=")?, of(" web=")))
}
