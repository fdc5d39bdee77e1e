//! `/metrics`: the names that dashboards rely on, and that they move.

use dnsbl_tests::{Query, TestServer, Transport, UdpClient};
use hickory_proto::rr::RecordType::{A, MX};
use serde_json::json;

/// The sum of all samples of a metric that have these labels; metrics that count have no fractions.
#[track_caller]
pub(crate) fn value(server: &TestServer, name: &str, labels: &[(&str, &str)]) -> u64 {
    let text = server.admin().get("/metrics").expect(200).text;
    let labels: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
    let samples: Vec<u64> = text
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .map(|line| line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect(line))
        .collect();
    assert!(!samples.is_empty(), "no sample of {name} with {labels:?} in\n{text}");
    samples.iter().sum()
}

#[test]
fn queries_are_counted_by_zone_transport_and_result() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    for (name, rtype, result, of_zone) in [
        (zone.below("1.2.0.192"), A, "listed", zone.origin()),
        (zone.below("2.2.0.192"), A, "unlisted", zone.origin()),
        (zone.below("1.2.0.192"), MX, "nodata", zone.origin()),
        (zone.below("192"), A, "nodata", zone.origin()),
        ("elsewhere.example".into(), A, "refused", ""),
    ] {
        for (transport, word) in [(Transport::Udp, "udp"), (Transport::Tcp, "tcp")] {
            let labels = [("zone", of_zone), ("transport", word), ("result", result)];
            let count = || value(&server, "dnsbl_queries_total", &labels);
            let before = count();
            Query::new(&name, rtype).ask(server.dns(), transport);
            assert_eq!(count() - before, 1, "{name} {rtype} {word}");
        }
    }
    Query::empty().ask(server.dns(), Transport::Udp);
    assert_eq!(value(&server, "dnsbl_queries_total", &[("result", "error")]), 1);
    let client = UdpClient::connect(server.dns()).unwrap();
    client.send(&Query::new("x", A).flags(Query::QR).bytes()).unwrap();
    // A reply to the next query shows that the one before was seen.
    Query::empty().ask(server.dns(), Transport::Udp);
    dnsbl_tests::eventually(dnsbl_tests::PATIENCE, || {
        let dropped = value(&server, "dnsbl_queries_total", &[("result", "dropped")]);
        if dropped == 1 { Ok(()) } else { Err(dropped) }
    });
}

#[test]
fn listings_and_changes_are_measured() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let labels = [("zone", zone.origin())];
    for last in 1..=3 {
        zone.list(&format!("192.0.2.{last}"));
    }
    zone.put("192.0.2.3", "?source=other", &json!({}));
    zone.remove("192.0.2.1");
    let head = zone.put("192.0.2.9", "", &json!({"exclusion": true})).seq();
    for name in ["dnsbl_head_seq", "dnsbl_applied_seq"] {
        assert_eq!(value(&server, name, &[]), head, "{name}");
    }
    // 192.0.2.2, and 192.0.2.3 of two sources; an exclusion is no listing.
    assert_eq!(value(&server, "dnsbl_listings", &labels), 3);
    assert!(value(&server, "dnsbl_index_bytes", &labels) > 0);
    // What was there at the start, the server's token, the zone, five listings and a removal.
    assert_eq!(value(&server, "dnsbl_commit_to_visible_seconds_count", &[]), 1 + head);
    let puts = [("route", "/v1/zones/{zone}/listings/{subject}"), ("code", "201")];
    assert_eq!(value(&server, "dnsbl_http_requests_total", &puts), 5);
    assert!(value(&server, "process_resident_memory_bytes", &[]) > 0);
    assert!(value(&server, "process_open_fds", &[]) > 0);
}

#[test]
fn the_figures_of_a_zone_that_is_gone_are_gone() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    zone.ask("2.0.0.127", A);
    let origin = format!("\"{}\"", zone.origin());
    let shown = || server.admin().get("/metrics").expect(200).text.contains(&origin);
    assert!(shown());
    server.admin().delete(&zone.path());
    assert!(!shown());
}
