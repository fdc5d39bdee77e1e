//! The reader of replies beside hickory's, and against noise.

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query as HickoryQuery, ResponseCode},
    rr::{
        DNSClass, Name as HickoryName, RData, Record, RecordType,
        rdata::{
            CNAME, NS, SOA, TXT,
            opt::{EdnsCode, EdnsOption},
        },
    },
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{Query, Reply, read};
use crate::transport::{Answer, QueryType, Question};

/// Few names, so that they meet; all differ in more than case.
const NAMES: [&str; 6] =
    ["2.0.0.127.bl.example", "BL.example", "a.example", "A.b.Example", "example", "."];

fn query(rtype: QueryType) -> Query {
    let mut query = Query::default();
    query.write(&Question { name: NAMES[0].parse().unwrap(), rtype }, true);
    query
}

fn rtype() -> impl Strategy<Value = QueryType> {
    select(vec![QueryType::A, QueryType::Txt])
}

fn name() -> impl Strategy<Value = HickoryName> {
    select(&NAMES).prop_map(|name| {
        let mut name = HickoryName::from_ascii(name).unwrap();
        name.set_fqdn(true);
        name
    })
}

fn data() -> impl Strategy<Value = RData> {
    prop_oneof![
        3 => any::<[u8; 4]>().prop_map(|octets| RData::A(std::net::Ipv4Addr::from(octets).into())),
        2 => vec(vec(any::<u8>(), 0..256), 1..4).prop_map(|strings| {
            RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect()))
        }),
        4 => name().prop_map(|name| RData::CNAME(CNAME(name))),
        1 => name().prop_map(|name| RData::NS(NS(name))),
        1 => (name(), name(), any::<u32>()).prop_map(|(mname, rname, minimum)| {
            RData::SOA(SOA::new(mname, rname, 1, 2, 3, 4, minimum))
        }),
        1 => any::<[u8; 16]>()
            .prop_map(|octets| RData::AAAA(std::net::Ipv6Addr::from(octets).into())),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let class = prop_oneof![9 => Just(DNSClass::IN), 1 => Just(DNSClass::CH)];
    (name(), any::<u32>(), data(), class).prop_map(|(owner, ttl, data, class)| {
        let mut record = Record::from_rdata(owner, ttl, data);
        record.dns_class = class;
        record
    })
}

fn edns() -> impl Strategy<Value = Edns> {
    (any::<u8>(), option::of(0_u16..30)).prop_map(|(rcode_high, error)| {
        let mut edns = Edns::new();
        edns.set_rcode_high(rcode_high);
        if let Some(error) = error {
            let data = [&error.to_be_bytes()[..], b"why"].concat();
            edns.options_mut().insert(EdnsOption::Unknown(15, data));
        }
        edns
    })
}

prop_compose! {
    /// A reply to the question.
    fn message()(
        rtype in rtype(),
        rcode in 0_u16..16,
        authoritative in any::<bool>(),
        answers in vec(record(), 0..8),
        authorities in vec(record(), 0..4),
        additionals in vec(record(), 0..3),
        edns in option::of(edns()),
    ) -> (QueryType, Message) {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        let asked = match rtype {
            QueryType::A => RecordType::A,
            QueryType::Txt => RecordType::TXT,
        };
        let mut name = HickoryName::from_ascii(NAMES[0]).unwrap();
        name.set_fqdn(true);
        message.add_query(HickoryQuery::query(name, asked));
        message.metadata.authoritative = authoritative;
        message.metadata.response_code = ResponseCode::from(0, rcode as u8);
        message.add_answers(answers);
        message.add_authorities(authorities);
        message.add_additionals(additionals);
        if let Some(edns) = edns {
            message.set_edns(edns);
        }
        (rtype, message)
    }
}

