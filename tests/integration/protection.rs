//! Cookies, and how many answers a network gets: floods over real sockets, from addresses of loopback that the
//! server takes for others.

use std::{fs, net::IpAddr, path::PathBuf};

use dnsbl_tests::{
    Edns, PATIENCE, Query, Reply, TestServer, TestZone, Transport, UdpClient, eventually,
};
use hickory_proto::{
    op::ResponseCode,
    rr::{
        RecordType::{A, TXT},
        rdata::opt::{EdnsCode, EdnsOption},
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    daemons::{server_says, signal},
    metrics::value,
};

/// A network that is flooded, in whose name somebody asks.
const FLOODED: [u8; 4] = [127, 0, 1, 1];
/// Another one.
const NEIGHBOUR: [u8; 4] = [127, 0, 2, 1];
/// Queries of a flood. Replies to so many wait in a socket, and at ten a second they take longer than any test
/// until all may be answered.
const FLOOD: usize = 200;

/// A server that sends few answers to a network, and takes loopback for no exception.
fn strict(more: &str) -> TestServer {
    TestServer::with_dns_config(&format!(
        "[dns.rate-limit]\nexempt = []\nlisted = 10\nnegative = 10\nzone-records = 1\nerrors = 10\n{more}"
    ))
}

fn client(server: &TestServer, from: impl Into<IpAddr>) -> UdpClient {
    UdpClient::connect_from(server.dns(), from.into()).unwrap()
}

/// Sends a query again and again, and takes what replies are there.
fn flood(server: &TestServer, query: &Query) -> Vec<Reply> {
    let client = client(server, FLOODED);
    let seen = || value(server, "dnsbl_queries_total", &[]) as usize;
    let before = seen();
    for _ in 0..FLOOD {
        client.send(&query.bytes()).unwrap();
    }
    eventually(PATIENCE, || if seen() == before + FLOOD { Ok(()) } else { Err(seen()) });
    let sent = FLOOD - limited(server, "dropped");
    let receive =
        |_| client.receive(PATIENCE).unwrap().expect("a reply for each that was not dropped");
    (0..sent).map(receive).collect()
}

/// Asks again and again until an answer is held back; a network soon may have one more.
#[track_caller]
fn until_limited(server: &TestServer, from: impl Into<IpAddr>, query: &Query) -> Reply {
    let from = from.into();
    eventually(PATIENCE, || match ask(server, from, query) {
        reply if reply.message.metadata.truncation => Ok(reply),
        reply => Err(Box::new(reply)),
    })
}

fn limited(server: &TestServer, action: &str) -> usize {
    value(server, "dnsbl_rate_limited_total", &[("action", action)]) as usize
}

fn truncated(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.message.metadata.truncation).count()
}

/// One query, and its reply.
#[track_caller]
fn ask(server: &TestServer, from: impl Into<IpAddr>, query: &Query) -> Reply {
    let client = client(server, from);
    client.send(&query.bytes()).unwrap();
    client.receive(PATIENCE).unwrap().expect("a reply")
}

fn listed(server: &TestServer) -> (TestZone, Query) {
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    let query = Query::new(&zone.below("1.2.0.192"), A);
    (zone, query)
}

/// The COOKIE option of a reply.
#[track_caller]
fn cookie(reply: &Reply) -> Vec<u8> {
    match reply.message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Cookie)) {
        Some(EdnsOption::Unknown(_, data)) => data.clone(),
        option => panic!("{option:?} in {reply:?}"),
    }
}

#[test]
fn a_flood_from_one_network_is_cut_and_counted_and_another_network_loses_nothing() {
    let server = strict("slip = 2\n");
    let (_zone, query) = listed(&server);
    let replies = flood(&server, &query);
    let (slipped, dropped) = (limited(&server, "slipped"), limited(&server, "dropped"));
    assert_eq!(truncated(&replies), slipped);
    assert!(slipped.abs_diff(dropped) <= 1, "{slipped} slipped, {dropped} dropped");
    let answered = FLOOD - slipped - dropped;
    assert!((3..FLOOD / 2).contains(&answered), "{answered} of {FLOOD}");
    let udp = |result| {
        let labels = [("transport", "udp"), ("result", result)];
        value(&server, "dnsbl_queries_total", &labels) as usize
    };
    assert_eq!((udp("listed"), udp("dropped")), (answered + slipped, dropped));
    for _ in 0..3 {
        assert!(!ask(&server, NEIGHBOUR, &query).message.metadata.truncation);
    }
}

#[test]
fn who_has_a_cookie_or_asks_by_tcp_is_answered_during_a_flood() {
    let server = strict("");
    let (_zone, query) = listed(&server);
    flood(&server, &query);
    let limited = until_limited(&server, FLOODED, &query.clone().cookie(&[7; 8]));
    let cookie = cookie(&limited);
    for _ in 0..FLOOD {
        let reply = ask(&server, FLOODED, &query.clone().cookie(&cookie));
        assert!(!reply.message.metadata.truncation, "{reply:?}");
    }
    // It is nobody else's.
    until_limited(&server, [127, 0, 1, 2], &query.clone().cookie(&cookie));
    let reply = query.ask(server.dns(), Transport::Tcp);
    assert!(!reply.message.metadata.truncation);
}

