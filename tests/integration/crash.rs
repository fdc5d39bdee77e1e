//! SIGKILL at any moment: no acknowledged write is lost, and DNS, API and change log agree.
//!
//! `DNSBL_CRASH_ROUNDS` says how many rounds; 50 by default. Killing a process does not empty the page
//! cache, so this shows recovery, not that data reached the disk.

mod writer;

use std::{
    collections::BTreeMap,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use dnsbl_tests::{
    Answer::{self, NxDomain},
    Random, TcpClient, TestServer, TestZone,
};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::changes;
use writer::{Acknowledged, State, Writer};

const WRITERS: usize = 4;

/// What the test knows: what must be there, and what was promised so far.
struct Ledger {
    origin: String,
    writers: Vec<Writer>,
    /// Every acknowledged change by its number.
    promised: BTreeMap<u64, Acknowledged>,
    /// The last change that was checked.
    checked: u64,
}

#[test]
fn no_acknowledged_write_is_lost_when_the_server_is_killed() {
    let rounds = std::env::var("DNSBL_CRASH_ROUNDS").ok();
    let rounds: usize =
        rounds.map_or(50, |text| text.parse().expect("DNSBL_CRASH_ROUNDS is a number"));
    let mut random = Random::from_env("DNSBL_CRASH_SEED");
    let dir = TempDir::new().unwrap();
    let mut server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let mut ledger = Ledger {
        origin: zone.origin().to_owned(),
        writers: (0..WRITERS)
            .map(|number| Writer::new(number, dir.path(), random.number()))
            .collect(),
        promised: BTreeMap::new(),
        checked: 0,
    };
    let begun = Instant::now();
    for _ in 0..rounds {
        ledger
            .write_until_killed(&mut server, Duration::from_millis(50 + random.below(450) as u64));
        server.start_again();
        ledger.check(&server);
    }
    let everything = changes::all(&server);
    ledger.check_log(&everything, 0);
    println!(
        "{rounds} rounds in {:?}: {} acknowledged writes, none lost",
        begun.elapsed(),
        ledger.promised.len()
    );
    assert!(ledger.promised.len() > rounds, "hardly anything was written");
}

impl Ledger {
    /// Lets all writers write for so long, then kills the server under them.
    fn write_until_killed(&mut self, server: &mut TestServer, after: Duration) {
        let zone = TestZone::at(server, &self.origin);
        let (failed, failures) = mpsc::sync_channel(WRITERS);
        thread::scope(|scope| {
            for writer in &mut self.writers {
                let (zone, admin, failed) = (zone.clone(), server.admin().clone(), failed.clone());
                scope.spawn(move || {
                    let why = writer.write_until_refused(&admin, &zone);
                    failed.send(why).expect("the test waits for all writers");
                });
            }
            let early = failures.recv_timeout(after);
            assert_eq!(
                early,
                Err(mpsc::RecvTimeoutError::Timeout),
                "a write failed before the kill"
            );
            server.kill();
        });
        for writer in &mut self.writers {
            self.promised.extend(writer.take_acknowledged());
        }
    }

    /// What was promised holds, whoever is asked.
    fn check(&mut self, server: &TestServer) {
        let zone = TestZone::at(server, &self.origin);
        let subjects: Vec<String> = self.writers.iter().flat_map(Writer::subjects).collect();
        let addresses = subjects.iter().map(|subject| subject.parse().unwrap());
        let names: Vec<String> = addresses.map(|addr| zone.name_of(addr)).collect();
        let answers = TcpClient::ask_all(server.dns(), &names, A);
        let mut rows = subjects.iter().zip(answers);
        for writer in &mut self.writers {
            writer.settle(|subject, allowed| {
                let (asked, answer) = rows.next().expect("a row for each subject");
                assert_eq!(asked, subject);
                let found = read(server, &zone, subject);
                assert!(allowed.contains(&found), "{subject}: {found:?} is none of {allowed:?}");
                let expected =
                    found.map_or(NxDomain, |code| Answer::record(format!("127.0.0.{code}")));
                assert_eq!(answer, expected, "DNS and API differ on {subject}");
                found
            });
        }
        let (new, head) = changes::after(server, self.checked);
        self.check_log(&new, self.checked);
        self.checked = head;
    }

    /// The log has every number after `from`, and says what was acknowledged under it.
    fn check_log(&self, entries: &[Value], from: u64) {
        for (entry, expected) in entries.iter().zip(from + 1..) {
            assert_eq!(entry["seq"], expected, "the log is not dense");
            if let Some(promised) = self.promised.get(&expected) {
                assert_eq!(entry["subject"], promised.subject, "{entry}");
                assert_eq!(entry["listing"].is_null(), promised.state.is_none(), "{entry}");
            }
        }
        let last = self.promised.last_key_value().map_or(0, |(seq, _)| *seq);
        assert!(last <= from + entries.len() as u64, "change {last} was acknowledged and is gone");
    }
}

/// What the API says of a subject.
#[track_caller]
fn read(server: &TestServer, zone: &TestZone, subject: &str) -> State {
    let reply = server.admin().get(&zone.listing_path(subject));
    if reply.status == 404 {
        return None;
    }
    let found = reply.expect(200).json();
    let code = found["return_codes"][0].as_str().and_then(|code| code.strip_prefix("127.0.0."));
    Some(code.expect("a code of the test").parse().expect("a number"))
}