/// What a message says, as hickory reads it.
fn by_hickory(message: &Message, rtype: QueryType) -> Answer {
    let mut answer = Answer { rcode: message.response_code.into(), ..Answer::default() };
    let ttl = |record: &Record| if record.ttl >> 31 == 0 { record.ttl } else { 0 };
    let mut name = message.queries[0].name();
    let mut ttls = Vec::new();
    for _ in 0..17 {
        let here = || {
            let answers = message.answers.iter();
            answers.filter(|record| record.name == *name && record.dns_class == DNSClass::IN)
        };
        for record in here() {
            match (&record.data, rtype) {
                (RData::A(a), QueryType::A) => answer.addresses.push(a.0),
                (RData::TXT(txt), QueryType::Txt) => answer.texts.push(txt.txt_data.concat()),
                _ => continue,
            }
            ttls.push(ttl(record));
        }
        let alias = here().find_map(|record| match &record.data {
            RData::CNAME(target) => Some((record, &target.0)),
            _ => None,
        });
        let Some((record, target)) = alias else { break };
        ttls.push(ttl(record));
        name = target;
    }
    answer.ttl = ttls.into_iter().min();
    let has_data = !answer.addresses.is_empty() || !answer.texts.is_empty();
    let soa = message.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(ttl(record).min(soa.minimum)),
        _ => None,
    });
    if !has_data && matches!(u16::from(message.response_code) & 0xf, 0 | 3) {
        answer.negative_ttl = soa;
    }
    let types = || message.authorities.iter().map(Record::record_type);
    answer.referral = answer.rcode == 0
        && message.answers.is_empty()
        && !message.authoritative
        && soa.is_none()
        && types().any(|rtype| rtype == RecordType::NS);
    answer.filtered = message.edns.as_ref().and_then(|edns| {
        let Some(EdnsOption::Unknown(_, data)) = edns.option(EdnsCode::from(15)) else {
            return None;
        };
        let code = u16::from_be_bytes([*data.first()?, *data.get(1)?]);
        (15..=18).contains(&code).then_some(code)
    });
    answer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn case_44_what_hickory_writes_is_read_as_hickory_reads_it((rtype, message) in message()) {
        let bytes = message.to_vec().unwrap();
        let parsed = Message::from_vec(&bytes).unwrap();
        let expected = Reply::Complete(by_hickory(&parsed, rtype));
        prop_assert_eq!(read(&bytes, query(rtype).question()), Some(expected));
    }

    #[test]
    fn case_44_a_damaged_reply_is_no_panic_and_agrees_where_hickory_reads_it(
        (rtype, message) in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = message.to_vec().unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let ours = read(&bytes, query(rtype).question());
        if let (Some(Reply::Complete(ours)), Ok(parsed)) = (ours, Message::from_vec(&bytes))
            && parsed.queries.len() == 1
        {
            prop_assert_eq!(ours, by_hickory(&parsed, rtype));
        }
    }

    #[test]
    fn case_44_noise_is_no_panic(noise in vec(any::<u8>(), 0..600), rtype in rtype()) {
        read(&noise, query(rtype).question());
        let query = query(rtype);
        let mut behind = query.with_id(7).to_vec();
        behind[2] = 0x80;
        behind.truncate(12 + query.question().len());
        behind[4..12].copy_from_slice(&[0, 1, 0, 3, 0, 2, 0, 1]);
        behind.extend(noise);
        read(&behind, query.question());
    }
}

#[test]
fn a_query_is_what_hickory_reads_in_it() {
    let mut query = query(QueryType::Txt);
    let message = Message::from_vec(&query.with_id(0x1234)).unwrap();
    assert_eq!((message.id, message.recursion_desired), (0x1234, true));
    assert_eq!(message.queries[0].name().to_string(), "2.0.0.127.bl.example.");
    assert_eq!(message.queries[0].query_type(), RecordType::TXT);
    assert_eq!(message.edns.as_ref().unwrap().max_payload(), 1232);
    assert!(query.drop_edns() && !query.drop_edns());
    assert!(Message::from_vec(&query.with_id(1)).unwrap().edns.is_none());
}

#[test]
fn the_longest_name_fits() {
    let name = "x.".repeat(127).parse().unwrap();
    let mut query = Query::default();
    query.write(&Question { name, rtype: QueryType::A }, false);
    let message = Message::from_vec(&query.with_id(1)).unwrap();
    assert_eq!(message.queries[0].name().to_string(), "x.".repeat(127));
}

#[test]
fn aliases_are_followed_sixteen_times_and_loops_end() {
    let name = |i: usize| match i {
        0 => format!("{}.", NAMES[0]),
        i => format!("n{i}.example."),
    };
    let read_chain = |length: usize, last: usize| {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        let at = |i| HickoryName::from_ascii(name(i)).unwrap();
        message.add_query(HickoryQuery::query(at(0), RecordType::A));
        for i in (0..length).rev() {
            let target = if i + 1 == length { last } else { i + 1 };
            message.add_answer(Record::from_rdata(at(i), 60, RData::CNAME(CNAME(at(target)))));
        }
        let a = RData::A(std::net::Ipv4Addr::new(127, 0, 0, 2).into());
        message.add_answer(Record::from_rdata(at(length), 60, a));
        match read(&message.to_vec().unwrap(), query(QueryType::A).question()) {
            Some(Reply::Complete(answer)) => answer.addresses.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read_chain(16, 16), 1);
    assert_eq!(read_chain(17, 17), 0);
    assert_eq!(read_chain(3, 0), 0, "a loop");
}

#[test]
fn names_of_endless_pointers_take_no_time() {
    let query = query(QueryType::A);
    let mut bytes = query.with_id(7).to_vec();
    bytes.truncate(12 + query.question().len());
    bytes[2] = 0x80;
    let count = 2500_u16;
    bytes[6..8].copy_from_slice(&count.to_be_bytes());
    bytes[10..12].fill(0);
    // A record full of pointers, each to the one before it, and many records that begin at the last.
    let first = bytes.len() + 11;
    bytes.extend_from_slice(&[0, 0, 16, 0, 1, 0, 0, 0, 0, 0x3e, 0x80]);
    for i in 0..8000_usize {
        let target = if i == 0 { 12 } else { first + 2 * (i - 1) };
        bytes.extend_from_slice(&(0xc000 | target as u16).to_be_bytes());
    }
    let last = (0xc000 | (first + 2 * 7999) as u16).to_be_bytes();
    for _ in 1..count {
        bytes.extend_from_slice(&last);
        bytes.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 2]);
    }
    let began = std::time::Instant::now();
    assert_eq!(read(&bytes, query.question()), Some(Reply::Malformed));
    assert!(began.elapsed() < std::time::Duration::from_millis(100));
}
