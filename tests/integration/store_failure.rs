//! A store that can't be written: reads and DNS go on, writes are refused, nothing acknowledged is lost.

use std::{net::SocketAddr, process::Command};

use dnsbl_tests::{
    Admin,
    Answer::{self, NxDomain},
    HttpReply, PATIENCE, Process, Query, TestServer, TestZone, Transport, program,
};
use hickory_proto::rr::RecordType::A;
use reqwest::Method;
use serde_json::{Value, json};

/// Lets no file of a running server grow beyond so many bytes.
#[track_caller]
fn limit_files(server: &TestServer, bytes: u64) {
    let id = server.id().to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &id, &limit]).status();
    assert!(status.expect("prlimit of util-linux").success());
}

#[test]
fn a_store_that_can_not_be_written_refuses_writes_and_goes_on_answering() {
    let mut server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0");
    limit_files(&server, 16 << 10);
    let note = "x".repeat(1000);
    let put = |last: &u8, body: &Value| {
        server.admin().put(&zone.listing_path(&format!("192.0.2.{last}")), body)
    };
    let refused = (1..=100u8)
        .find(|last| {
            let reply = put(last, &json!({ "note": note }));
            // A limit on the size of files is like a full disk.
            let refused = reply.status == 507;
            assert!(refused || reply.status == 201, "{}", reply.status);
            assert!(!reply.text.contains(server.data_dir().to_str().unwrap()), "{}", reply.text);
            refused
        })
        .expect("the limit is reached");
    assert!(refused > 1, "some writes went well");

    put(&200, &json!({})).expect_problem(507);
    let ready = HttpReply::of(server.admin().bare(Method::GET, "/readyz")).expect(503);
    // No path of the disk is shown to strangers.
    assert!(!ready.text.contains('/'), "{}", ready.text);
    let import = format!("/v1/zones/{}/import?source=x", zone.origin());
    let import = server.admin().request(Method::POST, &import).body("192.0.2.77\n");
    HttpReply::of(import).expect_problem(507);
    let metrics = server.admin().get("/metrics").expect(200);
    assert!(metrics.text.contains("dnsbl_store_writable 0"), "{}", metrics.text);
    let check = |zone: &TestZone| {
        assert_eq!(zone.ask_address("192.0.2.0", A), Answer::listed());
        assert_eq!(zone.ask_address(&format!("192.0.2.{}", refused - 1), A), Answer::listed());
    };
    check(&zone);
    assert!(matches!(zone.ask_address(&format!("192.0.2.{refused}"), A), NxDomain), "never shown");

    let origin = zone.origin().to_owned();
    server.kill();
    server.start_again();
    let zone = TestZone::at(&server, &origin);
    check(&zone);
    zone.list("192.0.2.250");
}

/// Durability F14.
#[test]
fn a_start_on_a_full_disk_serves_what_is_there() {
    let mut server = TestServer::start();
    let origin = {
        let zone = server.ip_zone(json!({}));
        zone.list("192.0.2.1");
        zone.origin().to_owned()
    };
    server.stop();
    // No byte more can be written to any file, as on a full disk.
    let mut command = Command::new("prlimit");
    command.arg("--fsize=0:unlimited").arg(program("dnsbl-server"));
    let full = Process::start(command.args(["run", "--config"]).arg(server.config_file())).unwrap();
    let (dns, http) = full
        .wait_for_line(PATIENCE, |line| {
            let (dns, http) = line.split_once("ready dns=")?.1.split_once(" http=")?;
            let http = http.split_whitespace().next()?;
            Some((dns.parse::<SocketAddr>().ok()?, http.parse::<SocketAddr>().ok()?))
        })
        .unwrap();
    assert!(full.stderr().contains("DNS serves what is there"), "{}", full.stderr());
    let name = format!("1.2.0.192.{origin}");
    for transport in Transport::BOTH {
        let reply = Query::new(&name, A).ask(dns, transport);
        assert_eq!(Answer::of(&reply), Answer::listed());
    }
    let token = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    let admin = Admin::new(http, token.trim());
    admin.get("/readyz").expect(503);
    let metrics = admin.get("/metrics").expect(200);
    assert!(metrics.text.contains("dnsbl_store_writable 0"), "{}", metrics.text);
    let path = format!("/v1/zones/{origin}/listings/192.0.2.2");
    admin.put(&path, &json!({})).expect_problem(507);
    drop(full);
    server.start_again();
    TestZone::at(&server, &origin).list("192.0.2.2");
}
