//! While the store is read, nothing is denied: a name that may be listed gets SERVFAIL.

use std::{collections::BTreeSet, fs, io::ErrorKind, net::SocketAddr, process::Command};

use dnsbl_tests::{
    Answer, PATIENCE, Process, Query, TestServer, TestZone, UdpClient, eventually,
    fixtures::{self, IPSUM},
    program,
};
use hickory_proto::rr::RecordType::A;
use serde_json::json;

const SERVFAIL: u8 = 2;

/// A stopped server with much to load, and the name of something that it lists.
#[track_caller]
fn server_with_much_to_load() -> (TestServer, String) {
    let mut server = TestServer::start();
    let list = fixtures::load(IPSUM).text;
    let zones: Vec<TestZone> = (0..3).map(|_| server.ip_zone(json!({}))).collect();
    for zone in &zones {
        zone.import("format=plain", list.clone());
    }
    let last = &zones[zones.len() - 1];
    last.list("192.0.2.1");
    let name = last.below("1.2.0.192");
    // The port stays, so that it can be asked before the server tells it.
    let config = fs::read_to_string(server.config_file()).unwrap();
    let (before, after) = config.rsplit_once("127.0.0.1:0").unwrap();
    fs::write(server.config_file(), format!("{before}{}{after}", server.dns())).unwrap();
    server.stop();
    (server, name)
}

#[track_caller]
fn start(server: &TestServer) -> Process {
    let mut command = Command::new(program("dnsbl-server"));
    Process::start(command.args(["run", "--config"]).arg(server.config_file())).unwrap()
}

/// The answer to a query, asked again as long as nobody listens.
#[track_caller]
fn first_rcode(server: SocketAddr, name: &str) -> (u8, Answer) {
    let query = Query::new(name, A);
    eventually(PATIENCE, || {
        let client = UdpClient::connect(server).unwrap();
        client.send(&query.bytes()).unwrap();
        match client.receive(PATIENCE) {
            Ok(Some(reply)) => Ok((reply.rcode(), Answer::of(&reply))),
            Ok(None) => panic!("no answer, and no error either"),
            Err(err) if err.kind() == ErrorKind::ConnectionRefused => Err(err),
            Err(err) => panic!("{err}"),
        }
    })
}

#[test]
fn a_server_that_is_loading_answers_servfail_and_then_the_truth() {
    let (server, name) = server_with_much_to_load();
    let process = start(&server);
    let mut seen = BTreeSet::new();
    eventually(3 * PATIENCE, || match first_rcode(server.dns(), &name) {
        (_, answer) if answer == Answer::listed() => Ok(()),
        (rcode, answer) => {
            seen.insert(rcode);
            Err(answer)
        }
    });
    assert_eq!(seen, BTreeSet::from([SERVFAIL]), "before the store was read");
    let ready = |line: &str| line.contains("ready dns=").then_some(());
    process.wait_for_line(PATIENCE, ready).unwrap();
}

#[test]
fn a_server_that_is_told_to_stop_while_loading_exits_0_and_loses_nothing() {
    let (mut server, name) = server_with_much_to_load();
    for _ in 0..5 {
        let process = start(&server);
        assert_eq!(first_rcode(server.dns(), &name).0, SERVFAIL, "it is still loading");
        let done = process.terminate(PATIENCE).unwrap();
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    }
    server.start_again();
    assert_eq!(first_rcode(server.dns(), &name).1, Answer::listed());
}
