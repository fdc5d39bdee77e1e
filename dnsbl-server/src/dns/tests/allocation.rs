//! The fast path does without the allocator.

use std::net::IpAddr;

use allocation_counter::measure;

use super::{
    access,
    differential::{plain, query},
    protection::{few, limiter, with_cookie},
    zones::{CLIENT, cookies, now, service},
};
use crate::{
    config::RateLimit,
    dns::{
        Denied, Sample, Sampler, Service, Transport,
        fast_path::{Asked, Responded, respond},
        lookup::look_up,
        query::Query,
        wire::PAYLOAD,
    },
};

/// How many of what mail servers and resolvers ask, with cookies and without, is sent a reply.
#[track_caller]
fn sent(settings: RateLimit) -> u32 {
    let mut service = service();
    // Their queues fill up on the way.
    let (sampler, _samples) = Sampler::counting(7);
    let (sampler, _lines) = sampler.logging(1, 7);
    service.protection.rate_limiter = Some(limiter(settings));
    let counters = service.counters.workers().next().unwrap();
    let cookie = *cookies().judge(&[1; 8], CLIENT, now().wall).reply().unwrap();
    let cookies = [&cookie[..], &cookie[..8], &[9; 24]];
    let mut packets = plain();
    packets.extend(
        cookies.iter().flat_map(|cookie| {
            plain().into_iter().filter_map(|packet| with_cookie(&packet, cookie))
        }),
    );
    let mut bytes = [0; PAYLOAD as usize];
    let (mut query, mut sent) = (Query::EMPTY, 0);
    let mut answer_all = || {
        for packet in &packets {
            let snapshot = service.index.load();
            assert!(query.read(packet));
            let lookup = &look_up(&snapshot, query.question());
            let asked = Asked { packet, query: &query, lookup, client: CLIENT };
            let Service { access, protection, .. } = &service;
            if let Some(responded) = respond(access, protection, asked, &mut bytes, now()) {
                let Responded { zone, outcome, denied, subscriber, .. } = responded;
                counters.open().count(zone, outcome);
                counters.open().deny(zone, denied.unwrap_or(Denied::Rule));
                let sample = Sample { client: CLIENT, zone, outcome, denied, subscriber };
                sampler.see(sample, lookup, Transport::Udp, now().wall);
                sent += u32::from(responded.len > 0);
            }
        }
    };
    // Once to begin with, since the first use of a thread-local makes room for it.
    answer_all();
    let measured = measure(answer_all);
    assert_eq!(measured.count_total, 0);
    sent
}

#[test]
fn reading_answering_and_counting_a_query_allocates_nothing() {
    let all = sent(few(1_000_000));
    assert!(all > 1_000, "{all}");
    // One of each class, and all with a good cookie.
    let few = sent(RateLimit { slip: 0, ..few(1) });
    assert!((200..all / 2).contains(&few), "{few} of {all}");
}

#[test]
fn deciding_who_may_ask_allocates_nothing() {
    let service = access::service();
    let packets: Vec<Vec<u8>> = access::NAMES
        .iter()
        .flat_map(|name| [format!("1.2.0.192.{name}"), format!("9.9.9.9.{name}"), (*name).into()])
        .flat_map(|name| [1, 16].map(|qtype| query(&name, qtype, 1232)))
        .collect();
    let clients: Vec<IpAddr> = access::CLIENTS.iter().map(|text| text.parse().unwrap()).collect();
    let mut bytes = [0; PAYLOAD as usize];
    let (mut query, mut replies) = (Query::EMPTY, 0);
    let mut answer_all = || {
        for (packet, client) in packets.iter().flat_map(|p| clients.iter().map(move |c| (p, *c))) {
            let snapshot = service.index.load();
            assert!(query.read(packet));
            let lookup = &look_up(&snapshot, query.question());
            let asked = Asked { packet, query: &query, lookup, client };
            let Service { access, protection, .. } = &service;
            let responded = respond(access, protection, asked, &mut bytes, now()).unwrap();
            replies += usize::from(responded.len > 0);
        }
    };
    answer_all();
    assert_eq!(measure(answer_all).count_total, 0);
    assert!(replies > packets.len(), "{replies}");
}
