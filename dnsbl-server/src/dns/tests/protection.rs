//! What a client's cookie proves, how long its answers are and how many it gets, on both paths.

use std::sync::Arc;

use dnsbl_index::Index;
use hickory_server::proto::{
    op::{Message, ResponseCode},
    rr::rdata::opt::{EdnsCode, EdnsOption},
};

use super::{
    differential::{fast, plain, query, slow, understood},
    zones::{CLIENT, NOW, cookies, now, service},
};
use crate::{
    config::{LargeUdp, RateLimit},
    dns::{
        RateLimitCounters, RateLimiter, Service, cookies::ClientCookie, counters::Transport,
        message,
    },
};

const A: u16 = 1;
const TXT: u16 = 16;
const SOA: u16 = 6;
const AXFR: u16 = 252;

/// So many answers of each class in a second, all others slip.
pub(super) fn few(rate: u32) -> RateLimit {
    RateLimit {
        listed: rate,
        negative: rate,
        zone_records: rate,
        errors: rate,
        slip: 1,
        exempt: vec![],
        dry_run: false,
    }
}

pub(super) fn limiter(settings: RateLimit) -> RateLimiter {
    RateLimiter::new(settings, [7; 16], RateLimitCounters::new().unwrap().0, now().steady)
}

/// A service that has sent as many answers of each class as it may for now.
fn exhausted(settings: RateLimit) -> Service {
    let mut service = service();
    service.protection.rate_limiter = Some(limiter(settings));
    for (name, qtype) in [
        ("1.2.0.192.bl.example.org", A),
        ("99.2.0.192.bl.example.org", A),
        ("bl.example.org", SOA),
        ("www.elsewhere.test", A),
    ] {
        assert!(!fast(&service, &query(name, qtype, 0)).unwrap().is_empty(), "{name}");
    }
    service
}

/// A query with a COOKIE option; `None` if it has no OPT record.
pub(super) fn with_cookie(packet: &[u8], cookie: &[u8]) -> Option<Vec<u8>> {
    (packet[11] == 1).then(|| {
        let (head, _) = packet.split_at(packet.len() - 2);
        let len = cookie.len() as u16;
        let head = [head, &(len + 4).to_be_bytes(), &[0, 10]].concat();
        [&*head, &len.to_be_bytes(), cookie].concat()
    })
}

/// The cookie that the client has after its first query.
fn issued() -> [u8; 24] {
    *cookies().judge(&[1; 8], CLIENT, NOW).reply().unwrap()
}

fn read(reply: &[u8]) -> Message {
    Message::from_vec(reply).unwrap()
}

fn option(message: &Message, code: u16) -> Option<Vec<u8>> {
    match message.edns.as_ref()?.option(EdnsCode::from(code))? {
        EdnsOption::Unknown(_, data) => Some(data.clone()),
        option => panic!("{option:?}"),
    }
}

/// What both paths reply, or the slow one where it is the only one.
#[track_caller]
fn ask(service: &Service, packet: &[u8]) -> Message {
    let slow = slow(service, packet).expect("a reply");
    if let Some(fast) = fast(service, packet) {
        assert_eq!(understood(&fast), understood(&slow), "{packet:02x?}");
    }
    read(&slow)
}

#[test]
fn rfc7873_s5_2_every_reply_to_a_query_with_a_cookie_has_one() {
    let service = service();
    for packet in plain() {
        for cookie in [&[1; 8][..], &[1; 24], &issued(), &[2; 40]] {
            let Some(packet) = with_cookie(&packet, cookie) else { continue };
            let reply = option(&ask(&service, &packet), 10).expect("a cookie");
            let judged = cookies().judge(&reply, CLIENT, NOW);
            assert_eq!(
                (&reply[..8], judged),
                (&cookie[..8], ClientCookie::Good(reply.clone().try_into().unwrap()))
            );
        }
        assert_eq!(option(&ask(&service, &packet), 10), None);
    }
}

