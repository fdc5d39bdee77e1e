//! `/v1/zones/{zone}/import` and `/export`.

use dnsbl_tests::{
    Answer::{self, NxDomain},
    TestServer, TestZone,
};
use hickory_proto::rr::RecordType::{A, TXT};
use serde_json::{Value, json};

use crate::server;

/// The counts of an import's result, in the order of the contract.
fn counts(result: &Value) -> [u64; 5] {
    ["added", "updated", "unchanged", "removed", "rejected"]
        .map(|field| result[field].as_u64().unwrap_or_else(|| panic!("{field}: {result}")))
}

#[track_caller]
fn export(server: &TestServer, zone: &TestZone, format: &str) -> String {
    let path = format!("{}/export?format={format}", zone.path());
    server.admin().get(&path).expect(200).text
}

#[test]
fn plain_text_is_imported_and_bad_lines_are_named() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let text = "\u{feff}# comment\r\n; comment\r\n\r\n192.0.2.1\t17\r\n198.51.100.0/24 seen today\r\n\
        !198.51.100.7\r\n2001:db8::/32\r\nnonsense/99\r\n10.0.0.1\r\n192.0.2.300\r\n";
    let result = zone.import("format=plain&source=feed", text);
    assert_eq!(counts(&result), [4, 0, 0, 0, 3], "{result}");
    let lines: Vec<&Value> =
        result["errors"].as_array().unwrap().iter().map(|e| &e["line"]).collect();
    assert_eq!(lines, [&json!(8), &json!(9), &json!(10)]);
    assert!(result["seq"].as_u64().is_some(), "{result}");
    zone.check([
        ("1.2.0.192", A, Answer::listed()),
        ("6.100.51.198", A, Answer::listed()),
        ("7.100.51.198", A, NxDomain),
    ]);
    assert_eq!(zone.ask_address("2001:db8::1", A), Answer::listed());
    let again = zone.import("format=plain&source=feed", text);
    assert_eq!(counts(&again), [0, 0, 4, 0, 3], "{again}");
}

#[test]
fn csv_and_ndjson_carry_every_field() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let csv = "subject,return_codes,reason\r\n192.0.2.1,127.0.0.3;127.0.0.4,\"Why, $\"\r\n192.0.2.2,,\r\n";
    assert_eq!(counts(&zone.import("format=csv", csv)), [2, 0, 0, 0, 0]);
    let ndjson = "{\"subject\":\"192.0.2.3\",\"return_codes\":[\"127.0.0.5\"],\"tags\":[\"x\"]}\n\
        {\"subject\":\"192.0.2.2\",\"exclusion\":true}\n";
    assert_eq!(counts(&zone.import("format=ndjson", ndjson)), [1, 1, 0, 0, 0]);
    zone.check([
        ("1.2.0.192", A, Answer::records(["127.0.0.3", "127.0.0.4"])),
        ("1.2.0.192", TXT, Answer::record("Why, 192.0.2.1")),
        ("2.2.0.192", A, NxDomain),
        ("3.2.0.192", A, Answer::record("127.0.0.5")),
    ]);
}

#[test]
fn an_export_imported_elsewhere_answers_the_same() {
    let server = server();
    let from = server.ip_zone(json!({}));
    from.put(
        "192.0.2.1",
        "?source=a",
        &json!({"return_codes": ["127.0.0.3"], "reason": "A, \"$\" ü"}),
    );
    from.put("198.51.100.0/24", "?source=a", &json!({"tags": ["t"], "note": "n"}));
    from.put("198.51.100.7", "?source=a", &json!({"exclusion": true}));
    from.put("2001:db8::/32", "?source=a", &json!({"expires_in": 36_000}));
    for format in ["ndjson", "csv"] {
        let to = server.ip_zone(json!({}));
        let result = to.import(&format!("format={format}"), export(&server, &from, format));
        assert_eq!(counts(&result), [4, 0, 0, 0, 0], "{format}: {result}");
        for (name, rtype) in
            [("1.2.0.192", A), ("1.2.0.192", TXT), ("6.100.51.198", A), ("7.100.51.198", A)]
        {
            assert_eq!(to.ask(name, rtype), from.ask(name, rtype), "{format} {name}");
        }
        assert_eq!(to.ask_address("2001:db8::1", A), Answer::listed());
    }
}

