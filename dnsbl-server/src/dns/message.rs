//! Messages in, messages out. The only file that knows hickory.
//!
//! Checks come in this order: QR, opcode, EDNS version, form of the cookie, number of questions, class, zone.

use std::net::SocketAddr;

use dnsbl_index::{IndexedZone, Listed, ZoneNumber};
use dnsbl_types::{ClockReading, Name, Reason, UnixTime};
use hickory_server::{
    net::xfer::Protocol,
    proto::{
        op::{Edns, Metadata, OpCode, ResponseCode},
        rr::{
            DNSClass, Name as WireName, RData, Record,
            rdata::{
                A, AAAA, NS, NULL, SOA, TXT,
                opt::{EdnsCode, EdnsOption, NSIDPayload},
            },
        },
        serialize::binary::BinEncoder,
    },
    server::Request,
    zone_handler::MessageResponseBuilder,
};

use super::{
    access::Permission,
    answer::{Answer, Reply, answer, minimum},
    cookies::ClientCookie,
    counters::{Outcome, Transport},
    denied::Denied,
    extended_error::ExtendedError,
    lookup::{Key, Question, look_up},
    protection::Client,
    rate_limit::{Admission, ResultClass},
    rrset::Rdata,
    samples::Sample,
    service::Service,
    wire::{HEADER, PAYLOAD, RECORD_HEAD, option, rtype},
};

/// What the records of an answer may take, in bytes, so that a message over TCP holds them with all that
/// is around them. Beyond that an RRset is what fits: the lowest codes, the first reasons.
const MOST_RECORDS: usize = 64_000;

/// The reply to a message, or `None` where there is none: to what is no query at all, and over UDP to one too
/// many.
pub(crate) fn respond(
    service: &Service,
    packet: &[u8],
    client: SocketAddr,
    transport: Transport,
    now: ClockReading,
) -> Option<Vec<u8>> {
    let header: &[u8; HEADER] = packet.first_chunk()?;
    // QR: answering an answer would make a loop.
    if header[2] & 0x80 != 0 || client.port() == 0 {
        service.counters.count(None, transport, Outcome::Dropped);
        return None;
    }
    if service.access.ignores(client.ip()) {
        service.counters.count(None, transport, Outcome::Dropped);
        service.counters.deny(None, Denied::Rule);
        return None;
    }
    let admit = |client: &Client, class| match transport {
        Transport::Udp => service.protection.admit(client, class, now.steady),
        Transport::Tcp => Admission::Answered,
    };
    let Some(request) = parse(packet, client) else {
        let client = service.protection.client(client.ip(), None, now.wall);
        let is_sent = admit(&client, ResultClass::Error) == Admission::Answered;
        let outcome = if is_sent { Outcome::Error } else { Outcome::Dropped };
        service.counters.count(None, transport, outcome);
        return is_sent.then(|| refuse_unreadable(header));
    };
    let mut builder = ResponseBuilder::new(service, &request, now.wall);
    let Decided { zone, mut outcome, class, mut bytes } = builder.decide(transport, now);
    match admit(&builder.client, class) {
        Admission::Answered => {}
        Admission::Slipped => bytes = builder.truncated(),
        Admission::Dropped => (outcome, bytes) = (Outcome::Dropped, None),
    }
    service.counters.count(zone, transport, outcome);
    bytes
}

/// Reads a message whose count of questions is not a lie; hickory would make room for all of them.
fn parse(packet: &[u8], client: SocketAddr) -> Option<Request> {
    let questions = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
    if HEADER + 5 * questions > packet.len()
        || (questions > 0 && plain_name_len(&packet[HEADER..]).is_none())
    {
        return None;
    }
    Request::from_bytes(packet.to_vec(), client, Protocol::Udp).ok()
}

/// The length of a name's labels, unless it holds a compression pointer: that could only point into
/// the header, and the question, echoed behind another header, would say something else.
fn plain_name_len(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    loop {
        match *bytes.get(len)? {
            0 => return Some(len),
            label @ 1..=63 => len += 1 + usize::from(label),
            64.. => return None,
        }
    }
}

/// The data of the COOKIE option, the first if there are several.
fn cookie(edns: &Edns) -> Option<&[u8]> {
    match edns.option(EdnsCode::Cookie) {
        Some(EdnsOption::Unknown(_, data)) => Some(data),
        _ => None,
    }
}

/// A bare header: NOTIMP for an opcode that we don't do, else FORMERR.
fn refuse_unreadable(header: &[u8; HEADER]) -> Vec<u8> {
    let rcode = if header[2] & 0x78 == 0 { 1 } else { 4 };
    let mut reply = vec![header[0], header[1], 0x80 | header[2] & 0x79, rcode];
    reply.resize(HEADER, 0);
    reply
}

