//! The rbl module of rspamd.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    process::Command,
};

use dnsbl_tests::{NameServer, PATIENCE, Process, Unbound, eventually, mta::unique_addr, tool};
use hickory_proto::rr::{RData, RecordType};
use reqwest::blocking::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::snippet;
use crate::server;

/// A running rspamd with nothing but the rbl module. It ends when dropped.
pub(super) struct Rspamd {
    addr: SocketAddr,
    process: Option<Process>,
    _dir: TempDir,
}

impl Rspamd {
    #[track_caller]
    pub(super) fn start(resolver: SocketAddr, origin: &str) -> Self {
        let (dir, addr) = (TempDir::new().unwrap(), SocketAddr::from(unique_addr()));
        let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        file("rbl.conf", &snippet("rspamd/rbl.conf", origin));
        file("tld", "com\norg\n");
        let here = dir.path().display();
        file(
            "rspamd.conf",
            &format!(
                "options {{
  dns {{ nameserver = [\"{resolver}\"]; timeout = 1s; retransmits = 1; }}
  filters = \"\"; url_tld = \"{here}/tld\"; tempdir = \"{here}\"; hs_cache_dir = \"{here}\";
  pidfile = \"{here}/pid\"; control_socket = \"{here}/control mode=0600\";
}}
logging {{ type = \"console\"; level = \"info\"; }}
worker \"normal\" {{ bind_socket = \"{addr}\"; count = 1; }}
modules {{ path = \"${{PLUGINSDIR}}/rbl.lua\"; }}
actions {{ reject = 15; }}
group \"rbl\" {{ symbols {{ \"RBL_BL_EXAMPLE\" {{ weight = 4; }} }} }}
rbl {{ .include \"{here}/rbl.conf\" }}
"
            ),
        );
        let share = tool("rspamd").ancestors().nth(2).unwrap().join("root/usr/share/rspamd");
        let mut command = Command::new(tool("rspamd"));
        command.args(["-i", "-f", "-c"]).arg(dir.path().join("rspamd.conf"));
        for (name, path) in [
            ("SHAREDIR", share.clone()),
            ("RULESDIR", share.join("rules")),
            ("PLUGINSDIR", share.join("plugins")),
            ("LUALIBDIR", share.join("lualib")),
            ("WWWDIR", share.join("www")),
        ] {
            command.arg(format!("--var={name}={}", path.display()));
        }
        for name in ["CONFDIR", "LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR"] {
            command.arg(format!("--var={name}={here}"));
        }
        let process = Process::start(&mut command).unwrap();
        eventually(PATIENCE, || {
            TcpStream::connect(addr).map_err(|err| format!("{err}: {}", process.stderr()))
        });
        Self { addr, process: Some(process), _dir: dir }
    }

    /// The score of a message from a client.
    #[track_caller]
    pub(super) fn score(&self, client: &str) -> f64 {
        let http = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let request = http.post(format!("http://{}/checkv2", self.addr)).header("IP", client);
        let message = "From: a@example.org\r\nSubject: hello\r\n\r\nhello\r\n";
        let text = request.body(message).send().unwrap().text().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["score"].as_f64().unwrap()
    }
}

/// Its workers outlive a main process that is killed, so it is told to end.
impl Drop for Rspamd {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            let _ = process.terminate(PATIENCE);
        }
    }
}

#[test]
fn rspamd_scores_a_listed_client() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.9");
    zone.list("2001:db8::9");
    let resolver = Unbound::start(server.dns(), &[zone.origin()]);
    let rspamd = Rspamd::start(resolver.addr(), zone.origin());
    for (client, score) in
        [("192.0.2.9", 4.0), ("2001:db8::9", 4.0), ("192.0.2.8", 0.0), ("2001:db8::8", 0.0)]
    {
        assert!((rspamd.score(client) - score).abs() < 0.01, "{client}");
    }
}

#[test]
fn rspamd_scores_nothing_for_a_parked_or_blocking_list() {
    for address in [[203, 0, 113, 7], [127, 255, 255, 254]] {
        let list = NameServer::start(move |_, rtype| match rtype {
            RecordType::A => vec![RData::A(std::net::Ipv4Addr::from(address).into())],
            _ => Vec::new(),
        });
        let resolver = Unbound::start(list.addr(), &["bl.example.org"]);
        let rspamd = Rspamd::start(resolver.addr(), "bl.example.org");
        assert!(rspamd.score("192.0.2.9").abs() < 0.01, "{address:?}");
    }
}
