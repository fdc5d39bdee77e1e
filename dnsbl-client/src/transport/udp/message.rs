//! Reading replies.

use std::net::Ipv4Addr;

use hickory_resolver::proto::{
    op::{Message, Query, ResponseCode},
    rr::{
        DNSClass, Name, RData, Record, RecordType,
        rdata::opt::{EdnsCode, EdnsOption},
    },
};

use super::super::Answer;

/// The most aliases that are followed.
const MAX_ALIASES: usize = 16;

/// Option code of extended DNS errors (RFC 8914 section 2).
const EXTENDED_ERROR: u16 = 15;

/// Whether no other server need be asked.
pub(super) fn settles(reply: &Message) -> bool {
    matches!(reply.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
        && !is_referral(reply)
}

/// What matters in a reply.
pub(super) fn read(reply: &Message, query: &Query) -> Answer {
    let addresses = data(reply, query).filter_map(|record| match &record.data {
        RData::A(a) => Some(Ipv4Addr::from(*a)),
        _ => None,
    });
    let texts = data(reply, query).filter_map(|record| match &record.data {
        RData::TXT(txt) => Some(txt.txt_data.concat()),
        _ => None,
    });
    Answer {
        rcode: reply.response_code.into(),
        addresses: addresses.collect(),
        texts: texts.collect(),
        ttl: data(reply, query).map(|record| record.ttl).min(),
        negative_ttl: negative_ttl(reply),
        referral: is_referral(reply),
        filtered: filtered(reply),
        server: None,
    }
}

/// RFC 2308 section 5.
fn negative_ttl(reply: &Message) -> Option<u32> {
    reply.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    })
}

/// The data at the name asked for, or where its aliases lead.
fn data<'a>(reply: &'a Message, query: &'a Query) -> impl Iterator<Item = &'a Record> {
    let name = canonical_name(reply, query.name());
    at(reply, name)
}

fn canonical_name<'a>(reply: &'a Message, qname: &'a Name) -> &'a Name {
    let mut name = qname;
    for _ in 0..MAX_ALIASES {
        let alias = at(reply, name).find_map(|record| match &record.data {
            RData::CNAME(target) => Some(&target.0),
            _ => None,
        });
        let Some(target) = alias else { break };
        name = target;
    }
    name
}

fn at<'a>(reply: &'a Message, name: &'a Name) -> impl Iterator<Item = &'a Record> {
    let answers = reply.answers.iter();
    answers.filter(move |record| record.name == *name && record.dns_class == DNSClass::IN)
}

/// Name servers without an answer, an SOA or authority point elsewhere (RFC 2308 section 2.2).
fn is_referral(reply: &Message) -> bool {
    let types = || reply.authorities.iter().map(Record::record_type);
    reply.response_code == ResponseCode::NoError
        && reply.answers.is_empty()
        && !reply.authoritative
        && types().any(|rtype| rtype == RecordType::NS)
        && types().all(|rtype| rtype != RecordType::SOA)
}

/// The extended error Blocked, Censored, Filtered or Prohibited (RFC 8914 section 4).
fn filtered(reply: &Message) -> Option<u16> {
    let edns = reply.edns.as_ref()?;
    let EdnsOption::Unknown(_, data) = edns.option(EdnsCode::from(EXTENDED_ERROR))? else {
        return None;
    };
    let code = u16::from_be_bytes(*data.first_chunk()?);
    (15..=18).contains(&code).then_some(code)
}
