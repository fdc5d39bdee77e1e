//! RRsets for which no message has room.

use std::{net::Ipv4Addr, sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter};
use dnsbl_types::{
    Entry, EntryWriter as _, Follower as _, Name, ReturnCode, Serial, ZoneKind, ZoneSpec,
};
use hickory_server::proto::op::{Message, ResponseCode};

use super::{differential::query, zones::now};
use crate::dns::{
    AccessControl, Counters, Protection, Sampler, Service, counters::Transport, message::respond,
};

/// A service that lists 192.0.2.1 with these entries.
fn listing(entries: &[Entry]) -> Service {
    let origin: Name = "bl.example.org".parse().unwrap();
    let ns = vec!["ns.example.net".parse().unwrap()];
    let spec = ZoneSpec::new(origin.clone(), ZoneKind::Ip, ns, "listed".parse().unwrap());
    let index = Arc::new(Index::default());
    let counters = Counters::new(1).unwrap();
    let mut writer = IndexWriter::observed(index.clone(), counters.clone());
    writer.put_zone(&spec.check().unwrap(), Serial(1));
    writer.set_entries(&origin, &"192.0.2.1".parse().unwrap(), entries);
    writer.publish(1, Instant::now());
    let protection = Protection::default();
    let access = Arc::new(AccessControl::default());
    let sampler = Sampler::default();
    Service { index, counters, access, protection, sampler, version: None, identity: None }
}

#[track_caller]
fn ask(service: &Service, qtype: u16, transport: Transport) -> Message {
    let packet = query("1.2.0.192.bl.example.org", qtype, 1232);
    let client = "192.0.2.99:5353".parse().unwrap();
    let reply = respond(service, &packet, client, transport, now()).expect("a query has a reply");
    assert!(reply.len() <= usize::from(u16::MAX));
    let message = Message::from_vec(&reply).expect("a reply can be read");
    assert_eq!(message.metadata.response_code, ResponseCode::NoError);
    message
}

#[track_caller]
fn is_cut(service: &Service, qtype: u16, all: usize) {
    let udp = ask(service, qtype, Transport::Udp);
    assert!(udp.metadata.truncation && udp.answers.is_empty());
    let tcp = ask(service, qtype, Transport::Tcp);
    // TC over TCP would have the client ask again and again.
    assert!(!tcp.metadata.truncation, "{} answers", tcp.answers.len());
    assert!((all / 6..all).contains(&tcp.answers.len()), "{} of {all}", tcp.answers.len());
    assert!(tcp.answers.iter().all(|record| u16::from(record.record_type()) == qtype));
}

#[test]
fn more_reasons_than_a_message_holds_are_cut_between_records() {
    let entry = |n: usize| Entry {
        reason: Some(format!("{n} {}", "x".repeat(990)).parse().unwrap()),
        ..Entry::default()
    };
    let entries: Vec<Entry> = (0..256).map(entry).collect();
    is_cut(&listing(&entries), 16, entries.len());
}

#[test]
fn more_codes_than_a_message_holds_are_cut_between_records() {
    let code = |n: u32| ReturnCode::try_from(Ipv4Addr::from(0x7f00_0200 + n)).unwrap();
    let entry = |source: u32| Entry {
        return_codes: (0..32).map(|n| code(32 * source + n)).collect(),
        ..Entry::default()
    };
    let entries: Vec<Entry> = (0..256).map(entry).collect();
    is_cut(&listing(&entries), 1, 256 * 32);
}