#[test]
fn rfc7873_s5_2_2_a_cookie_of_a_wrong_length_is_formerr_and_nothing_where_cookies_are_off() {
    let mut service = service();
    let packet = query("1.2.0.192.bl.example.org", A, 1232);
    let malformed: Vec<_> = [0, 1, 7, 9, 15, 41, 100].map(|len| vec![3; len]).into();
    let codes = |service: &Service| {
        let ask = |cookie: &Vec<u8>| {
            let reply = ask(service, &with_cookie(&packet, cookie).unwrap());
            assert_eq!(option(&reply, 10), None);
            reply.metadata.response_code
        };
        malformed.iter().map(ask).collect::<Vec<_>>()
    };
    assert_eq!(codes(&service), [ResponseCode::FormErr; 7]);
    service.protection.cookies = None;
    assert_eq!(codes(&service), [ResponseCode::NoError; 7]);
    let off = ask(&service, &with_cookie(&packet, &[1; 8]).unwrap());
    assert_eq!(option(&off, 10), None);
}

#[test]
fn rfc7873_s5_2_only_the_first_cookie_counts() {
    let service = service();
    let packet = query("1.2.0.192.bl.example.org", A, 1232);
    let two = [&[1; 8][..], &[0, 10, 0, 3, 9, 9, 9]].concat();
    let mut packet = with_cookie(&packet, &two).unwrap();
    // The first is 8 octets long, and the other one lies behind it.
    let at = packet.len() - two.len() - 2;
    packet[at..at + 2].copy_from_slice(&8u16.to_be_bytes());
    let cookie = option(&ask(&service, &packet), 10).unwrap();
    assert!(fast(&service, &packet).is_some());
    assert_eq!(cookie[..8], [1; 8]);
}

#[test]
fn rfc7873_s5_4_a_query_without_question_asks_for_a_cookie() {
    let service = service();
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let empty = [&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &opt].concat();
    let code = |packet: &[u8]| ask(&service, packet).metadata.response_code;
    assert_eq!(code(&empty), ResponseCode::FormErr);
    let with = |cookie: &[u8]| code(&with_cookie(&empty, cookie).unwrap());
    assert_eq!(with(&[1; 8]), ResponseCode::NoError);
    assert_eq!(with(&issued()), ResponseCode::NoError);
    assert_eq!(with(&[1; 24]), ResponseCode::BADCOOKIE);
    assert_eq!(with(&[1; 9]), ResponseCode::FormErr);
}

#[test]
fn errors_have_cookies_too_and_over_tcp_as_well() {
    let service = service();
    let plain = query("1.2.0.192.bl.example.org", A, 1232);
    let mut version = plain.clone();
    let at = version.len() - 5;
    version[at] = 1;
    let mut opcode = plain;
    opcode[2] = 15 << 3;
    let outside = query("www.elsewhere.test", A, 1232);
    for (packet, code) in [
        (version, ResponseCode::BADVERS),
        (opcode, ResponseCode::NotImp),
        (outside, ResponseCode::Refused),
        (query("x.bl.example.org", A, 1232), ResponseCode::NXDomain),
    ] {
        let packet = with_cookie(&packet, &[1; 8]).unwrap();
        for transport in [Transport::Udp, Transport::Tcp] {
            let client = (CLIENT, 5353).into();
            let reply = message::respond(&service, &packet, client, transport, now()).unwrap();
            let reply = read(&reply);
            // Number 16 has two names.
            assert_eq!(u16::from(reply.metadata.response_code), u16::from(code));
            assert_eq!(option(&reply, 10).as_deref(), Some(&issued()[..]), "{code}");
        }
    }
}

#[test]
fn rfc8914_who_has_edns_is_told_why_there_is_no_answer() {
    let service = service();
    let of = |service: &Service, name, qtype, payload| {
        option(&ask(service, &query(name, qtype, payload)), 15)
    };
    for (name, qtype, error) in [
        ("www.elsewhere.test", A, Some(20u16)),
        ("www.elsewhere.test", AXFR, Some(20)),
        ("bl.example.org", AXFR, Some(21)),
        ("1.2.0.192.bl.example.org", A, None),
        ("99.2.0.192.bl.example.org", A, None),
        ("2.0.192.bl.example.org", A, None),
    ] {
        let error = error.map(|error| error.to_be_bytes().to_vec());
        assert_eq!(of(&service, name, qtype, 1232), error, "{name}");
        assert_eq!(of(&service, name, qtype, 0), None, "{name}");
    }
    let mut empty = self::service();
    empty.index = Arc::new(Index::default());
    let not_ready = of(&empty, "1.2.0.192.bl.example.org", A, 1232);
    assert_eq!(not_ready, Some(vec![0, 14]));
}

