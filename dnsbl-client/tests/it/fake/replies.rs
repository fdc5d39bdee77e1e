//! The messages that scripts are made of.

use std::net::Ipv4Addr;

use hickory_proto::{
    op::{Edns, Message, ResponseCode},
    rr::{
        Name, RData, Record,
        rdata::{CNAME, SOA, TXT, opt::EdnsOption},
    },
};

use super::Asked;

/// NOERROR without records.
pub(crate) fn reply(asked: &Asked) -> Message {
    let mut reply = Message::response(asked.message.id, asked.message.op_code);
    reply.add_queries(asked.message.queries.clone());
    reply
}

/// Another response code without records.
pub(crate) fn rcode(asked: &Asked, rcode: ResponseCode) -> Message {
    let mut reply = reply(asked);
    reply.metadata.response_code = rcode;
    reply
}

/// These addresses, for a minute.
pub(crate) fn a(asked: &Asked, addresses: &[&str]) -> Message {
    a_ttl(asked, addresses, 60)
}

/// These addresses.
pub(crate) fn a_ttl(asked: &Asked, addresses: &[&str], ttl: u32) -> Message {
    let mut reply = reply(asked);
    for address in addresses {
        let address: Ipv4Addr = address.parse().unwrap();
        let owner = asked.message.queries[0].name().clone();
        reply.add_answer(Record::from_rdata(owner, ttl, RData::A(address.into())));
    }
    reply
}

/// An alias, and nothing where it leads.
pub(crate) fn cname(asked: &Asked, target: &str) -> Message {
    let owner = asked.message.queries[0].name().clone();
    let target = CNAME(Name::from_ascii(target).unwrap());
    let mut reply = reply(asked);
    reply.add_answer(Record::from_rdata(owner, 60, RData::CNAME(target)));
    reply
}

/// NXDOMAIN without an SOA.
pub(crate) fn nxdomain(asked: &Asked) -> Message {
    rcode(asked, ResponseCode::NXDomain)
}

/// NOERROR without an SOA or anything else.
pub(crate) fn nodata(asked: &Asked) -> Message {
    reply(asked)
}

/// A denial with this SOA.
pub(crate) fn negative(reply: Message, ttl: u32, minimum: u32) -> Message {
    let mut reply = reply;
    let name = |text| Name::from_ascii(text).unwrap();
    let soa = SOA::new(name("ns.example."), name("root.example."), 1, 60, 60, 60, minimum);
    reply.add_authority(Record::from_rdata(name("example."), ttl, RData::SOA(soa)));
    reply
}

/// One TXT record for each list of strings.
pub(crate) fn texts(asked: &Asked, texts: &[&[&[u8]]]) -> Message {
    let mut reply = reply(asked);
    for strings in texts {
        let owner = asked.message.queries[0].name().clone();
        let text = TXT::from_bytes(strings.to_vec());
        reply.add_answer(Record::from_rdata(owner, 60, RData::TXT(text)));
    }
    reply
}

/// With an extended error (RFC 8914).
pub(crate) fn with_extended_error(reply: Message, code: u16) -> Message {
    let mut reply = reply;
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::Unknown(15, code.to_be_bytes().to_vec()));
    reply.set_edns(edns);
    reply
}
