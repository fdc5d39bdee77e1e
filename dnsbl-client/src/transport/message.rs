//! Queries and replies in wire form (RFC 1035 section 4, EDNS: RFC 6891).
//!
//! Only what an [`Answer`] needs is read. The rest is stepped over, and what does not even allow
//! that is malformed.

mod names;
mod records;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use arrayvec::ArrayVec;

use super::{Answer, QueryType, Question};
use names::Owner;
use records::{Record, Records};

/// The longest query: a name of 255 octets, and an OPT record.
pub(super) const MAX_QUERY: usize = HEADER + 255 + 4 + OPT.len();
/// The largest reply over UDP that is asked for, in octets: it fits most paths in one piece.
const UDP_SIZE: u16 = 1232;

const HEADER: usize = 12;
const OPT: [u8; 11] =
    [0, 0, record_type::OPT as u8, (UDP_SIZE >> 8) as u8, UDP_SIZE as u8, 0, 0, 0, 0, 0, 0];
const CLASS_IN: u16 = 1;
/// The most aliases that are followed.
const MAX_ALIASES: usize = 16;
/// Option code of extended DNS errors (RFC 8914 section 2).
const EXTENDED_ERROR: u16 = 15;

const FORMERR: u16 = 1;
const NOTIMP: u16 = 4;
const NXDOMAIN: u16 = 3;

mod record_type {
    pub(super) const A: u16 = 1;
    pub(super) const NS: u16 = 2;
    pub(super) const CNAME: u16 = 5;
    pub(super) const SOA: u16 = 6;
    pub(super) const TXT: u16 = 16;
    pub(super) const OPT: u16 = 41;
}

/// A query, complete but for its id. It is made once in a slot, and its memory used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    bytes: Vec<u8>,
    question_end: usize,
}

/// A query on its way out.
pub(super) type Datagram = ArrayVec<u8, MAX_QUERY>;

impl Query {
    /// Asks with EDNS, and for recursion (RD) if so wished.
    pub(super) fn write(&mut self, question: &Question, recursion: bool) {
        // RD, QDCOUNT and ARCOUNT.
        const FIXED: [u8; HEADER] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        self.bytes.clear();
        self.bytes.extend_from_slice(&FIXED);
        self.bytes[2] = u8::from(recursion);
        self.bytes.extend_from_slice(question.name.wire());
        self.bytes.extend_from_slice(&rtype(question.rtype).to_be_bytes());
        self.bytes.extend_from_slice(&CLASS_IN.to_be_bytes());
        self.question_end = self.bytes.len();
        self.bytes.extend_from_slice(&OPT);
    }

    /// Leaves EDNS out, for a server that can't bear it (RFC 6891 section 7); gives whether it was in.
    pub(super) fn drop_edns(&mut self) -> bool {
        let had_edns = self.bytes.len() > self.question_end;
        self.bytes.truncate(self.question_end);
        self.bytes[11] = 0;
        had_edns
    }

    /// The message with an id.
    pub(super) fn with_id(&self, id: u16) -> Datagram {
        let mut datagram = Datagram::new();
        // A name has at most 255 octets, so that it fits.
        let _ = datagram.try_extend_from_slice(&self.bytes);
        datagram[..2].copy_from_slice(&id.to_be_bytes());
        datagram
    }

    /// The question section.
    pub(super) fn question(&self) -> &[u8] {
        &self.bytes[HEADER..self.question_end]
    }
}

/// The reply of a server to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It did not fit and must be asked for over TCP.
    Truncated,
    /// It was read.
    Complete(Answer),
    /// The question matches, but it is not as a reply should be.
    Malformed,
}

/// What a message answers to `question`, if it is a reply to that and whole; for the fuzz target
/// `client-reply`.
#[doc(hidden)]
pub fn read_reply(question: &Question, message: &[u8]) -> Option<Answer> {
    let mut query = Query::default();
    query.write(question, true);
    match read(message, query.question())? {
        Reply::Complete(answer) => Some(answer),
        Reply::Truncated | Reply::Malformed => None,
    }
}

/// The id of a message.
pub(super) fn id(message: &[u8]) -> Option<u16> {
    message.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Reads a reply; `None` if it replies to something else than this question section.
///
/// The case of letters does not matter: servers differ in whether they keep it.
pub(super) fn read(message: &[u8], question: &[u8]) -> Option<Reply> {
    let header = Header::read(message)?;
    let body = &message[HEADER..];
    let (asked, is_match) = match header.questions {
        // A server that can't read the query may leave out the question too.
        0 => (0, matches!(header.rcode, FORMERR | NOTIMP)),
        1 => {
            let echoed = body.get(..question.len());
            (question.len(), echoed.is_some_and(|echoed| echoed.eq_ignore_ascii_case(question)))
        }
        _ => return None,
    };
    if !is_match {
        return None;
    }
    Some(if !header.is_response {
        Reply::Malformed
    } else if header.is_truncated {
        Reply::Truncated
    } else {
        let records = Records::new(message, HEADER + asked);
        read_answer(&header, records, question).map_or(Reply::Malformed, Reply::Complete)
    })
}

/// The header (RFC 1035 section 4.1.1).
struct Header {
    is_response: bool,
    is_authoritative: bool,
    is_truncated: bool,
    rcode: u16,
    questions: u16,
    answers: u16,
    authorities: u16,
    additionals: u16,
}

impl Header {
    fn read(message: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER] = message.first_chunk()?;
        let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Some(Self {
            // QR set, and opcode QUERY.
            is_response: header[2] & 0xf8 == 0x80,
            is_authoritative: header[2] & 0x04 != 0,
            is_truncated: header[2] & 0x02 != 0,
            rcode: u16::from(header[3] & 0x0f),
            questions: count(4),
            answers: count(6),
            authorities: count(8),
            additionals: count(10),
        })
    }
}

