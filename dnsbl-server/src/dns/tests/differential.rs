//! Both paths give the same answer to the same message.

use std::net::IpAddr;

use dnsbl_types::UnixTime;
use hickory_server::proto::op::Message;
use proptest::{collection::vec, prelude::*, sample::select};

use super::access;
use super::zones::{ADDRESSES, CLIENT, DOMAINS, NOW, cookies, now, service};
use crate::{
    config::LargeUdp,
    dns::{
        Service,
        counters::Transport,
        fast_path::{self, Asked},
        lookup::look_up,
        message,
        query::Query,
        wire::PAYLOAD,
    },
};

/// The reply of the fast path, if it takes the message and the reply fits; empty where nothing is sent.
pub(super) fn fast(service: &Service, packet: &[u8]) -> Option<Vec<u8>> {
    fast_to(service, packet, CLIENT)
}

/// The same to any client.
pub(super) fn fast_to(service: &Service, packet: &[u8], client: IpAddr) -> Option<Vec<u8>> {
    let (mut bytes, mut query) = ([0; PAYLOAD as usize], Query::EMPTY);
    query.read(packet).then_some(())?;
    let snapshot = service.index.load();
    let lookup = &look_up(&snapshot, query.question());
    let asked = Asked { packet, query: &query, lookup, client };
    let responded =
        fast_path::respond(&service.access, &service.protection, asked, &mut bytes, now())?;
    Some(bytes[..responded.len].to_vec())
}

pub(super) fn slow(service: &Service, packet: &[u8]) -> Option<Vec<u8>> {
    slow_to(service, packet, CLIENT)
}

pub(super) fn slow_to(service: &Service, packet: &[u8], client: IpAddr) -> Option<Vec<u8>> {
    message::respond(service, packet, (client, 5353).into(), Transport::Udp, now())
}

/// A reply as a resolver understands it: records in any order, names compressed or not. The case of names
/// counts: that of the question comes back, and names of the zone are in lower case.
pub(super) fn understood(reply: &[u8]) -> String {
    let message = Message::from_vec(reply).expect("a reply can be read");
    let sorted = |records: &[hickory_server::proto::rr::Record]| {
        let mut texts: Vec<String> = records.iter().map(|record| format!("{record:?}")).collect();
        texts.sort();
        texts
    };
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        message.metadata,
        message.queries,
        sorted(&message.answers),
        sorted(&message.authorities),
        message.edns,
    )
}

/// Compares the paths on one message; whether the fast one took it.
fn agree(service: &Service, packet: &[u8]) -> bool {
    let Some(fast) = fast(service, packet) else { return false };
    let slow = slow(service, packet).expect("what one path answers, the other does too");
    assert_eq!(understood(&fast), understood(&slow), "{packet:02x?}");
    let question = 12..12 + packet[12..].iter().position(|&byte| byte == 0).unwrap() + 5;
    assert_eq!(fast[question.clone()], packet[question], "the question is echoed byte for byte");
    true
}

fn label() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0u16..300).prop_map(|n| n.to_string().into_bytes()),
        4 => (0u8..16).prop_map(|n| format!("{n:x}").into_bytes()),
        2 => vec(any::<u8>(), 1..64),
        2 => select(vec!["test", "invalid", "TEST", "ns1", "deep", "ns", "x", "007", "example", "www", "mail", "_dmarc"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn labels_of(name: &str) -> Vec<Vec<u8>> {
    name.split('.').filter(|l| !l.is_empty()).map(|l| l.as_bytes().to_vec()).collect()
}

/// What is asked for below an origin: listed things and their neighbours, and anything.
fn relative() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let near = (select(ADDRESSES), 0u8..12).prop_map(|(subject, step)| {
        let addr = subject.split('/').next().unwrap().parse().unwrap();
        let addr = match addr {
            IpAddr::V4(v4) => std::net::Ipv4Addr::from(u32::from(v4) + u32::from(step)).into(),
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) + u128::from(step)).into()),
        };
        let name = dnsbl_types::query_name::encode(addr, &".".parse().unwrap()).unwrap();
        name.labels().map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    let cut = (near, 0usize..40).prop_map(|(labels, skip)| {
        if skip < 30 { labels } else { labels.into_iter().skip(skip - 29).collect() }
    });
    let domain =
        (vec(label(), 0..2), select(DOMAINS), 0usize..3).prop_map(|(front, domain, skip)| {
            let domain = labels_of(domain.trim_start_matches("*.")).into_iter().skip(skip);
            front.into_iter().chain(domain).collect()
        });
    prop_oneof![4 => cut, 3 => domain, 2 => vec(label(), 0..5), 1 => vec(label(), 30..33)]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    name_below(&[
        "bl.example.org",
        "sub.bl.example.org",
        "between.bl.example.org",
        "x.Between.bl.example.org",
        "dbl.example.org",
        "long.example.org",
        "all.example.org",
        "dall.example.org",
        "www.All.example.org",
        "BL.Example.ORG",
        "example.org",
        "elsewhere.test",
        "",
    ])
}

