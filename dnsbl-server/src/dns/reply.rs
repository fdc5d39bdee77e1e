//! Replies of the fast path, written in place.
//!
//! What is answered is decided by `answer.rs`, for this way and for that through `message.rs` alike;
//! a property test holds the two together.

use std::fmt::{self, Write as _};

use dnsbl_index::{IndexedZone, Listed};
use dnsbl_types::{Name, Reason};

use super::{
    answer::{Answer, Reply, minimum},
    cookies::ReplyCookie,
    extended_error::ExtendedError,
    query::Query,
    rrset::Rdata,
    wire::{CLASS_IN, HEADER, PAYLOAD, RECORD_HEAD, option, rtype},
};

/// The longest text that is written here, in bytes.
const TEXT: usize = PAYLOAD as usize;
/// A pointer to the beginning of the message (RFC 1035 section 4.1.4).
const TO_START: u16 = 0xc000;
/// A pointer to the name in the question.
const TO_QUESTION: u16 = TO_START | HEADER as u16;

/// QR, AA and TC, in the third octet of a message (RFC 1035 section 4.1.1).
const QR: u8 = 0x80;
const AA: u8 = 0x04;
const TC: u8 = 0x02;

/// The options of a reply, which it has where the query has EDNS.
#[derive(Clone, Copy, Default)]
pub(super) struct ReplyOptions<'a> {
    pub(super) cookie: Option<&'a ReplyCookie>,
    pub(super) extended_error: Option<ExtendedError>,
}

/// Writes the reply to a query that was read from `packet`, whose name holds a key of so many octets, and returns
/// its length; `None` if it does not fit.
pub(super) fn write(
    packet: &[u8],
    query: &Query,
    answer: &Answer<'_>,
    key_len: usize,
    options: ReplyOptions<'_>,
    reply: &mut [u8],
) -> Option<usize> {
    let mut writer = Writer { bytes: reply, len: 0, query, key_len, origin: None };
    writer.put(packet.get(..query.head_len())?)?;
    let counts = writer.sections(answer)?;
    writer.opt(options)?;
    let (flags, rcode) = match answer.reply {
        Reply::NxDomain { .. } => (AA, 3),
        Reply::Refused => (0, 5),
        Reply::ServFail => (0, 2),
        _ => (AA, 0),
    };
    Some(writer.finish(flags, rcode, counts))
}

/// Writes a reply that has the client ask by TCP, and returns its length; `None` if it does not fit.
pub(super) fn write_truncated(
    packet: &[u8],
    query: &Query,
    options: ReplyOptions<'_>,
    reply: &mut [u8],
) -> Option<usize> {
    let mut writer = Writer { bytes: reply, len: 0, query, key_len: 0, origin: None };
    writer.put(packet.get(..query.head_len())?)?;
    writer.opt(options)?;
    Some(writer.finish(AA | TC, 0, (0, 0)))
}

