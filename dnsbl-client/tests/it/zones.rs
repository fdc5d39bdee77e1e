//! A script with a zone for every way to answer, and the replies it is made of.

use std::time::Duration;

use dnsbl_client::{Client, ClientBuilder, HealthChecks, Resolvers, SpecialUse, Zone};
use hickory_proto::{
    op::{Edns, Message, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{CNAME, NS, TXT, opt::EdnsOption},
    },
};

use crate::server::{Server, Transport};

/// A client that asks these servers about everything.
pub(crate) fn client(servers: &[&Server], zones: &[&str], deadline: Duration) -> ClientBuilder {
    Client::builder()
        .zones(zones.iter().map(|zone| Zone::addresses(zone.parse().unwrap())))
        .resolvers(Resolvers::Given(servers.iter().map(|server| server.addr).collect()))
        .deadline(deadline)
        .early_exit(false)
        .special_use(SpecialUse::AskDocumentation)
        .health_checks(HealthChecks::Off)
}

/// Answers `<address>.<zone>.example.` as the label `<zone>` says.
pub(crate) fn script(query: &Message, transport: Transport) -> Vec<Message> {
    if query.queries[0].name().iter().next_back() != Some(b"example") {
        return vec![rcode(query, ResponseCode::Refused)];
    }
    let txt = query.queries[0].query_type() == RecordType::TXT;
    let answer = |addresses: &[&str]| {
        if txt { reply(query) } else { a(query, addresses) }
    };
    let said = is_test_entry(query).then(|| answer(&["127.0.0.2"]));
    let said = said.or_else(|| is_made_up(query).then(|| rcode(query, ResponseCode::NXDomain)));
    if let ("listed" | "clean" | "nodata", Some(said)) = (zone(query).as_str(), said) {
        return vec![said];
    }
    vec![match zone(query).as_str() {
        "listed" if txt => texts(query, &[&["Open ", "relay"], &["see https://bl.example"]]),
        "listed" => a(query, &["127.0.0.10", "127.0.0.2"]),
        "silent-txt" if txt => return vec![],
        "servfail-txt" if txt => rcode(query, ResponseCode::ServFail),
        "nasty-txt" if txt => texts(query, &[&["no\r\n250 OK\0\x1b[2J\x7f%n"]]),
        "huge-txt" if txt => huge_text(query, transport),
        "silent-txt" | "servfail-txt" | "nasty-txt" | "huge-txt" => a(query, &["127.0.0.2"]),
        "clean" => rcode(query, ResponseCode::NXDomain),
        "nodata" => reply(query),
        "servfail" => rcode(query, ResponseCode::ServFail),
        "refused" => rcode(query, ResponseCode::Refused),
        "silent" => return vec![],
        "public" => answer(&["127.255.255.254"]),
        "localhost" => answer(&["127.0.0.1"]),
        "parked" => answer(&["203.0.113.7"]),
        "mixed" => answer(&["127.0.0.2", "203.0.113.7"]),
        "big" => truncated_on_udp(answer(&["127.0.0.2", "127.0.0.3"]), transport),
        "spoofed" => return spoofed(query),
        "alien" => alien(query),
        "referral" => referral(query),
        "filtered" => filtered(query),
        other => panic!("no such zone: {other}"),
    }]
}

/// What every list has (RFC 5782 section 5).
fn is_test_entry(query: &Message) -> bool {
    let name = query.queries[0].name().to_ascii();
    name.starts_with("2.0.0.127.") || name.starts_with("2.0.0.0.0.0.f.7.f.f.f.f.")
}

/// What no list has, and what a client makes up.
fn is_made_up(query: &Message) -> bool {
    let name = query.queries[0].name().to_ascii();
    let labels: Vec<&str> = name.split('.').collect();
    let made_up = |at: &[&str]| labels.windows(at.len()).any(|labels| labels == at);
    name.starts_with("1.0.0.127.")
        || name.starts_with("1.0.0.0.0.0.f.7.f.f.f.f.")
        || made_up(&["18", "198"])
        || made_up(&["19", "198"])
        || (made_up(&["8", "b", "d", "0", "1", "0", "0", "2"]) && !name.starts_with("1.0.0.0."))
}