/// Names at and below these.
fn name_below(origins: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (relative(), select(origins)).prop_map(|(labels, origin)| {
        let mut wire = Vec::new();
        for label in labels.into_iter().chain(labels_of(origin)) {
            wire.push(label.len() as u8);
            wire.extend(label);
        }
        wire.push(0);
        wire
    })
}

/// The data of a COOKIE option: the client's part, and what may be a server cookie of ours.
fn cookie() -> impl Strategy<Value = Vec<u8>> {
    let issued = (any::<[u8; 8]>(), 0u64..5_000).prop_map(|(own, age)| {
        let at = UnixTime(NOW.0.wrapping_sub(age));
        cookies().judge(&own, CLIENT, at).reply().expect("a cookie for each client").to_vec()
    });
    prop_oneof![issued, vec(any::<u8>(), 8), vec(any::<u8>(), 14..42)]
}

fn opt() -> impl Strategy<Value = Vec<u8>> {
    let option = prop_oneof![
        3 => (select(vec![3u16, 8, 10, 12, 15, 65_001]), vec(any::<u8>(), 0..24)),
        3 => cookie().prop_map(|data| (10, data)),
    ];
    let options = prop_oneof![3 => Just(vec![]), 2 => vec(option, 0..3)];
    let payload = select(vec![0u16, 512, 600, 1232, 4096, 65_535]);
    let version = select(vec![0u8, 0, 0, 0, 0, 1]);
    (payload, version, any::<bool>(), options).prop_map(|(payload, version, dnssec_ok, options)| {
        let mut rdata = Vec::new();
        for (code, data) in options {
            rdata.extend(code.to_be_bytes());
            rdata.extend((data.len() as u16).to_be_bytes());
            rdata.extend(data);
        }
        let [p1, p2] = payload.to_be_bytes();
        let [l1, l2] = (rdata.len() as u16).to_be_bytes();
        let flags = if dnssec_ok { 0x80 } else { 0 };
        [vec![0, 0, 41, p1, p2, 0, version, flags, 0, l1, l2], rdata].concat()
    })
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    packet_of(name())
}

/// Queries for these names.
fn packet_of(name: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let flags = prop_oneof![
        8 => (any::<bool>(), select(vec![0u8, 0x10, 0x20, 0x30])).prop_map(|(rd, low)| [rd.into(), low]),
        1 => any::<[u8; 2]>(),
    ];
    let qtype = prop_oneof![
        4 => select(vec![1u16, 16, 28, 255]), 1 => select(vec![2u16, 5, 6, 12, 15, 41, 43, 65, 250, 251, 252, 257]), 1 => any::<u16>(),
    ];
    let class = select(vec![1u16, 1, 1, 1, 1, 1, 1, 1, 3, 255]);
    let query = (any::<u16>(), flags, name, qtype, class, prop::option::of(opt()));
    query.prop_map(|(id, flags, name, qtype, class, opt)| {
        let mut packet = id.to_be_bytes().to_vec();
        packet.extend(flags);
        packet.extend([0, 1, 0, 0, 0, 0, 0, opt.is_some().into()]);
        packet.extend(name);
        packet.extend(qtype.to_be_bytes());
        packet.extend(class.to_be_bytes());
        packet.extend(opt.into_iter().flatten());
        packet
    })
}