/// A response in the making.
struct ResponseBuilder<'r> {
    service: &'r Service,
    request: &'r Request,
    client: Client,
    meta: Metadata,
    edns: Option<Edns>,
}

/// What is said to a query.
struct Decided {
    zone: Option<ZoneNumber>,
    outcome: Outcome,
    class: ResultClass,
    bytes: Option<Vec<u8>>,
}

impl<'r> ResponseBuilder<'r> {
    fn new(service: &'r Service, request: &'r Request, now: UnixTime) -> Self {
        let mut meta = Metadata::response_from_request(&request.metadata);
        // An authoritative server clears it (RFC 4035 section 3.1.6).
        meta.checking_disabled = false;
        let asked = request.edns.as_ref();
        let client = service.protection.client(request.src().ip(), asked.and_then(cookie), now);
        let edns = asked.map(|asked| {
            let mut edns = Edns::new();
            edns.set_version(0).set_max_payload(PAYLOAD).set_dnssec_ok(asked.flags().dnssec_ok);
            let identity =
                service.identity.as_ref().filter(|_| asked.option(EdnsCode::NSID).is_some());
            if let Some(nsid) =
                identity.and_then(|id| NSIDPayload::new(id.as_bytes().to_vec()).ok())
            {
                edns.options_mut().insert(EdnsOption::NSID(nsid));
            }
            if let Some(cookie) = client.cookie.reply() {
                edns.options_mut().insert(EdnsOption::Unknown(option::COOKIE, cookie.to_vec()));
            }
            edns
        });
        Self { service, request, client, meta, edns }
    }

    fn decide(&mut self, transport: Transport, now: ClockReading) -> Decided {
        let rcode = match self.request.queries.queries() {
            _ if self.request.metadata.op_code != OpCode::Query => {
                self.explain(Some(ExtendedError::NotSupported));
                ResponseCode::NotImp
            }
            _ if self.request.edns.as_ref().is_some_and(|edns| edns.version() > 0) => {
                ResponseCode::BADVERS
            }
            _ if self.client.cookie == ClientCookie::Malformed => ResponseCode::FormErr,
            [query] => match query.query_class() {
                DNSClass::IN => return self.answer(transport, now),
                DNSClass::CH => return self.chaos(transport),
                _ => return self.refuse(transport),
            },
            // Who has a cookie, or wants one, need not ask anything else (RFC 7873 section 5.4).
            [] => match self.client.cookie {
                ClientCookie::New(_) | ClientCookie::Good(_) => ResponseCode::NoError,
                ClientCookie::Bad(_) => ResponseCode::BADCOOKIE,
                ClientCookie::Absent | ClientCookie::Malformed => ResponseCode::FormErr,
            },
            _ => ResponseCode::FormErr,
        };
        self.meta.response_code = rcode;
        let outcome = if rcode == ResponseCode::NoError { Outcome::NoData } else { Outcome::Error };
        let bytes = self.encode(None, &[], None, transport);
        Decided { zone: None, outcome, class: ResultClass::Error, bytes }
    }

    /// Refuses what no zone of ours is about.
    fn refuse(&mut self, transport: Transport) -> Decided {
        self.meta.response_code = ResponseCode::Refused;
        self.explain(Some(ExtendedError::NotAuthoritative));
        let bytes = self.encode(None, &[], None, transport);
        Decided { zone: None, outcome: Outcome::Refused, class: ResultClass::Error, bytes }
    }

    fn answer(&mut self, transport: Transport, now: ClockReading) -> Decided {
        let query = &self.request.queries.queries()[0];
        let mut qname = Vec::with_capacity(64);
        for label in query.name().iter() {
            qname.push(label.len() as u8);
            qname.extend(label.iter().map(u8::to_ascii_lowercase));
        }
        qname.push(0);
        let snapshot = self.service.index.load();
        let question = Question { qname: &qname, qtype: query.query_type().into() };
        let lookup = look_up(&snapshot, question);
        let control = &self.service.access;
        let access = control.pay(control.decide(&lookup, self.client.addr, now), now);
        let Answer { zone, reply } = answer(&lookup, access.permission, now.wall);
        let (outcome, class) = (Outcome::of(&reply), ResultClass::of(&reply));
        access.count(outcome == Outcome::Listed);
        let zone_number = zone.map(IndexedZone::number);
        let (denied, subscriber) = (access.denied(), access.subscriber());
        if let Some(why) = denied {
            self.service.counters.deny(zone_number, why);
        }
        let client = self.client.addr;
        let sample = Sample { client, zone: zone_number, outcome, denied, subscriber };
        self.service.sampler.see(sample, &lookup, transport, now.wall);
        if matches!(access.permission, Permission::Ignored) {
            return Decided { zone: zone_number, outcome: Outcome::Dropped, class, bytes: None };
        }
        self.explain(ExtendedError::of(&lookup, access.permission, &reply));
        let owner = query.original().name();
        let (records, soa) = self.sections(zone, &reply, owner, lookup.key);
        let bytes = self.encode(zone, &records, soa.as_ref(), transport);
        Decided { zone: zone_number, outcome, class, bytes }
    }

