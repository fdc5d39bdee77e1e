//! Combined zones, and records of a zone's own.

use dnsbl_tests::Answer::{self, NoData, NxDomain};
use hickory_proto::rr::RecordType::{A, AAAA, ANY, CAA, MX, NS, SRV, TXT};
use serde_json::json;

use crate::server;

/// RFC 5782 section 2.3: one zone that says of several lists which of them have an address.
#[test]
fn a_combined_zone_answers_with_what_all_of_them_list_and_follows_them_at_once() {
    let server = server();
    let (relays, spam) = (server.ip_zone(json!({})), server.ip_zone(json!({"reason": "spam: $"})));
    let relay =
        json!({"zone": relays.origin(), "return_codes": ["127.0.0.3"], "reason": "relay: $"});
    let all =
        server.ip_zone(json!({"includes": [relay, {"zone": spam.origin()}], "reason": "all: $"}));
    all.check([("1.2.0.192", A, NxDomain)]);
    relays.list("192.0.2.0/24");
    all.check([
        ("1.2.0.192", A, Answer::record("127.0.0.3")),
        ("1.2.0.192", TXT, Answer::record("relay: 192.0.2.1")),
    ]);
    relays.check([("1.2.0.192", A, Answer::listed())]);
    spam.put("192.0.2.1", "", &json!({"return_codes": ["127.0.0.4", "127.0.0.5"]}));
    all.list("192.0.2.1");
    all.check([
        ("1.2.0.192", A, Answer::records(["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"])),
        (
            "1.2.0.192",
            TXT,
            Answer::records(["all: 192.0.2.1", "relay: 192.0.2.1", "spam: 192.0.2.1"]),
        ),
        ("1.2.0.192", AAAA, NoData),
        ("2.0.0.127", A, Answer::records(["127.0.0.2", "127.0.0.3"])),
        ("1.0.0.127", A, NxDomain),
    ]);
    // Each exclusion holds for its own part.
    relays.exclude("192.0.2.1");
    all.exclude("192.0.2.1");
    all.check([("1.2.0.192", A, Answer::records(["127.0.0.4", "127.0.0.5"]))]);
    spam.remove("192.0.2.1");
    all.check([("1.2.0.192", A, NxDomain), ("2.2.0.192", A, Answer::record("127.0.0.3"))]);
    let admin = server.admin();
    let kept = admin.delete(&relays.path()).expect(409);
    assert!(kept.text.contains(all.origin()), "{}", kept.text);
    admin.delete(&all.path()).expect(204);
    admin.delete(&relays.path()).expect(204);
}

#[test]
fn names_above_what_an_included_domain_zone_lists_exist() {
    let server = server();
    let (one, two) = (server.domain_zone(json!({})), server.domain_zone(json!({})));
    let includes = json!([{"zone": one.origin()}, {"zone": two.origin()}]);
    let all = server.domain_zone(json!({"includes": includes}));
    one.list("spam.example.com");
    two.list("*.bad.example");
    two.exclude("spam.example.com");
    all.check([
        ("spam.example.com", A, Answer::listed()),
        ("example.com", A, NoData),
        ("x.bad.example", A, Answer::listed()),
        ("bad.example", A, NoData),
        ("ham.example", A, NxDomain),
    ]);
}

#[test]
fn a_zone_has_records_of_its_own_before_its_listings() {
    let server = server();
    let records = json!({
        "@": {"MX": ["10 mail.example.org.", "20 backup.example.org."], "CAA": ["0 issue \"ca.example.net\""]},
        "www": {"A": ["192.0.2.80"], "AAAA": ["2001:db8::80"], "TXT": ["a notice"]},
        "_sip._tcp.deep": {"TYPE33": [r"\# 14 0001 0002 13c4 03736970 026578 00"]},
    });
    let apex = json!({"txt": ["a list"]});
    for kind in ["ip", "domain"] {
        let settings = json!({"records": records, "apex": apex});
        let zone = match kind {
            "ip" => server.ip_zone(settings),
            _ => server.domain_zone(settings),
        };
        zone.check([
            ("", MX, Answer::records(["10 mail.example.org.", "20 backup.example.org."])),
            ("", CAA, Answer::record("0 issue \"ca.example.net\"")),
            ("", TXT, Answer::record("a list")),
            ("", A, NoData),
            ("", NS, Answer::record("ns1.example.net.")),
            ("www", A, Answer::record("192.0.2.80")),
            ("www", AAAA, Answer::record("2001:db8::80")),
            ("www", TXT, Answer::record("a notice")),
            ("www", ANY, Answer::record("192.0.2.80")),
            ("www", MX, NoData),
            ("x.www", A, NxDomain),
            ("_sip._tcp.deep", SRV, Answer::record("1 2 5060 sip.ex.")),
            ("_tcp.deep", A, NoData),
            ("deep", SRV, NoData),
        ]);
    }
    // What lies above records may be listed.
    let zone = server.domain_zone(json!({"records": records}));
    zone.list("*.tcp.deep");
    zone.put("www", "?override=short-prefix", &json!({}));
    zone.check([
        ("www", A, Answer::record("192.0.2.80")),
        ("deep", A, NoData),
        ("x.tcp.deep", A, Answer::listed()),
    ]);
}

#[test]
fn a_record_has_the_zones_ttl_and_more_than_fit_come_by_tcp() {
    let server = server();
    let texts: Vec<String> = (0..16).map(|n| format!("{n} {}", "x".repeat(900))).collect();
    let zone = server
        .ip_zone(json!({"ttl": 1234, "records": {"www": {"TXT": texts, "A": ["192.0.2.80"]}}}));
    assert_eq!(zone.reply("www", A).ttl(), 1234);
    assert_eq!(Answer::of(&zone.reply("www", TXT)), Answer::Truncated);
    let name = zone.below("www");
    let reply = dnsbl_tests::Query::new(&name, TXT).ask(server.dns(), dnsbl_tests::Transport::Tcp);
    assert_eq!(reply.message.answers.len(), 16);
}

#[test]
fn records_that_would_hide_a_listing_are_refused() {
    let server = server();
    let admin = server.admin();
    for (records, why) in [
        (json!({"2.0.0.127": {"A": ["192.0.2.1"]}}), "asks for an address"),
        (json!({"x.1.2.0.192": {"A": ["192.0.2.1"]}}), "asks for an address"),
        (json!({"www": {"CNAME": ["x.example."]}}), "give its addresses"),
        (json!({"www": {"NS": ["x.example."]}}), "no zones of others"),
        (json!({"www": {"A": ["x.example."]}}), "no IPv4 address"),
        (json!({"www.example.net.": {"A": ["192.0.2.1"]}}), "outside the zone"),
    ] {
        let body = json!({"kind": "ip", "ns": ["ns1.example.net."], "records": records});
        let reply = admin.put("/v1/zones/refused.example.org", &body).expect(422);
        assert!(reply.text.contains(why), "{records}: {}", reply.text);
    }
}
