//! The real rbldnsd.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use dnsbl_formats::rbldnsd::ListType;
use dnsbl_tests::{Edns, PATIENCE, Process, Query, Reply, UdpClient, eventually, tool};
use hickory_proto::rr::{RData, RecordType};
use tempfile::TempDir;

use crate::question::{Answers, Question, origin};

/// A running rbldnsd that serves one file.
pub(crate) struct Rbldnsd {
    client: UdpClient,
    _process: Process,
    _dir: TempDir,
}

impl Rbldnsd {
    /// Starts one. Another program may take its port first; then it takes another.
    pub(crate) fn start(list: ListType, file: &[u8]) -> Self {
        let dir = TempDir::new().unwrap();
        // It changes to another user where it is started by root.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = dir.path().join("file");
        fs::write(&path, file).unwrap();
        let zone = format!("{}:{}:{}", origin(), list.as_str(), path.display());
        for _ in 0..20 {
            let addr = free_port();
            let mut command = Command::new(tool("rbldnsd"));
            command.args(["-u", "nobody", "-n", "-a", "-c", "0"]);
            command.args(["-b", &format!("{}/{}", addr.ip(), addr.port())]);
            let process = Process::start(command.arg(&zone)).unwrap();
            let has_started = eventually(PATIENCE, || {
                if process.stdout().contains(" started (") {
                    return Ok(true);
                }
                if process.has_ended() { Ok(false) } else { Err("it neither starts nor ends") }
            });
            if has_started {
                let client = UdpClient::connect(addr).unwrap();
                return Self { client, _process: process, _dir: dir };
            }
            let said = process.stderr();
            let is_taken = said.contains("in use") || said.contains("bind");
            assert!(is_taken, "{said}\n{}", String::from_utf8_lossy(file));
        }
        panic!("no port stays free");
    }

    /// What it answers; `None` where it denies.
    pub(crate) fn ask(&self, question: &Question) -> Option<Answers> {
        let name = question.to_string();
        let query = Query::new(&name, RecordType::ANY);
        let query = query.edns(Edns { payload: 4096, ..Edns::default() });
        self.client.send(&query.bytes()).unwrap();
        let reply = loop {
            let reply = self.client.receive(PATIENCE).unwrap().expect("rbldnsd answers");
            if reply.id() == query.id {
                break reply;
            }
        };
        read(&name, &reply)
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