#[test]
fn long_answers_go_by_tcp_unless_the_client_has_a_cookie_or_is_known() {
    let mut service = service();
    let long = query("6.2.0.192.bl.example.org", TXT, 1232);
    let is_cut = |service: &Service, packet: &[u8]| {
        let reply = ask(service, packet);
        assert_eq!(reply.answers.is_empty(), reply.metadata.truncation);
        reply.metadata.truncation
    };
    let with = |cookie: &[u8]| with_cookie(&long, cookie).unwrap();
    assert!(!is_cut(&service, &long));
    service.protection.large_udp = LargeUdp::Cookie { networks: vec![] };
    assert!(is_cut(&service, &long));
    assert!(is_cut(&service, &with(&[1; 8])));
    assert!(is_cut(&service, &with(&[1; 24])));
    assert!(!is_cut(&service, &with(&issued())));
    assert!(!is_cut(&service, &query("1.2.0.192.bl.example.org", A, 1232)));
    let networks = vec!["192.0.2.0/24".parse().unwrap()];
    service.protection.large_udp = LargeUdp::Cookie { networks };
    assert!(!is_cut(&service, &long));
}

#[test]
fn beyond_the_rate_answers_slip_and_errors_are_dropped_on_both_paths() {
    let service = exhausted(few(1));
    for packet in plain() {
        let is_error = packet.windows(9).any(|bytes| bytes == b"elsewhere");
        let slow = slow(&service, &packet);
        // What is too long is the slow path's.
        let fast = fast(&service, &packet);
        assert_eq!(slow.is_none(), is_error, "{packet:02x?}");
        let Some(slow) = slow else {
            assert_eq!(fast, Some(vec![]));
            continue;
        };
        if let Some(fast) = fast {
            assert_eq!(understood(&fast), understood(&slow), "{packet:02x?}");
        }
        let reply = read(&slow);
        assert!(reply.metadata.truncation && reply.answers.is_empty(), "{reply:?}");
        assert_eq!(reply.metadata.response_code, ResponseCode::NoError);
        // Nothing is multiplied.
        assert_eq!(slow.len(), packet.len());
    }
}

#[test]
fn beyond_the_rate_a_cookie_and_tcp_bring_the_answer() {
    let service = exhausted(few(1));
    for packet in plain() {
        let client = (CLIENT, 5353).into();
        let reply = message::respond(&service, &packet, client, Transport::Tcp, now()).unwrap();
        assert!(!read(&reply).metadata.truncation);
        let Some(packet) = with_cookie(&packet, &issued()) else { continue };
        let Some(reply) = fast(&service, &packet) else { continue };
        assert!(!read(&reply).metadata.truncation);
        let unproved = fast(&service, &with_cookie(&packet_without(&packet), &[1; 8]).unwrap());
        // A client that is limited learns its cookie all the same.
        if let Some(unproved) = unproved.filter(|reply| !reply.is_empty()) {
            let unproved = read(&unproved);
            assert!(unproved.metadata.truncation);
            assert_eq!(option(&unproved, 10).as_deref(), Some(&issued()[..]));
        }
    }
}

/// A query with the cookie taken out of it again.
fn packet_without(packet: &[u8]) -> Vec<u8> {
    let (head, _) = packet.split_at(packet.len() - 30);
    [head, &[0, 0]].concat()
}

#[test]
fn what_can_not_be_read_is_limited_too() {
    let mut service = service();
    service.protection.rate_limiter = Some(limiter(few(1)));
    let broken = [0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0];
    assert!(slow(&service, &broken).is_some());
    assert!(slow(&service, &broken).is_none());
}