/// Issue 13: at most × 1.2 of what was sent.
#[test]
fn a_spoofed_flood_is_not_multiplied() {
    let server = strict("");
    let zone = server.ip_zone(json!({"apex": {"txt": ["x".repeat(200)]}}));
    let query = Query::new(&zone.below(""), TXT);
    let alone = ask(&server, NEIGHBOUR, &query).bytes.len();
    assert!(alone > 5 * query.bytes().len(), "{alone}");
    let replies = flood(&server, &query);
    assert_eq!(replies.len(), FLOOD);
    let (sent, back) = (FLOOD * query.bytes().len(), replies.iter().map(|reply| reply.bytes.len()));
    let back: usize = back.sum();
    assert!(back * 10 <= sent * 12, "{back} for {sent}");
}

#[test]
fn errors_beyond_the_rate_are_dropped_on_both_paths() {
    let server = strict("");
    let query = Query::new("elsewhere.example", A);
    let replies = flood(&server, &query);
    assert!((3..FLOOD / 2).contains(&replies.len()), "{}", replies.len());
    assert_eq!((truncated(&replies), limited(&server, "slipped")), (0, 0));
    // The slow path's.
    let odd = Query::empty().question("elsewhere.example", A, Query::CH);
    let client = client(&server, FLOODED);
    let before = limited(&server, "dropped");
    eventually(PATIENCE, || {
        client.send(&odd.bytes()).unwrap();
        match limited(&server, "dropped") {
            after if after > before => Ok(()),
            after => Err(after),
        }
    });
}

#[test]
fn a_dry_run_answers_everything_and_counts() {
    let server = strict("dry-run = true\n");
    let (_zone, query) = listed(&server);
    let replies = flood(&server, &query);
    assert_eq!((replies.len(), truncated(&replies)), (FLOOD, 0));
    assert!(limited(&server, "dry-run") > FLOOD / 2);
}

#[test]
fn this_machine_and_what_is_switched_off_have_no_limit() {
    for table in [
        "[dns.rate-limit]\nlisted = 1\n",
        "[dns.rate-limit]\nlisted = 1\nexempt = []\nenabled = false\n",
        "[dns.rate-limit]\nlisted = 0\nexempt = []\n",
    ] {
        let server = TestServer::with_dns_config(table);
        let (_zone, query) = listed(&server);
        let replies = flood(&server, &query);
        assert_eq!((replies.len(), truncated(&replies)), (FLOOD, 0), "{table}");
    }
}

#[test]
fn long_answers_go_by_tcp_where_the_client_has_no_cookie() {
    let server = TestServer::with_dns_config("large-udp = \"cookie\"\n");
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "", &json!({"reason": "x".repeat(800)}));
    let query = Query::new(&zone.below("1.2.0.192"), TXT);
    let plain = query.clone().edns(Edns::default());
    let is_cut = |query: &Query| ask(&server, FLOODED, query).message.metadata.truncation;
    assert!(is_cut(&plain));
    assert!(!plain.ask(server.dns(), Transport::Tcp).message.metadata.truncation);
    let first = ask(&server, FLOODED, &query.clone().cookie(&[7; 8]));
    assert!(first.message.metadata.truncation && first.bytes.len() < 512);
    assert!(!is_cut(&query.cookie(&cookie(&first))));
    let known = "large-udp = \"cookie\"\nlarge-udp-networks = [\"127.0.1.0/24\"]\n";
    let server = TestServer::with_dns_config(known);
    let zone = server.ip_zone(json!({}));
    zone.put("192.0.2.1", "", &json!({"reason": "x".repeat(800)}));
    let query = Query::new(&zone.below("1.2.0.192"), TXT).edns(Edns::default());
    assert!(!ask(&server, FLOODED, &query).message.metadata.truncation);
    assert!(ask(&server, NEIGHBOUR, &query).message.metadata.truncation);
}

/// RFC 9018 section 5.
#[test]
fn servers_with_one_secret_take_each_others_cookies_and_a_secret_is_changed_while_they_run() {
    let dir = TempDir::new().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    fs::write(&old, "e5e973e5a6b2a43f48e7dc849e37bfcf\n").unwrap();
    fs::write(&new, "445536bcd2513298075a5d379663c962\n").unwrap();
    let start = |files: &[&PathBuf]| {
        TestServer::with_dns_config(&format!("[dns.cookies]\nsecrets = {files:?}\n"))
    };
    let (first, second, third) = (start(&[&old]), start(&[&old, &new]), start(&[&new]));
    // Whether a cookie is good is what a query without question is told (RFC 7873 section 5.4).
    let takes = |server: &TestServer, cookie: &[u8]| {
        let reply = ask(server, FLOODED, &Query::empty().cookie(cookie));
        reply.message.metadata.response_code == ResponseCode::NoError
    };
    let issue = |server| cookie(&ask(server, FLOODED, &Query::empty().cookie(&[7; 8])));
    let (of_old, of_new) = (issue(&first), issue(&third));
    assert!(takes(&first, &of_old) && takes(&second, &of_old) && !takes(&third, &of_old));
    assert!(!takes(&first, &of_new) && takes(&second, &of_new) && takes(&third, &of_new));
    let text = fs::read_to_string(first.config_file()).unwrap();
    let text = text.replace(&format!("{:?}", [&old]), &format!("{:?}", [&new, &old]));
    fs::write(first.config_file(), text).unwrap();
    signal(first.id(), "HUP");
    server_says(&first, "dns.cookies.secrets are read again");
    assert!(takes(&first, &of_old) && takes(&first, &of_new) && takes(&third, &issue(&first)));
    // What is no secret changes nothing, and is not shown.
    fs::write(&new, "e5e973e5a6b2a43f\n").unwrap();
    signal(first.id(), "HUP");
    server_says(&first, "everything stays as it is: dns.cookies.secrets");
    assert!(takes(&first, &of_new) && !first.stderr().contains("e5e973e5"));
}
