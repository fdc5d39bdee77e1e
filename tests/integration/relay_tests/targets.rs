//! What is never tested (RFC 6890): a submission can't aim the tester at a network inside.

use std::{fs, net::IpAddr, process::Command};

use dnsbl_tests::{
    NameServer, Process, TestServer,
    mta::{ScriptedServer, unique_addr},
    program,
};
use serde_json::json;

use super::{Tester, mail_goes_to};

const INSIDE: [&str; 40] = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
    // Mapped and compatible (RFC 4291).
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "::10.0.0.1",
    // NAT64 (RFC 6052, RFC 8215).
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::10.0.0.1",
    // 6to4 (RFC 3056).
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:c0a8:101::1",
    // Teredo (RFC 4380), whose client address is inverted: 10.0.0.1, 127.0.0.1.
    "2001::f5ff:fffe",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    // Site-local, and what stands for no host.
    "fec0::1",
    "100::1",
];

/// A server whose tester is on, and may test nothing special.
fn strict() -> TestServer {
    TestServer::with_tables(&format!(
        "[relay-tester]
enabled = true
zone = \"relays.example.org\"
receiver = \"{}\"
probe-domain = \"probe.example.org\"
ehlo = \"relaytest.example.org\"
",
        unique_addr()
    ))
}

#[test]
fn rfc6890_special_use_and_embedded_addresses_are_refused_on_every_ground() {
    let server = strict();
    for ground in ["self", "owner", "evidence", "retest", "delist"] {
        for address in INSIDE {
            let evidence = format!("Received: from relay.example ([{address}])\r\n\r\n");
            let body = json!({"address": address, "ground": ground, "evidence": evidence});
            let reply = server.admin().post("/v1/relay-tests", &body);
            assert_eq!(reply.status, 422, "{ground} {address}: {}", reply.text);
            reply.expect_problem(422);
        }
    }
    let tests = server.admin().get("/v1/relay-tests").expect(200).json();
    assert_eq!(tests["relay_tests"], json!([]), "{tests}");
}

#[test]
fn a_name_in_place_of_an_address_is_not_looked_up() {
    let server = strict();
    for address in ["localhost", "mx.example.org", "127.1", "0x7f000001", "2130706433", "[::1]", ""]
    {
        let body = json!({"address": address, "ground": "owner"});
        let reply = server.admin().post("/v1/relay-tests", &body);
        assert!(matches!(reply.status, 400 | 422), "{address}: {} {}", reply.status, reply.text);
    }
}

#[test]
fn ports_other_than_25_are_for_owners() {
    let server = strict();
    for ground in ["self", "evidence", "retest", "delist"] {
        let body = json!({"address": "192.0.2.1", "ground": ground, "port": 587, "evidence": "x"});
        server.admin().post("/v1/relay-tests", &body).expect_problem(422);
    }
}

#[test]
fn a_server_for_tests_tests_nothing_else() {
    let tester = Tester::start();
    // Nobody has it, but it is not special-use space.
    for ground in ["owner", "evidence"] {
        let body = json!({"address": "192.0.1.1", "ground": ground, "evidence": "x"});
        tester.post(&body).expect_problem(422);
    }
}

/// A tester that finds the exchange of `inside.example` at these addresses, one after the other.
fn tester_of_domain(addresses: &[IpAddr]) -> (Tester, NameServer) {
    let names = mail_goes_to(addresses);
    (Tester::asking(names.addr(), "settle-for = \"1s\"\n", ""), names)
}

/// What a host heard as recipients at the domain.
fn backup_probes(host: &ScriptedServer) -> Vec<String> {
    let commands = host.record().commands.into_iter();
    commands.filter(|line| line.contains("@inside.example>")).collect()
}

#[test]
fn a_domain_is_used_only_where_its_mail_goes_to_the_tested_host() {
    let (host, other) = (ScriptedServer::refusing(), ScriptedServer::refusing());
    let (ip, elsewhere) = (host.addr().ip(), other.addr().ip());
    let body = json!({
        "address": ip, "port": host.addr().port(), "ground": "owner", "domain": "inside.example",
    });

    let (tester, _names) = tester_of_domain(&[ip]);
    tester.verdict(&tester.submit(&body));
    assert!(!backup_probes(&host).is_empty(), "{:?}", host.record().commands);

    let before = backup_probes(&host).len();
    let (tester, names) = tester_of_domain(&[elsewhere]);
    let reply = tester.post(&body);
    // Either it says so, or it does without.
    if reply.status == 202 {
        tester.verdict(reply.json()["id"].as_str().expect("an id"));
    } else {
        reply.expect_problem(422);
    }
    assert_eq!(backup_probes(&host).len(), before);
    assert!(other.record().connections.is_empty());
    assert!(!names.asked().is_empty());
}

#[test]
fn a_name_that_leads_somewhere_else_when_asked_again_moves_no_connection() {
    let (host, inside) = (ScriptedServer::refusing(), ScriptedServer::refusing());
    let (ip, other) = (host.addr().ip(), inside.addr().ip());
    let (tester, _names) = tester_of_domain(&[ip, other]);
    let body = json!({
        "address": ip, "port": host.addr().port(), "ground": "owner", "domain": "inside.example",
    });
    tester.verdict(&tester.submit(&body));
    assert!(!host.record().connections.is_empty());
    assert!(inside.record().connections.is_empty());
}

#[test]
fn a_server_for_tests_does_not_start_where_others_reach_it() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("dnsbl-server.toml");
    let config = |http: &str| {
        format!(
            "version = \"v1\"\ndata-dir = \"{}\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"{http}\"\ninsecure = true\n\
             [relay-tester]\nenabled = true\nzone = \"relays.example.org\"\nreceiver = \"{}\"\n\
             probe-domain = \"probe.example.org\"\nehlo = \"relaytest.example.org\"\n\
             allow-targets = [\"127.0.0.0/8\"]\n",
            dir.path().join("data").display(),
            unique_addr()
        )
    };
    let check = |http: &str| {
        fs::write(&file, config(http)).unwrap();
        let mut command = Command::new(program("dnsbl-server"));
        Process::run(command.args(["check-config", "--config"]).arg(&file)).unwrap()
    };
    let alone = check("127.0.0.1:0");
    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
    let exposed = check("0.0.0.0:0");
    assert_eq!(exposed.code, Some(1), "{}", exposed.stderr);
    assert!(exposed.stderr.contains("allow-targets"), "{}", exposed.stderr);
}
