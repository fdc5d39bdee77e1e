//! A store that can't be written: reads and DNS go on, writes are refused, nothing acknowledged is lost.

use std::process::Command;

use dnsbl_tests::{
    Answer::{self, NxDomain},
    HttpReply, TestServer, TestZone,
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
            let refused = matches!(reply.status, 503 | 507);
            assert!(refused || reply.status == 201, "{}", reply.status);
            refused
        })
        .expect("the limit is reached");
    assert!(refused > 1, "some writes went well");

    put(&200, &json!({})).expect_problem(503);
    // Durability F19: it was 500.
    let import = format!("{}/import?format=plain", zone.path());
    server.admin().post_bytes(&import, "192.0.2.201\n").expect_problem(503);
    HttpReply::of(server.admin().bare(Method::GET, "/readyz")).expect(503);
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
