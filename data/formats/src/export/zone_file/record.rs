//! The records of a zone file.

use std::{fmt, net::IpAddr};

use dnsbl_types::{Name, Reason, Rrset, Serial, Zone};

use super::super::{
    answer::Content,
    notes::{Note, Notes, Refusal},
    out::Out,
};

/// The records of names that are listed, and how many names there are.
pub(super) struct Records {
    names: u64,
    max_names: u64,
}

/// The type of a record that makes a name exist, so that no wildcard answers for it; for private use (RFC 6895
/// section 3.1).
const BLOCKING: &str = "TYPE65280 \\# 0";

impl Records {
    pub(super) fn new(max_names: u64) -> Self {
        Self { names: 0, max_names }
    }

    /// A name that is listed; `subject` is what its text is about.
    pub(super) fn listed(
        &mut self,
        owner: &impl fmt::Display,
        subject: &impl fmt::Display,
        is_wildcard: bool,
        content: &Content,
        out: &mut Out,
        notes: &mut Notes,
    ) {
        self.count(owner, notes);
        out.write(format_args!("{owner}"));
        put_content(content, subject, out);
        let shows_subject = |text: &Reason| text.template().contains('$');
        if is_wildcard && content.texts.iter().any(shows_subject) {
            notes.note(Note::WildcardText);
        }
    }

    /// A name that is not listed, though a wildcard would.
    pub(super) fn blocked(&mut self, owner: &impl fmt::Display, out: &mut Out, notes: &mut Notes) {
        self.count(owner, notes);
        out.write(format_args!("{owner} {BLOCKING}\n"));
    }

    fn count(&mut self, owner: &impl fmt::Display, notes: &mut Notes) {
        self.names += 1;
        if self.names > self.max_names {
            notes.refusals.add(owner, Refusal::TooManyNames(self.max_names));
        }
    }
}

/// The records of an owner that was written.
pub(super) fn put_content(content: &Content, subject: &impl fmt::Display, out: &mut Out) {
    for code in &content.codes {
        out.write(format_args!("\tA {code}\n"));
    }
    for text in &content.texts {
        out.write(format_args!("\tTXT"));
        put_text(&text.render(subject), out);
    }
}

/// The SOA, the name servers, and what else stands at the apex and the names of servers.
pub(super) fn head(zone: &Zone, serial: Serial, out: &mut Out) {
    let (origin, soa) = (&zone.origin, &zone.soa);
    out.write(format_args!(
        "; {origin}, serial {}, for a name server\n$ORIGIN {}\n$TTL {}\n",
        serial.0,
        origin.to_absolute(),
        zone.ttl
    ));
    out.write(format_args!(
        "@ {ttl} IN SOA {} {} {} {} {} {} {ttl}\n",
        zone.mname.to_absolute(),
        zone.rname.to_absolute(),
        serial.0,
        soa.refresh,
        soa.retry,
        soa.expire,
        ttl = zone.negative_ttl,
    ));
    for name in &zone.ns {
        out.write(format_args!("@ NS {}\n", name.to_absolute()));
    }
    zone.apex.a.iter().for_each(|addr| out.write(format_args!("@ A {addr}\n")));
    zone.apex.aaaa.iter().for_each(|addr| out.write(format_args!("@ AAAA {addr}\n")));
    for text in &zone.apex.txt {
        out.write(format_args!("@ TXT"));
        put_text(text, out);
    }
    for (name, addresses) in &zone.glue {
        addresses.iter().for_each(|addr| put_glue(name, *addr, out));
    }
    for (name, rrsets) in zone.records.iter() {
        rrsets.iter().for_each(|rrset| put_rrset(name, rrset, out));
    }
}

/// Records as all types have them (RFC 3597 section 5).
fn put_rrset(name: &Name, rrset: &Rrset, out: &mut Out) {
    let rtype = rrset.rtype().number();
    for data in rrset.data() {
        out.write(format_args!("{} TYPE{rtype} \\# {} ", name.to_absolute(), data.len()));
        data.iter().for_each(|byte| out.write(format_args!("{byte:02x}")));
        out.text.push('\n');
    }
}

fn put_glue(name: &Name, addr: IpAddr, out: &mut Out) {
    let rtype = if addr.is_ipv4() { "A" } else { "AAAA" };
    out.write(format_args!("{} {rtype} {addr}\n", name.to_absolute()));
}

/// The character-strings of a text, quoted (RFC 1035 section 5.1).
fn put_text(text: &str, out: &mut Out) {
    for part in Reason::strings(text) {
        out.text.push_str(" \"");
        for c in part.bytes() {
            match c {
                b'"' | b'\\' => out.write(format_args!("\\{}", char::from(c))),
                b' '..=b'~' => out.text.push(c.into()),
                _ => out.write(format_args!("\\{c:03}")),
            }
        }
        out.text.push('"');
    }
    out.text.push('\n');
}
