//! All of a zone in one combined data set: its own records, and several data sets whose answers rbldnsd joins.
//!
//! A trie has one value for a prefix. What IPv6 prefixes have more of stands in further tries: the second has the second value of
//! each, and so on; a prefix that has no value left is excluded there, so that no wider one answers for it.

use std::net::IpAddr;

use dnsbl_types::{RecordType, Serial, Subject, Zone};
use ipnet::Ipv6Net;

use super::{
    super::{
        answer::Answer,
        nodes::{Fixed, Node},
        notes::{Note, Notes},
        out::Out,
    },
    DataSet, MAPPED, is_six_to_four, put_settings,
    text::{Key, of_rbldnsd},
};
use crate::rbldnsd::ListType;

/// A combined data set in the making.
pub(in super::super) struct Combined {
    /// The first part: IPv4, or domains.
    first: DataSet,
    /// The trie at hand, from 1 on; 0 before the first.
    trie: usize,
    /// How many there have to be.
    tries: usize,
}

impl Combined {
    pub(in super::super) fn new(zone: &Zone) -> Self {
        let list = if zone.kind.has_addresses() { ListType::Ip4Set } else { ListType::DnSet };
        Self { first: DataSet::of_kind(list), trie: 0, tries: 0 }
    }

    pub(in super::super) fn fixed(&self, zone: &Zone) -> Vec<(Subject, Fixed)> {
        self.first.fixed(zone)
    }

    pub(in super::super) fn head(
        &self,
        zone: &Zone,
        serial: Serial,
        out: &mut Out,
        notes: &mut Notes,
    ) {
        put_settings(zone, serial, "combined", out);
        put_records(zone, out, notes);
        out.write(format_args!("$DATASET {} @\n", self.first.list.as_str()));
    }

    pub(in super::super) fn put(&mut self, node: Node, out: &mut Out, notes: &mut Notes) {
        match node {
            Node::Answer(Subject::V6(net), answer) => {
                if self.trie == 0 {
                    self.first.end(out, notes);
                    self.begin_trie(out);
                }
                self.put_v6(net, &answer, out, notes);
            }
            node => self.first.put(node, out, notes),
        }
    }

    /// Begins a further trie, if IPv6 prefixes have values that are still to be written.
    pub(in super::super) fn begin_next(&mut self, out: &mut Out) -> bool {
        let is_needed = self.trie < self.tries;
        if is_needed {
            self.begin_trie(out);
        }
        is_needed
    }

    pub(in super::super) fn end(&mut self, out: &mut Out, notes: &mut Notes) {
        if self.trie == 0 {
            self.first.end(out, notes);
        }
    }

    fn begin_trie(&mut self, out: &mut Out) {
        self.trie += 1;
        out.write(format_args!("$DATASET ip6trie:{} @\n", self.trie));
    }

    fn put_v6(&mut self, net: Ipv6Net, answer: &Answer, out: &mut Out, notes: &mut Notes) {
        let Answer::Listed(content) = answer else {
            return out.write(format_args!("!{net}\n"));
        };
        self.tries = self.tries.max(content.codes.len()).max(content.texts.len());
        if is_six_to_four(&net) && self.trie == 1 {
            notes.note(Note::SixToFour);
        }
        // To us they are other addresses.
        if net.contains(&MAPPED) {
            out.text.push_str("!::ffff:0:0/96\n");
        }
        match content.values().nth(self.trie - 1) {
            Some((code, text)) => {
                let text = of_rbldnsd(text, Key::v6(net), notes);
                out.write(format_args!("{net} :{code}:{text}\n"));
            }
            None => out.write(format_args!("!{net}\n")),
        }
    }
}

/// The records at the apex and at the names of servers, as far as rbldnsd has such.
fn put_records(zone: &Zone, out: &mut Out, notes: &mut Notes) {
    let mut lines: Vec<String> = zone.apex.a.iter().map(|addr| format!("@ A {addr}")).collect();
    for text in &zone.apex.txt {
        match text.len() {
            ..=255 => lines.push(format!("@ TXT \"{text}\"")),
            _ => notes.note(Note::Record),
        }
    }
    zone.apex.aaaa.iter().for_each(|_| notes.note(Note::Record));
    for (name, addresses) in &zone.glue {
        let Some(relative) = name.strip_suffix(&zone.origin) else { continue };
        for addr in addresses {
            match addr {
                IpAddr::V4(addr) => lines.push(format!("{relative} A {addr}")),
                IpAddr::V6(_) => notes.note(Note::Record),
            }
        }
    }
    for (name, rrsets) in zone.records.iter() {
        let relative = name.strip_suffix(&zone.origin).filter(|labels| !labels.is_empty());
        let owner = relative.map_or_else(|| "@".into(), |labels| labels.to_string());
        for rrset in rrsets {
            for text in rrset.texts() {
                match rrset.rtype() {
                    rtype @ (RecordType::A | RecordType::MX) => {
                        lines.push(format!("{owner} {rtype} {text}"));
                    }
                    RecordType::TXT if text.len() <= 255 => {
                        lines.push(format!("{owner} TXT \"{text}\""));
                    }
                    _ => notes.note(Note::Record),
                }
            }
        }
    }
    if !lines.is_empty() {
        out.write(format_args!("$DATASET generic @\n{}\n", lines.join("\n")));
    }
}