    /// Says why, to a client with EDNS (RFC 8914 section 3).
    fn explain(&mut self, error: Option<ExtendedError>) {
        if let (Some(edns), Some(error)) = (&mut self.edns, error) {
            let data = error.octets().to_vec();
            edns.options_mut().insert(EdnsOption::Unknown(option::EXTENDED_ERROR, data));
        }
    }

    /// Sets rcode and AA, and makes the answer section and the SOA of the authority section.
    fn sections(
        &mut self,
        zone: Option<&IndexedZone>,
        reply: &Reply<'_>,
        owner: &WireName,
        key: Option<Key<'_>>,
    ) -> (Vec<Record>, Option<Record>) {
        self.meta.response_code = match reply {
            Reply::NxDomain { .. } => ResponseCode::NXDomain,
            Reply::Refused => ResponseCode::Refused,
            Reply::ServFail => ResponseCode::ServFail,
            _ => ResponseCode::NoError,
        };
        self.meta.authoritative = !matches!(reply, Reply::Refused | Reply::ServFail);
        let Some(zone) = zone else { return (Vec::new(), None) };
        let mut answers: Vec<Record> = match reply {
            Reply::ListedA { ttl, listed } => codes(zone, owner, *ttl, listed),
            Reply::ListedTxt { ttl, listed } => reasons(zone, owner, *ttl, listed),
            Reply::ForgedA { ttl, forged } => {
                vec![record(zone, owner, *ttl, Rdata::A(forged.addr()))]
            }
            Reply::ForgedTxt { ttl, forged } => {
                vec![record(zone, owner, *ttl, Rdata::Txt(&forged.to_string()))]
            }
            Reply::ZoneRrset { ttl, rrset } => {
                rrset.iter().map(|data| record(zone, owner, *ttl, data)).collect()
            }
            _ => Vec::new(),
        };
        cut(&mut answers);
        let soa = match reply {
            Reply::NoData { ttl } | Reply::NxDomain { ttl } => {
                let soa = Rdata::Soa(minimum(zone.settings(), *ttl));
                Some(record(zone, &apex_name(zone, owner, key), *ttl, soa))
            }
            _ => None,
        };
        (answers, soa)
    }

    /// `version.bind` and `id.server` (RFC 4892).
    fn chaos(&mut self, transport: Transport) -> Decided {
        let query = &self.request.queries.queries()[0];
        let text = match query.name().to_string().trim_end_matches('.') {
            "version.bind" | "version.server" => self.service.version.as_deref(),
            "id.server" | "hostname.bind" => self.service.identity.as_deref(),
            _ => None,
        };
        let asked = matches!(u16::from(query.query_type()), rtype::TXT | rtype::ANY);
        let Some(text) = text.filter(|_| asked) else { return self.refuse(transport) };
        self.meta.authoritative = true;
        let owner = query.original().name().clone();
        let mut record = Record::from_rdata(owner, 0, txt(text));
        record.dns_class = DNSClass::CH;
        let bytes = self.encode(None, &[record], None, transport);
        Decided { zone: None, outcome: Outcome::NoData, class: ResultClass::ZoneRecords, bytes }
    }

    /// The bytes; where they are too many for UDP, TC and nothing else, so that the client asks by TCP.
    fn encode(
        &self,
        zone: Option<&IndexedZone>,
        answers: &[Record],
        soa: Option<&Record>,
        transport: Transport,
    ) -> Option<Vec<u8>> {
        let limit = match transport {
            Transport::Tcp => u16::MAX,
            Transport::Udp => {
                let payload = self.request.edns.as_ref().map(Edns::max_payload);
                self.service.protection.longest_reply(&self.client, zone, payload)
            }
        };
        let mut meta = self.meta;
        match self.emit(meta, answers, soa) {
            Some(bytes) if bytes.len() <= usize::from(limit) => return Some(bytes),
            Some(_) if transport == Transport::Udp => meta.truncation = true,
            _ => {
                meta.response_code = ResponseCode::ServFail;
                meta.authoritative = false;
            }
        }
        self.emit(meta, &[], None)
    }

    /// A reply that has the client ask by TCP.
    fn truncated(&self) -> Option<Vec<u8>> {
        let mut meta = self.meta;
        meta.truncation = true;
        meta.response_code = ResponseCode::NoError;
        self.emit(meta, &[], None)
    }