/// A reply as far as it is written.
struct Writer<'w> {
    bytes: &'w mut [u8],
    len: usize,
    query: &'w Query,
    /// Octets of the key in the name that was asked for; 0: there is none.
    key_len: usize,
    /// Where the zone's origin stands in lower case.
    origin: Option<u16>,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len + bytes.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    /// Writes the OPT record, if the query has one.
    fn opt(&mut self, options: ReplyOptions<'_>) -> Option<()> {
        let Some(edns) = self.query.edns else { return Some(()) };
        let [p1, p2] = PAYLOAD.to_be_bytes();
        let flags = if edns.dnssec_ok { 0x80 } else { 0 };
        self.put(&[0, 0, 41, p1, p2, 0, 0, flags, 0])?;
        let at = self.len;
        self.put(&[0; 2])?;
        if let Some(cookie) = options.cookie {
            self.option(option::COOKIE, cookie)?;
        }
        if let Some(error) = options.extended_error {
            self.option(option::EXTENDED_ERROR, &error.octets())?;
        }
        self.put_len(at)
    }

    fn option(&mut self, code: u16, data: &[u8]) -> Option<()> {
        self.put(&code.to_be_bytes())?;
        self.put(&u16::try_from(data.len()).ok()?.to_be_bytes())?;
        self.put(data)
    }

    /// Makes the head of the question's a reply's, and returns the length of all.
    fn finish(self, flags: u8, rcode: u8, (answers, authorities): (u16, u16)) -> usize {
        // RD as it came; the rest clear.
        self.bytes[2] = QR | flags | self.bytes[2] & 0x01;
        self.bytes[3] = rcode;
        self.bytes[6..8].copy_from_slice(&answers.to_be_bytes());
        self.bytes[8..10].copy_from_slice(&authorities.to_be_bytes());
        self.bytes[10..12].copy_from_slice(&u16::from(self.query.edns.is_some()).to_be_bytes());
        self.len
    }

    /// Writes the answer and authority sections, and returns how many records they have.
    fn sections(&mut self, answer: &Answer<'_>) -> Option<(u16, u16)> {
        let Some(zone) = answer.zone else { return Some((0, 0)) };
        match &answer.reply {
            Reply::ListedA { ttl, listed } => Some((self.codes(zone, *ttl, listed)?, 0)),
            Reply::ListedTxt { ttl, listed } => Some((self.reasons(zone, *ttl, listed)?, 0)),
            Reply::ForgedA { ttl, forged } => {
                self.record(TO_QUESTION, *ttl, zone, Rdata::A(forged.addr()))?;
                Some((1, 0))
            }
            Reply::ForgedTxt { ttl, forged } => {
                self.text(*ttl, zone, forged)?;
                Some((1, 0))
            }
            Reply::ZoneRrset { ttl, rrset } => {
                let mut count = 0;
                for data in rrset.iter() {
                    self.record(TO_QUESTION, *ttl, zone, data)?;
                    count += 1;
                }
                Some((count, 0))
            }
            Reply::NoData { ttl } | Reply::NxDomain { ttl } => {
                self.apex_record(*ttl, zone, Rdata::Soa(minimum(zone.settings(), *ttl)))?;
                Some((0, 1))
            }
            Reply::Refused | Reply::ServFail => Some((0, 0)),
        }
    }

    fn codes(&mut self, zone: &IndexedZone, ttl: u32, listed: &Listed<'_>) -> Option<u16> {
        let (first, mut count) = (self.len, 0);
        for code in listed.codes(zone.settings()) {
            let at = self.len;
            self.record(TO_QUESTION, ttl, zone, Rdata::A(code.addr()))?;
            count += self.keep_if_new(first, at);
        }
        Some(count)
    }

    fn reasons(&mut self, zone: &IndexedZone, ttl: u32, listed: &Listed<'_>) -> Option<u16> {
        let (first, mut count) = (self.len, 0);
        for text in listed.texts(zone.settings()) {
            let at = self.len;
            self.text(ttl, zone, text)?;
            count += self.keep_if_new(first, at);
        }
        Some(count)
    }

    fn text(&mut self, ttl: u32, zone: &IndexedZone, text: impl fmt::Display) -> Option<()> {
        let mut written = Text { bytes: [0; TEXT], len: 0 };
        write!(written, "{text}").ok()?;
        self.record(TO_QUESTION, ttl, zone, Rdata::Txt(written.as_str()?))
    }

    /// Takes back the record at `at` if one like it stands between it and `first`; how many stay.
    fn keep_if_new(&mut self, first: usize, at: usize) -> u16 {
        let (before, record) = self.bytes[..self.len].split_at(at);
        let mut others = &before[first..];
        while let [_, _, _, _, _, _, _, _, _, _, l1, l2, rest @ ..] = others {
            let len = RECORD_HEAD + usize::from(u16::from_be_bytes([*l1, *l2]));
            if others[..len] == *record {
                self.len = at;
                return 0;
            }
            others = &rest[len - RECORD_HEAD..];
        }
        1
    }

    /// Writes a record of the zone's apex, which is the name of the key where there is one.
    fn apex_record(&mut self, ttl: u32, zone: &IndexedZone, data: Rdata<'_>) -> Option<()> {
        if self.key_len == 0 {
            self.origin(zone)?;
        } else {
            let apex = self.asked_origin(zone) - self.key_len;
            self.put(&(TO_START | apex as u16).to_be_bytes())?;
        }
        self.rest(ttl, zone, data)
    }

    /// Where the zone's origin stands in the question.
    fn asked_origin(&self, zone: &IndexedZone) -> usize {
        HEADER + self.query.question().qname.len() - zone.settings().origin.wire().len()
    }

    fn record(&mut self, owner: u16, ttl: u32, zone: &IndexedZone, data: Rdata<'_>) -> Option<()> {
        self.put(&owner.to_be_bytes())?;
        self.rest(ttl, zone, data)
    }

    /// Writes what follows the owner of a record.
    fn rest(&mut self, ttl: u32, zone: &IndexedZone, data: Rdata<'_>) -> Option<()> {
        let rtype = match data {
            Rdata::A(_) => rtype::A,
            Rdata::Aaaa(_) => rtype::AAAA,
            Rdata::Ns(_) => rtype::NS,
            Rdata::Soa(_) => rtype::SOA,
            Rdata::Txt(_) => rtype::TXT,
            Rdata::Wire(rtype, _) => rtype,
        };
        self.put(&rtype.to_be_bytes())?;
        self.put(&CLASS_IN)?;
        self.put(&ttl.to_be_bytes())?;
        let at = self.len;
        self.put(&[0; 2])?;
        self.data(zone, data)?;
        self.put_len(at)
    }

    /// Writes at `at` how many octets follow there.
    fn put_len(&mut self, at: usize) -> Option<()> {
        let len = u16::try_from(self.len - at - 2).ok()?;
        self.bytes[at..at + 2].copy_from_slice(&len.to_be_bytes());
        Some(())
    }

    fn data(&mut self, zone: &IndexedZone, data: Rdata<'_>) -> Option<()> {
        match data {
            Rdata::A(addr) => self.put(&addr.octets()),
            Rdata::Aaaa(addr) => self.put(&addr.octets()),
            Rdata::Ns(name) => self.name(zone, name),
            Rdata::Soa(minimum) => self.soa(zone, minimum),
            Rdata::Wire(_, data) => self.put(data),
            Rdata::Txt(text) => Reason::strings(text).try_for_each(|string| {
                self.put(&[string.len() as u8])?;
                self.put(string.as_bytes())
            }),
        }
    }

    fn soa(&mut self, zone: &IndexedZone, minimum: u32) -> Option<()> {
        let settings = zone.settings();
        self.name(zone, &settings.mname)?;
        self.name(zone, &settings.rname)?;
        let times = settings.soa;
        let serial = zone.serial().0;
        for number in [serial, times.refresh, times.retry, times.expire, minimum] {
            self.put(&number.to_be_bytes())?;
        }
        Some(())
    }

    /// Writes a name; the zone's origin at its end is written once only.
    fn name(&mut self, zone: &IndexedZone, name: &Name) -> Option<()> {
        let origin = &zone.settings().origin;
        match name.strip_suffix(origin) {
            Some(labels) => {
                self.put(&name.wire()[..labels.wire_len()])?;
                self.origin(zone)
            }
            None => self.put(name.wire()),
        }
    }

    /// Writes the zone's origin, or a pointer to it where it stands in lower case already.
    ///
    /// The question ends with it, but in the case that was asked in; that belongs to the question's name
    /// and not to names of the zone.
    fn origin(&mut self, zone: &IndexedZone) -> Option<()> {
        let origin = zone.settings().origin.wire();
        let asked = self.asked_origin(zone);
        let in_question = self.bytes.get(asked..asked + origin.len()) == Some(origin);
        let known = self.origin.or(in_question.then_some(asked as u16));
        if let Some(at) = known {
            return self.put(&(TO_START | at).to_be_bytes());
        }
        // Within the first 1,232 bytes, so that a pointer reaches it.
        self.origin = Some(self.len as u16);
        self.put(origin)
    }
}

/// A text on the stack.
struct Text {
    bytes: [u8; TEXT],
    len: usize,
}

impl Text {
    fn as_str(&self) -> Option<&str> {
        str::from_utf8(&self.bytes[..self.len]).ok()
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
