//! What a reply says, once everything about it that must hold does.

use std::fmt::Display;

use hickory_proto::{
    op::ResponseCode,
    rr::{DNSClass, RData, Record, rdata::SOA},
};

use crate::Reply;

/// What a reply of an authoritative server says about one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Records of one type at the name asked for: their data as text, sorted.
    Records(Vec<String>),
    /// The name exists, the type does not.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// Not a name of this server.
    Refused,
    /// TC: nothing but a reason to ask over TCP.
    Truncated,
    /// Something that no question deserves; why.
    Wrong(String),
}

impl Answer {
    /// Records with this data, in any order.
    pub fn records(data: impl IntoIterator<Item = impl Display>) -> Self {
        let mut data: Vec<String> = data.into_iter().map(|data| data.to_string()).collect();
        data.sort_unstable();
        Self::Records(data)
    }

    /// One record.
    pub fn record(data: impl Display) -> Self {
        Self::records([data])
    }

    /// What most lists answer for most addresses.
    pub fn listed() -> Self {
        Self::record("127.0.0.2")
    }

    /// Reads a reply to one question of class IN.
    pub fn of(reply: &Reply) -> Self {
        Self::read(reply).unwrap_or_else(|why| Self::Wrong(format!("{why}: {:?}", reply.message)))
    }

    fn read(reply: &Reply) -> Result<Self, &'static str> {
        let message = &reply.message;
        let meta = &message.metadata;
        let empty = message.answers.is_empty() && message.authorities.is_empty();
        if meta.recursion_available {
            return Err("RA is set, but this is no resolver");
        }
        if !message.additionals.is_empty() {
            return Err("additional records in a minimal answer");
        }
        match (meta.response_code, meta.authoritative) {
            (ResponseCode::NoError, true) if meta.truncation => {
                empty.then_some(Self::Truncated).ok_or("TC with records")
            }
            _ if meta.truncation => Err("TC is set"),
            (ResponseCode::Refused, false) => {
                empty.then_some(Self::Refused).ok_or("REFUSED with records")
            }
            (ResponseCode::NoError, true) if message.answers.is_empty() => {
                soa_of_denial(reply).map(|_| Self::NoData)
            }
            (ResponseCode::NoError, true) => rrset(reply),
            (ResponseCode::NXDomain, true) if message.answers.is_empty() => {
                soa_of_denial(reply).map(|_| Self::NxDomain)
            }
            _ => Err("rcode, AA and sections do not go together"),
        }
    }
}

/// The SOA that lets a resolver remember that there is nothing (RFC 2308 section 3).
fn soa_of_denial(reply: &Reply) -> Result<(&Record, &SOA), &'static str> {
    let [record] = reply.message.authorities.as_slice() else {
        return Err("not one record in the authority section of a negative answer");
    };
    let RData::SOA(soa) = &record.data else {
        return Err("no SOA in the authority section of a negative answer");
    };
    let question = reply.message.queries.first().ok_or("no question")?;
    if !record.name.zone_of(&question.name) {
        return Err("the SOA is not of the zone that was asked");
    }
    Ok((record, soa))
}

/// The answer section: one RRset at the name asked for, nothing else anywhere.
fn rrset(reply: &Reply) -> Result<Answer, &'static str> {
    let message = &reply.message;
    let question = message.queries.first().ok_or("no question")?;
    let first = &message.answers[0];
    for record in &message.answers {
        if record.name != question.name || record.dns_class != DNSClass::IN {
            return Err("a record at another name, or of another class");
        }
        if record.record_type() != first.record_type() || record.ttl != first.ttl {
            return Err("more than one RRset");
        }
    }
    if !message.authorities.is_empty() {
        return Err("authority records in a minimal answer");
    }
    Ok(Answer::records(message.answers.iter().map(|record| &record.data)))
}

impl Reply {
    /// The TTL of the answer: of its records, or of the SOA where it is negative.
    #[track_caller]
    pub fn ttl(&self) -> u32 {
        match self.message.answers.first() {
            Some(record) => record.ttl,
            None => self.soa().0,
        }
    }

    /// The TTL and the data of the SOA in the authority section.
    #[track_caller]
    pub fn soa(&self) -> (u32, &SOA) {
        let (record, soa) = soa_of_denial(self).unwrap_or_else(|why| panic!("{why}: {self:?}"));
        (record.ttl, soa)
    }
}
