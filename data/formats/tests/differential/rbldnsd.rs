//! The real rbldnsd.

use std::{
    fs,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::Duration,
};

use dnsbl_formats::rbldnsd::ListType;
use dnsbl_tests::{Edns, PATIENCE, Process, Query, Reply, UdpClient, eventually, tool};
use hickory_proto::rr::{RData, Record, RecordType};
use tempfile::TempDir;

use crate::question::{Answers, Question, origin};

/// A running rbldnsd.
pub(crate) struct Rbldnsd {
    addr: SocketAddr,
    client: UdpClient,
    _process: Process,
    _dir: TempDir,
}

impl Rbldnsd {
    /// Starts one with a file that it serves.
    pub(crate) fn start(list: ListType, file: &[u8]) -> Self {
        let text = String::from_utf8_lossy(file);
        Self::serve(&[(list.as_str(), file)]).unwrap_or_else(|| panic!("it is not served:\n{text}"))
    }

    /// Starts one with data sets of these types; `None` where it does not serve them. Another program may take its
    /// port first; then it takes another.
    pub(crate) fn serve(datasets: &[(&str, &[u8])]) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        // It changes to another user where it is started by root.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut zones = Vec::new();
        for (number, (dataset, file)) in datasets.iter().enumerate() {
            let path = dir.path().join(format!("file{number}"));
            fs::write(&path, file).unwrap();
            zones.push(format!("{}:{dataset}:{}", origin(), path.display()));
        }
        for _ in 0..20 {
            let addr = free_port();
            let mut command = Command::new(tool("rbldnsd"));
            command.args(["-u", "nobody", "-n", "-a", "-c", "0"]);
            command.args(["-b", &format!("{}/{}", addr.ip(), addr.port())]);
            let process = Process::start(command.args(&zones)).unwrap();
            let has_started = eventually(PATIENCE, || {
                if process.stdout().contains(" started (") {
                    return Ok(true);
                }
                if process.has_ended() { Ok(false) } else { Err("it neither starts nor ends") }
            });
            if has_started {
                let client = UdpClient::connect(addr).unwrap();
                return Some(Self { addr, client, _process: process, _dir: dir });
            }
            let said = process.stderr() + &process.stdout();
            if said.contains("loading errors") {
                return None;
            }
            assert!(said.contains("in use") || said.contains("bind"), "{said}");
        }
        panic!("no port stays free");
    }

    /// The rcode and the records of a type at a name; `None` if nothing comes within the limit.
    pub(crate) fn records(
        &self,
        from: IpAddr,
        name: &str,
        rtype: RecordType,
        limit: Duration,
    ) -> Option<(u8, Vec<Record>)> {
        let client = UdpClient::connect_from(self.addr, from).unwrap();
        client.send(&Query::new(name, rtype).bytes()).unwrap();
        let reply = client.receive(limit).unwrap()?;
        Some((reply.rcode(), reply.message.answers.clone()))
    }

    /// What it answers; `None` where it denies.
    pub(crate) fn ask(&self, question: &Question) -> Option<Answers> {
        self.ask_name(&question.to_string())
    }

    /// What it answers to a name; `None` where it denies.
    pub(crate) fn ask_name(&self, name: &str) -> Option<Answers> {
        let query = Query::new(name, RecordType::ANY);
        let query = query.edns(Edns { payload: 4096, ..Edns::default() });
        self.client.send(&query.bytes()).unwrap();
        let reply = loop {
            let reply = self.client.receive(PATIENCE).unwrap().expect("rbldnsd answers");
            if reply.id() == query.id {
                break reply;
            }
        };
        read(name, &reply)
    }
}

fn read(name: &str, reply: &Reply) -> Option<Answers> {
    const NXDOMAIN: u8 = 3;
    if reply.rcode() == NXDOMAIN {
        return None;
    }
    assert_eq!(reply.rcode(), 0, "{name}: {reply:?}");
    let mut answers = Answers::default();
    for record in &reply.message.answers {
        match &record.data {
            RData::A(addr) => {
                answers.codes.insert(addr.to_string());
            }
            RData::TXT(text) => {
                let bytes = text.txt_data.concat();
                answers.texts.insert(String::from_utf8(bytes).unwrap());
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    Some(answers)
}

fn free_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
