//! A real client of the DNS: dig finds nothing to complain of.

use std::{net::SocketAddr, process::Command};

use dnsbl_tests::{Process, tool};
use serde_json::json;

use crate::server;

/// What dig prints; it must be content with the reply.
#[track_caller]
fn dig(server: SocketAddr, words: &[&str]) -> String {
    let mut command = Command::new(tool("dig"));
    let (addr, port) = (format!("@{}", server.ip()), server.port().to_string());
    command.args([&addr, "-p", &port, "-r", "+norecurse", "+tries=1", "+time=5"]).args(words);
    let done = Process::run(&mut command).unwrap();
    assert_eq!(done.code, Some(0), "{words:?}: {}{}", done.stdout, done.stderr);
    for complaint in ["WARNING", "Warning", "malformed", "mismatch", "unexpected", "extra bytes"] {
        assert!(!done.stdout.contains(complaint), "{words:?}: {}", done.stdout);
    }
    done.stdout
}

#[test]
fn dig_reads_answers_over_udp_and_tcp() {
    let server = server();
    let zone = server.ip_zone(json!({"reason": "Open relay \"$\"; see \\ ü"}));
    zone.put("192.0.2.1", "", &json!({"return_codes": ["127.0.0.3", "127.0.0.4"]}));
    let name = zone.below("1.2.0.192");
    for transport in ["+notcp", "+tcp"] {
        let found = dig(server.dns(), &["+short", transport, &name, "A"]);
        let mut codes: Vec<&str> = found.lines().collect();
        codes.sort_unstable();
        assert_eq!(codes, ["127.0.0.3", "127.0.0.4"]);
        let text = dig(server.dns(), &["+short", transport, &name, "TXT"]);
        assert_eq!(text.trim(), r#""Open relay \"192.0.2.1\"; see \\ \195\188""#);
    }
}

#[test]
fn dig_finds_no_fault_with_any_kind_of_reply() {
    let server = server();
    let zone = server.ip_zone(json!({"apex": {"aaaa": ["2001:db8::80"]}}));
    let names =
        [("2.0.0.127", "NOERROR"), ("1.2.0.192", "NXDOMAIN"), ("192", "NOERROR"), ("", "NOERROR")];
    for (relative, status) in names {
        let name = zone.below(relative);
        for rtype in ["A", "TXT", "AAAA", "SOA", "NS", "ANY", "TYPE65280"] {
            for option in [
                "+noedns",
                "+edns=0",
                "+dnssec",
                "+nsid",
                "+cookie",
                "+subnet=192.0.2.0/24",
                "+ednsopt=65001:0102",
                "+ednsflags=0x4000",
                "+bufsize=512",
                "+opcode=QUERY",
                "+cdflag",
                "+adflag",
            ] {
                let said = dig(server.dns(), &[option, &name, rtype]);
                assert!(said.contains(&format!("status: {status}")), "{option} {rtype}: {said}");
                assert!(said.contains("flags: qr aa"), "{option} {rtype}: {said}");
            }
        }
    }
}

#[test]
fn dig_falls_back_to_tcp_and_to_edns_0() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "", &json!({"reason": "x".repeat(1000)}));
    let name = zone.below("1.2.0.192");
    let said = dig(server.dns(), &["+noedns", &name, "TXT"]);
    assert!(said.contains("retrying in TCP mode") && said.contains("(TCP)"), "{said}");
    let said = dig(server.dns(), &["+edns=7", "+ednsnegotiation", &name, "A"]);
    assert!(said.contains("status: NOERROR") && said.contains("EDNS: version: 0"), "{said}");
}

#[test]
fn dig_is_refused_a_transfer() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let said = dig(server.dns(), &[zone.origin(), "AXFR"]);
    assert!(said.contains("Transfer failed"), "{said}");
}

#[test]
fn dig_finds_cookies_good() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for name in [zone.below("2.0.0.127"), zone.below("1.2.0.192"), "elsewhere.example".into()] {
        for transport in ["+notcp", "+tcp"] {
            let said = dig(server.dns(), &["+cookie=0102030405060708", transport, &name, "A"]);
            assert!(said.contains("COOKIE: 0102030405060708") && said.contains("(good)"), "{said}");
        }
    }
}

#[test]
fn dig_shows_why_it_is_refused() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let said = dig(server.dns(), &["elsewhere.example", "A"]);
    assert!(said.contains("EDE: 20 (Not Authoritative)"), "{said}");
    let said = dig(server.dns(), &["+noedns", "elsewhere.example", "A"]);
    assert!(!said.contains("EDE"), "{said}");
    let said = dig(server.dns(), &[&zone.below("2.0.0.127"), "A"]);
    assert!(!said.contains("EDE"), "{said}");
}