/// The label above `example.`.
fn zone(query: &Message) -> String {
    let labels: Vec<&[u8]> = query.queries[0].name().iter().collect();
    String::from_utf8(labels[labels.len() - 2].to_vec()).unwrap()
}

/// NOERROR without records.
pub(crate) fn reply(query: &Message) -> Message {
    let mut reply = Message::response(query.id, query.op_code);
    reply.add_queries(query.queries.clone());
    reply
}

pub(crate) fn rcode(query: &Message, rcode: ResponseCode) -> Message {
    let mut reply = reply(query);
    reply.metadata.response_code = rcode;
    reply
}

pub(crate) fn a(query: &Message, addresses: &[&str]) -> Message {
    let owner = query.queries[0].name();
    let mut reply = reply(query);
    reply.add_answers(addresses.iter().map(|address| a_record(owner, address)));
    reply
}

pub(crate) fn a_record(owner: &Name, address: &str) -> Record {
    let address: std::net::Ipv4Addr = address.parse().unwrap();
    Record::from_rdata(owner.clone(), 60, RData::A(address.into()))
}

pub(crate) fn cname_record(owner: &Name, target: &Name) -> Record {
    Record::from_rdata(owner.clone(), 60, RData::CNAME(CNAME(target.clone())))
}

/// One TXT record for each list of strings.
fn texts(query: &Message, texts: &[&[&str]]) -> Message {
    let mut reply = reply(query);
    for strings in texts {
        let strings = strings.iter().map(ToString::to_string).collect();
        let owner = query.queries[0].name().clone();
        reply.add_answer(Record::from_rdata(owner, 60, RData::TXT(TXT::new(strings))));
    }
    reply
}

fn huge_text(query: &Message, transport: Transport) -> Message {
    let strings = vec!["x".repeat(255); 250];
    let strings: Vec<&str> = strings.iter().map(String::as_str).collect();
    truncated_on_udp(texts(query, &[&strings]), transport)
}

fn truncated_on_udp(reply: Message, transport: Transport) -> Message {
    match transport {
        Transport::Udp => reply.truncate(),
        Transport::Tcp => reply,
    }
}

/// "Listed" with another ID and to another question, before the truth.
fn spoofed(query: &Message) -> Vec<Message> {
    let mut other_id = a(query, &["127.0.0.2"]);
    other_id.metadata.id = query.id.wrapping_add(1);
    let mut other_name = query.clone();
    other_name.queries[0].name = Name::from_ascii("1.2.0.192.spoofed.example.").unwrap();
    let other_name = a(&other_name, &["127.0.0.2"]);
    let mut other_type = query.clone();
    other_type.queries[0].query_type = RecordType::AAAA;
    let other_type = a(&other_type, &["127.0.0.2"]);
    let truth = rcode(query, ResponseCode::NXDomain);
    vec![other_id, other_name, other_type, truth]
}

/// The right question, an address of another name.
fn alien(query: &Message) -> Message {
    let mut reply = reply(query);
    reply.add_answer(a_record(&Name::from_ascii("1.2.0.192.alien.example.").unwrap(), "127.0.0.2"));
    reply
}

fn referral(query: &Message) -> Message {
    let mut reply = reply(query);
    let server = NS(Name::from_ascii("ns.example.net.").unwrap());
    let zone = Name::from_ascii("example.").unwrap();
    reply.add_authority(Record::from_rdata(zone, 60, RData::NS(server)));
    reply
}

/// NXDOMAIN with the extended error Filtered.
fn filtered(query: &Message) -> Message {
    let mut reply = rcode(query, ResponseCode::NXDomain);
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::Unknown(15, vec![0, 17, b'n', b'o']));
    reply.set_edns(edns);
    reply
}
