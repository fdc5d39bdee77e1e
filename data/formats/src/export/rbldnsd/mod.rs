//! Data sets of rbldnsd.
//!
//! Only the part of the format is written that every rbldnsd reads alike: each entry with its own `:A:TXT`, whole
//! addresses, no defaults and no variables.

mod combined;
mod text;

use std::net::Ipv4Addr;

use dnsbl_types::{DomainSubject, Serial, Subject, Zone};
use ipnet::{Ipv4Net, Ipv4Subnets, Ipv6Net};

pub(super) use self::combined::Combined;
use self::text::Key;
use super::{
    answer::{Answer, Content},
    cut::{Cutter, Run},
    error::ExportError,
    nodes::{self, Fixed, Node},
    notes::{Note, Notes, Refusal},
    out::Out,
};
use crate::rbldnsd::ListType;

/// A data set in the making.
pub(super) struct DataSet {
    list: ListType,
    /// Of ip4set, whose classes decide otherwise than prefixes do.
    cutter: Cutter,
    /// Entries of an ip6trie that stand for IPv4 addresses, as lines.
    mapped: String,
}

/// What IPv4 addresses are to IPv6: `::ffff:0:0/96`.
const MAPPED: Ipv6Net = Ipv6Net::new_assert(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96);

/// 6to4 addresses (RFC 3056).
const SIX_TO_FOUR: u16 = 0x2002;

impl DataSet {
    pub(super) fn new(list: ListType, zone: &Zone) -> Result<Self, ExportError> {
        if list == ListType::DnHash {
            return Err(ExportError::Fork);
        }
        if (list == ListType::DnSet) == zone.kind.has_addresses() {
            return Err(ExportError::Kind { list });
        }
        if matches!(list, ListType::Ip4TSet | ListType::Ip6TSet) {
            return Err(ExportError::Shared(list));
        }
        let mapped = if list == ListType::Ip6Trie { mapped_tests(zone) } else { String::new() };
        Ok(Self { mapped, ..Self::of_kind(list) })
    }

    /// One of a zone that has what it lists, without IPv6 forms of test entries.
    fn of_kind(list: ListType) -> Self {
        Self { list, cutter: Cutter::new(32, 8), mapped: String::new() }
    }

    /// The test entries, as far as they are of its family.
    pub(super) fn fixed(&self, zone: &Zone) -> Vec<(Subject, Fixed)> {
        let mut fixed =
            if self.list == ListType::Ip6Trie { Vec::new() } else { nodes::test_entries(zone) };
        if self.list == ListType::DnSet {
            fixed.extend(nodes::own_names(zone));
        }
        fixed
    }

    pub(super) fn head(&self, zone: &Zone, serial: Serial, out: &mut Out) {
        let origin = &zone.origin;
        put_settings(zone, serial, self.list.as_str(), out);
        match self.list {
            ListType::Ip4Set | ListType::Ip4Trie => out.write(format_args!(
                "# IPv6: another data set of the same zone, {origin}:ip6trie:FILE\n"
            )),
            ListType::Ip6Trie => out.write(format_args!(
                "# IPv4: another data set of the same zone, {origin}:ip4set:FILE\n"
            )),
            _ => {}
        }
        out.text.push_str(&self.mapped);
    }

    pub(super) fn put(&mut self, node: Node, out: &mut Out, notes: &mut Notes) {
        // What is only to be present is no entry.
        let Node::Answer(subject, answer) = node else { return };
        match (&subject, self.list) {
            (Subject::V4(net), ListType::Ip4Set) => {
                let first = net.network().to_bits().into();
                let mut put = |run: Run<'_>| put_run(&run, out, notes);
                self.cutter.close_before(first, &mut put);
                self.cutter.begin(first, net.prefix_len(), answer, &mut put);
            }
            (Subject::V4(net), _) => {
                let net = ShortNet(*net);
                put_one(&net, &answer, Key::v4(net.0), out, notes);
            }
            (Subject::V6(net), _) => {
                if is_six_to_four(net) {
                    notes.note(Note::SixToFour);
                }
                // To us they are other addresses.
                if net.contains(&MAPPED) && answer.is_listed() {
                    out.text.push_str("!::ffff:0:0/96\n");
                }
                put_one(net, &answer, Key::v6(*net), out, notes);
            }
            (Subject::Domain(domain), _) => put_domain(domain, &answer, out, notes),
        }
    }

    pub(super) fn end(&mut self, out: &mut Out, notes: &mut Notes) {
        self.cutter.end(|run| put_run(&run, out, notes));
    }
}