/// A message in which something is broken.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    (
        packet(),
        vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(mut packet, changes, end, cut)| {
            for (at, byte) in changes {
                let at = at.index(packet.len());
                packet[at] = byte;
            }
            if cut {
                packet.truncate(end.index(packet.len()));
            }
            packet
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn both_paths_answer_a_query_alike(packet in packet()) {
        agree(&service(), &packet);
    }

    #[test]
    fn both_paths_answer_a_query_alike_where_long_answers_need_a_cookie(packet in packet()) {
        let mut service = service();
        service.protection.large_udp = LargeUdp::Cookie { networks: vec![] };
        agree(&service, &packet);
    }

    #[test]
    fn both_paths_answer_a_query_alike_whoever_may_ask(
        packet in packet_of(name_below(access::NAMES)),
        client in select(access::CLIENTS),
    ) {
        let (service, client) = (access::service(), client.parse().unwrap());
        if let Some(fast) = fast_to(&service, &packet, client) {
            let slow = slow_to(&service, &packet, client).unwrap_or_default();
            prop_assert_eq!(fast.is_empty(), slow.is_empty());
            if !fast.is_empty() {
                prop_assert_eq!(understood(&fast), understood(&slow), "{:02x?}", packet);
            }
        }
    }

    #[test]
    fn both_paths_answer_a_broken_message_alike(packet in broken()) {
        agree(&service(), &packet);
    }
}

/// The message that asks for a name, with EDNS that takes `payload` bytes unless that is 0.
pub(super) fn query(name: &str, qtype: u16, payload: u16) -> Vec<u8> {
    let name: dnsbl_types::Name = name.parse().unwrap();
    let mut packet = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, (payload > 0).into()];
    packet.extend(name.wire());
    packet.extend(qtype.to_be_bytes());
    packet.extend([0, 1]);
    if payload > 0 {
        let [p1, p2] = payload.to_be_bytes();
        packet.extend([0, 0, 41, p1, p2, 0, 0, 0x80, 0, 0, 0]);
    }
    packet
}

/// What mail servers and resolvers ask.
pub(super) fn plain() -> Vec<Vec<u8>> {
    let names = [
        "1.2.0.192.bl.example.org",
        "2.2.0.192.bl.example.org",
        "99.2.0.192.bl.example.org",
        "8.100.51.198.bl.example.org",
        "2.0.0.127.bl.example.org",
        "1.0.0.2.bl.example.org",
        "2.0.192.bl.example.org",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.org",
        "bl.example.org",
        "BL.Example.Org",
        "99.2.0.192.bL.example.org",
        "between.bl.example.org",
        "x.between.bl.example.org",
        "ns1.bl.example.org",
        "spam.example.dbl.example.org",
        "x.y.many.example.dbl.example.org",
        "unknown.example.dbl.example.org",
        "1.2.0.192.all.example.org",
        "2.2.0.192.all.example.org",
        "3.2.0.192.all.example.org",
        "8.2.0.192.all.example.org",
        "99.2.0.192.all.example.org",
        "8.100.51.198.all.example.org",
        "2.0.0.127.all.example.org",
        "spam.example.dall.example.org",
        "example.dall.example.org",
        "www.bl.example.org",
        "WWW.all.example.org",
        "mail.bl.example.org",
        "_dmarc.mail.bl.example.org",
        "www.elsewhere.test",
    ];
    let types = [1, 16, 28, 2, 6, 15, 43, 65, 255, 257];
    let all = names.iter().flat_map(|name| types.map(|t| (name, t)));
    all.flat_map(|(name, t)| [query(name, t, 0), query(name, t, 1232)]).collect()
}

#[test]
fn the_fast_path_takes_what_mail_servers_and_resolvers_ask() {
    let service = service();
    for packet in plain() {
        // A reply that is too long for a client without EDNS is the slow path's.
        let fits = slow(&service, &packet).is_some_and(|reply| reply[2] & 0x02 == 0);
        assert_eq!(agree(&service, &packet), fits, "{packet:02x?}");
    }
}