/// `None` if it is malformed.
fn read_answer(header: &Header, mut records: Records<'_>, question: &[u8]) -> Option<Answer> {
    let mut answer = Answer { rcode: header.rcode, ..Answer::default() };
    let mut data =
        Data { answer: &mut answer, rtype: u16::from_be_bytes(question_type(question)?) };
    data.follow(&records, header.answers, question)?;
    records.skip(header.answers)?;
    let has_data = !(answer.addresses.is_empty() && answer.texts.is_empty());
    let authority = Authority::read(&mut records, header.authorities)?;
    if !has_data && matches!(answer.rcode, 0 | NXDOMAIN) {
        answer.negative_ttl = authority.negative_ttl;
    }
    for _ in 0..header.additionals {
        let record = records.next()?;
        if record.rtype == record_type::OPT {
            answer.rcode |= ((record.ttl >> 24) as u16) << 4;
            answer.filtered = filtered(record.data)?;
        }
    }
    answer.referral = answer.rcode == 0
        && header.answers == 0
        && !header.is_authoritative
        && authority.is_delegation;
    Some(answer)
}

fn question_type(question: &[u8]) -> Option<[u8; 2]> {
    question.get(question.len().checked_sub(4)?..)?.first_chunk().copied()
}

fn rtype(asked: QueryType) -> u16 {
    match asked {
        QueryType::A => record_type::A,
        QueryType::Txt => record_type::TXT,
    }
}

/// Takes the data at the name asked for, or where its aliases lead.
struct Data<'a> {
    answer: &'a mut Answer,
    rtype: u16,
}

impl Data<'_> {
    /// Aliases may stand in any order, so the records are read again for each.
    fn follow(&mut self, records: &Records<'_>, count: u16, question: &[u8]) -> Option<()> {
        let mut owner = Owner::of_question(question);
        for _ in 0..=MAX_ALIASES {
            let Some(alias) = self.read_at(&owner, records.clone(), count)? else { break };
            owner = alias;
        }
        Some(())
    }

    /// Reads the data at `owner`; gives where it leads, if it is an alias.
    fn read_at(
        &mut self,
        owner: &Owner,
        mut records: Records<'_>,
        count: u16,
    ) -> Option<Option<Owner>> {
        let mut alias = None;
        for _ in 0..count {
            let record = records.next()?;
            if record.class != CLASS_IN || !records.is_owner(&record, owner)? {
                continue;
            }
            if record.rtype == self.rtype {
                self.take(&record)?;
            } else if record.rtype == record_type::CNAME && alias.is_none() {
                alias = Some(records.name_in(&record)?);
                self.note_ttl(&record);
            }
        }
        Some(alias)
    }

    fn take(&mut self, record: &Record<'_>) -> Option<()> {
        match self.rtype {
            record_type::A => {
                let octets: [u8; 4] = record.data.try_into().ok()?;
                self.answer.addresses.push(Ipv4Addr::from(octets));
            }
            _ => self.answer.texts.push(text(record.data)?),
        }
        self.note_ttl(record);
        Some(())
    }

    fn note_ttl(&mut self, record: &Record<'_>) {
        let least = self.answer.ttl.map_or(record.ttl(), |ttl| ttl.min(record.ttl()));
        self.answer.ttl = Some(least);
    }
}

/// The character strings of a TXT record in one (RFC 1035 section 3.3.14).
fn text(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(data.len());
    while let Some((&len, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(len.into())?;
        text.extend_from_slice(string);
        data = rest;
    }
    Some(text)
}

/// The authority section, as far as it matters.
#[derive(Default)]
struct Authority {
    negative_ttl: Option<u32>,
    /// Name servers without an SOA (RFC 2308 section 2.2).
    is_delegation: bool,
}

impl Authority {
    fn read(records: &mut Records<'_>, count: u16) -> Option<Self> {
        let mut authority = Self::default();
        let mut has_soa = false;
        for _ in 0..count {
            let record = records.next()?;
            match record.rtype {
                record_type::NS => authority.is_delegation = true,
                record_type::SOA if !has_soa => {
                    has_soa = true;
                    let minimum = u32::from_be_bytes(*record.data.last_chunk()?);
                    authority.negative_ttl = Some(record.ttl().min(minimum));
                }
                _ => {}
            }
        }
        authority.is_delegation &= !has_soa;
        Some(authority)
    }
}

/// The extended error Blocked, Censored, Filtered or Prohibited (RFC 8914 section 4) in the options
/// of an OPT record; the outer `None` if they are malformed.
fn filtered(mut options: &[u8]) -> Option<Option<u16>> {
    let mut found = None;
    while !options.is_empty() {
        let (head, rest) = options.split_first_chunk::<4>()?;
        let code = u16::from_be_bytes([head[0], head[1]]);
        let len = u16::from_be_bytes([head[2], head[3]]);
        let (data, rest) = rest.split_at_checked(len.into())?;
        if code == EXTENDED_ERROR {
            let error = u16::from_be_bytes(*data.first_chunk()?);
            found = found.or((15..=18).contains(&error).then_some(error));
        }
        options = rest;
    }
    Some(found)
}