/// What all data sets begin with.
fn put_settings(zone: &Zone, serial: Serial, list: &str, out: &mut Out) {
    let (origin, soa) = (&zone.origin, &zone.soa);
    out.write(format_args!(
        "# {origin}, serial {}, for rbldnsd {origin}:{list}:FILE\n$SOA {} {} {} {} {} {} {} {}\n",
        serial.0,
        zone.negative_ttl,
        zone.mname.to_absolute(),
        zone.rname.to_absolute(),
        serial.0,
        soa.refresh,
        soa.retry,
        soa.expire,
        zone.negative_ttl,
    ));
    let names: Vec<String> = zone.ns.iter().map(|name| name.to_absolute()).collect();
    out.write(format_args!("$NS {} {}\n$TTL {}\n", zone.ttl, names.join(" "), zone.ttl));
}

/// Whether a prefix is about 6to4 addresses.
fn is_six_to_four(net: &Ipv6Net) -> bool {
    net.addr().segments()[0] == SIX_TO_FOUR && net.prefix_len() >= 16
}

/// The test entries as an ip6trie has them. Served beside an ip4set of the same zone they are not looked at.
fn mapped_tests(zone: &Zone) -> String {
    let mut out = Out::default();
    // Their texts name the address, and fit: none has a subject to fill in.
    let mut notes = Notes::default();
    for (subject, fixed) in nodes::test_entries(zone) {
        if let (Subject::V4(net), Fixed::Always(Answer::Listed(content))) = (subject, fixed) {
            let mapped = Ipv6Net::from(net.addr().to_ipv6_mapped());
            // Never dotted: `::ffff:7f00:2`.
            let [.., high, low] = mapped.addr().segments();
            let addr = format!("::ffff:{high:x}:{low:x}/128");
            put_values(&addr, &content, Key::v6(mapped), &mut out, &mut notes);
        }
    }
    out.text
}

/// An entry of a trie.
fn put_one(
    net: &impl std::fmt::Display,
    answer: &Answer,
    key: Key<'_>,
    out: &mut Out,
    notes: &mut Notes,
) {
    let Answer::Listed(content) = answer else {
        return out.write(format_args!("!{net}\n"));
    };
    if content.codes.len() > 1 {
        notes.refusals.add(net, Refusal::SeveralCodes);
    }
    if content.texts.len() > 1 {
        notes.note(Note::FurtherTexts);
    }
    if let (Some(code), Some(text)) = (content.codes.first(), content.texts.first()) {
        let text = text::of_rbldnsd(text, key, notes);
        out.write(format_args!("{net} :{code}:{text}\n"));
    }
}

/// Units of an ip4set, as prefixes.
fn put_run(run: &Run<'_>, out: &mut Out, notes: &mut Notes) {
    let (first, last) = (Ipv4Addr::from(run.first as u32), Ipv4Addr::from(run.last as u32));
    for net in Ipv4Subnets::new(first, last, 0) {
        // It does not read 0/0.
        let halves = if net.prefix_len() == 0 { net.subnets(1).ok() } else { None };
        match halves {
            Some(halves) => halves.for_each(|half| put_net(half, run, out, notes)),
            None => put_net(net, run, out, notes),
        }
    }
}

fn put_net(net: Ipv4Net, run: &Run<'_>, out: &mut Out, notes: &mut Notes) {
    match run.answer {
        Answer::Listed(content) => put_values(&ShortNet(net), content, Key::v4(net), out, notes),
        Answer::Excluded | Answer::Own if run.is_covered => {
            out.write(format_args!("!{}\n", ShortNet(net)));
        }
        Answer::Excluded | Answer::Own => {}
    }
}

/// An entry with all its codes and texts, of which each needs a line.
fn put_values(
    subject: &impl std::fmt::Display,
    content: &Content,
    key: Key<'_>,
    out: &mut Out,
    notes: &mut Notes,
) {
    for (code, text) in content.values() {
        let text = text::of_rbldnsd(text, key, notes);
        out.write(format_args!("{subject} :{code}:{text}\n"));
    }
}

fn put_domain(domain: &DomainSubject, answer: &Answer, out: &mut Out, notes: &mut Notes) {
    match answer {
        Answer::Listed(content) => put_values(domain, content, Key::Name(domain), out, notes),
        Answer::Excluded | Answer::Own => out.write(format_args!("!{domain}\n")),
    }
}

/// A prefix; without its length where it is an address.
struct ShortNet(Ipv4Net);

impl std::fmt::Display for ShortNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.prefix_len() == 32 { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}