    fn emit(&self, meta: Metadata, answers: &[Record], soa: Option<&Record>) -> Option<Vec<u8>> {
        let response = MessageResponseBuilder::new(&self.request.queries, self.edns.as_ref())
            .build(meta, answers, &[], soa, &[]);
        let mut bytes = Vec::with_capacity(512);
        let question_end = self.copy_question(&mut bytes);
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_max_size(u16::MAX);
        point_to_question(&mut encoder, question_end);
        match response.destructive_emit(&mut encoder) {
            Ok(_) => Some(bytes),
            Err(err) => {
                tracing::error!(%err, "a reply could not be encoded");
                None
            }
        }
    }
}

impl ResponseBuilder<'_> {
    /// Puts the header's room and the one name asked for where the encoder will write the same; where the
    /// name's labels end.
    fn copy_question(&self, bytes: &mut Vec<u8>) -> usize {
        let packet = self.request.as_slice();
        let asks_once = self.request.queries.queries().len() == 1;
        let name = Some(&packet[HEADER..]).filter(|_| asks_once).and_then(plain_name_len);
        let end = HEADER + name.unwrap_or(0);
        bytes.extend(&packet[..end]);
        end
    }
}

/// Offers the labels of the question for compression; hickory would write the name again.
fn point_to_question(encoder: &mut BinEncoder<'_>, end: usize) {
    let mut at = HEADER;
    encoder.set_offset(end);
    while at < end {
        encoder.store_label_pointer(at, end);
        at += 1 + usize::from(encoder.slice_of(at, at + 1)[0]);
    }
    encoder.set_offset(0);
}

/// Drops the records for which no message has room.
fn cut(records: &mut Vec<Record>) {
    let mut taken = 0;
    let fit = records.iter().take_while(|record| {
        // hickory does not always find that an owner stands in the question already.
        taken += RECORD_HEAD + record.name.len() + data_len(record);
        taken <= MOST_RECORDS
    });
    let fit = fit.count();
    records.truncate(fit);
}

/// How many bytes the data of a record take at most.
fn data_len(record: &Record) -> usize {
    match &record.data {
        RData::TXT(texts) => texts.txt_data.iter().map(|text| 1 + text.len()).sum(),
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        RData::Unknown { rdata, .. } => rdata.anything.len(),
        // A name, or two and five numbers.
        _ => 2 * 255 + 20,
    }
}

fn codes(zone: &IndexedZone, owner: &WireName, ttl: u32, listed: &Listed<'_>) -> Vec<Record> {
    let codes = listed.return_codes(zone.settings());
    codes.into_iter().map(|code| record(zone, owner, ttl, Rdata::A(code.addr()))).collect()
}

fn reasons(zone: &IndexedZone, owner: &WireName, ttl: u32, listed: &Listed<'_>) -> Vec<Record> {
    let reasons = listed.reasons(zone.settings());
    reasons.iter().map(|text| record(zone, owner, ttl, Rdata::Txt(text))).collect()
}

fn record(zone: &IndexedZone, owner: &WireName, ttl: u32, data: Rdata<'_>) -> Record {
    let data = match data {
        Rdata::A(addr) => RData::A(A(addr)),
        Rdata::Aaaa(addr) => RData::AAAA(AAAA(addr)),
        Rdata::Ns(name) => RData::NS(NS(wire_name(name))),
        Rdata::Txt(text) => txt(text),
        Rdata::Soa(minimum) => soa(zone, minimum),
        Rdata::Wire(rtype, data) => {
            RData::Unknown { code: rtype.into(), rdata: NULL::with(data.to_vec()) }
        }
    };
    Record::from_rdata(owner.clone(), ttl, data)
}

fn txt(text: &str) -> RData {
    RData::TXT(TXT::from_bytes(Reason::strings(text).map(str::as_bytes).collect()))
}

fn soa(zone: &IndexedZone, minimum: u32) -> RData {
    let settings = zone.settings();
    let times = settings.soa;
    RData::SOA(SOA::new(
        wire_name(&settings.mname),
        wire_name(&settings.rname),
        zone.serial().0,
        times.refresh as i32,
        times.retry as i32,
        times.expire as i32,
        minimum,
    ))
}

/// The name of the zone's apex, which is the name of the key where there is one.
fn apex_name(zone: &IndexedZone, asked: &WireName, key: Option<Key<'_>>) -> WireName {
    let origin = &zone.settings().origin;
    match key {
        Some(_) => asked.trim_to(origin.labels().count_labels() + 1),
        None => wire_name(origin),
    }
}

fn wire_name(name: &Name) -> WireName {
    let mut wire = WireName::from_labels(name.labels()).unwrap_or_else(|_| WireName::root());
    wire.set_fqdn(true);
    wire
}