#[test]
fn replacing_a_source_leaves_others_alone_and_refuses_to_lose_much() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let ten: String = (1..=10).map(|last| format!("192.0.2.{last}\n")).collect();
    zone.import("format=plain&source=feed", ten);
    zone.put("192.0.2.1", "?source=other", &json!({}));
    let nine: String = (2..=11).map(|last| format!("192.0.2.{last}\n")).collect();
    let result = zone.import("format=plain&source=feed&mode=replace-source", nine);
    assert_eq!(counts(&result), [1, 0, 9, 1, 0], "{result}");
    zone.check([("1.2.0.192", A, Answer::listed()), ("11.2.0.192", A, Answer::listed())]);
    let path = format!("{}/import?format=plain&source=feed&mode=replace-source", zone.path());
    for body in ["192.0.2.2\n", "", "192.0.2.2\nnonsense\n"] {
        server.admin().post_bytes(&path, body).expect_problem(409);
        zone.check([("5.2.0.192", A, Answer::listed())]);
    }
    let result =
        zone.import("format=plain&source=feed&mode=replace-source&max_removed=1", "192.0.2.2\n");
    assert_eq!(counts(&result), [0, 0, 1, 9, 0], "{result}");
    zone.check([("5.2.0.192", A, NxDomain)]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let result = zone.import("format=plain&dry_run=1", "192.0.2.1\n192.0.2.2\n");
    assert_eq!(counts(&result), [2, 0, 0, 0, 0], "{result}");
    zone.check([("1.2.0.192", A, NxDomain)]);
    assert_eq!(export(&server, &zone, "ndjson"), "");
}

#[test]
fn broken_bodies_leave_the_zone_as_it_was() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    let path = |format: &str| format!("{}/import?format={format}", zone.path());
    let cut_gzip: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 51, 180, 52, 210];
    let request = server.admin().request(reqwest::Method::POST, &path("plain"));
    let request = request.header("content-encoding", "gzip").body(cut_gzip);
    dnsbl_tests::HttpReply::of(request).expect_problem(400);
    for (format, body) in
        [("csv", "address\n192.0.2.9\n"), ("csv", "subject,colour\n192.0.2.9,red\n")]
    {
        let refused = server.admin().post_bytes(&path(format), body);
        assert!(
            matches!(refused.status, 400 | 422),
            "{format}: {} {}",
            refused.status,
            refused.text
        );
    }
    for (format, body) in [
        ("plain", &b"\xff\xfe\x00garbage\n"[..]),
        ("ndjson", b"{\"subject\":\n[1,2\nnull\n\"192.0.2.9\"\n"),
        ("ndjson", b"{\"subject\":\"\xff\"}\n"),
        ("csv", b"subject\n\xff\xff\n\"192.0.2.9\n"),
    ] {
        let reply = server.admin().post_bytes(&path(format), body);
        assert!(
            matches!(reply.status, 200 | 400 | 422),
            "{format}: {} {}",
            reply.status,
            reply.text
        );
        if reply.status == 200 {
            let result = reply.json();
            assert_eq!(counts(&result)[..4], [0; 4], "{result}");
            assert!(counts(&result)[4] > 0, "{result}");
        }
    }
    zone.check([("1.2.0.192", A, Answer::listed()), ("9.2.0.192", A, NxDomain)]);
    assert_eq!(export(&server, &zone, "ndjson").lines().count(), 1);
    for format in ["xml", "bind"] {
        let refused = server.admin().post_bytes(&path(format), "x");
        assert!(matches!(refused.status, 400 | 422 | 501), "{}", refused.text);
    }
}
