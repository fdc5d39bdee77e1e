//! What was done, and may not be what was meant.

use admin_api_types::Warning;
use dnsbl_formats::rbldnsd::{Settings, Soa, Trapped};
use dnsbl_types::{ListingBody, Name, Reason, ReasonDoubt, Subject, Zone, ZoneKind};

use crate::import::seems::Seems;

/// A number behind an address.
pub(crate) const BITS: &str = "a number from 16 to 31 behind an address was taken for a comment: if it is a number of bits, write the prefix";

/// Warnings about rows, each kind once.
#[derive(Default)]
pub(crate) struct Warnings(Vec<(Kind, u64, u64, String)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bits,
    Long { loses_url: bool },
    Foreign,
}

impl Warnings {
    /// One about a row.
    pub(crate) fn add(&mut self, line: u64, text: &str) {
        self.count(Kind::Bits, line, || text.into());
    }

    /// Those about the reason of a row.
    pub(crate) fn reason(&mut self, line: u64, subject: &Subject, reason: &Reason) {
        self.doubts(line, doubts(subject, reason));
    }

    /// Those about a reason that several rows of a zone may have.
    pub(crate) fn reason_of_many(&mut self, line: u64, kind: ZoneKind, reason: &Reason) {
        self.doubts(line, reason.doubts(&longest(kind)));
    }

    fn doubts(&mut self, line: u64, doubts: Vec<ReasonDoubt>) {
        for doubt in doubts {
            let kind = match doubt {
                ReasonDoubt::Long { loses_url, .. } => Kind::Long { loses_url },
                ReasonDoubt::Foreign(_) => Kind::Foreign,
            };
            self.count(kind, line, || doubt.to_string());
        }
    }

    fn count(&mut self, kind: Kind, line: u64, text: impl FnOnce() -> String) {
        match self.0.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, count, _)) => *count += 1,
            None => self.0.push((kind, line, 1, text())),
        }
    }

    /// All of them, with the first row of each.
    pub(crate) fn list(&self) -> Vec<Warning> {
        self.0.iter().map(|(_, line, count, text)| of_rows(*line, *count, text)).collect()
    }
}

/// One about so many rows, and the line of the first.
fn of_rows(line: u64, count: u64, text: &str) -> Warning {
    let more = match count - 1 {
        0 => String::new(),
        more => format!(" (and {more} more rows)"),
    };
    Warning { line: Some(line), text: format!("{text}{more}") }
}

/// What rbldnsd reads otherwise than it looks.
pub(crate) fn trapped(trapped: &Trapped) -> Warning {
    of_rows(trapped.line, trapped.count, &trapped.trap.to_string())
}

/// Entries of a data set that an earlier one leaves without effect.
pub(crate) fn without_effect(count: u64) -> Option<Warning> {
    let text = "say something else of a prefix than an earlier one does: the first counts";
    (count > 0).then(|| about_all(format!("{count} entries {text}")))
}

/// Subjects with several texts.
pub(crate) fn joined(count: u64) -> Option<Warning> {
    let text = "have several texts, for each of which rbldnsd sends a TXT record; here they are one, joined by semicolons";
    (count > 0).then(|| about_all(format!("{count} subjects {text}")))
}

/// Parts of a combined file that are for other names.
pub(crate) fn other_parts(parts: &str) -> Warning {
    about_all(format!(
        "the file has parts for other names, which belong into zones of their own: {parts}; import them there with dataset=combined:NAME"
    ))
}

/// A part of a combined file that is for this name and not taken.
pub(crate) fn part_left_out(line: u64, why: &str) -> Warning {
    Warning { line: Some(line), text: format!("the part that begins here is left out: {why}") }
}

/// A value without a text.
pub(crate) fn without_text(line: u64) -> Warning {
    let text = "entries without a text have the zone's reason; rbldnsd has no TXT record for them";
    Warning { line: Some(line), text: text.into() }
}

/// What directives say of a zone that is otherwise. An import changes listings only.
pub(crate) fn settings(settings: &Settings, zone: &Zone) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut differs = |line: u64, directive: &str, field: &str, given: String, is: String| {
        let text = format!(
            "{directive} is a setting of the zone, which an import leaves as it is: {field} would be {given}, and is {is}"
        );
        warnings.push(Warning { line: Some(line), text });
    };
    if let Some(soa) = &settings.soa {
        let (given, is) = (shown_soa(&soa.value), shown_soa(&soa_of(zone, &soa.value)));
        if given != is {
            differs(soa.line, "$SOA", "mname, rname and soa", given, is);
        }
    }
    if let Some(ns) = &settings.ns {
        let (given, is) = (names(&ns.value.names), names(&zone.ns));
        if given != is {
            differs(ns.line, "$NS", "ns", given, is);
        }
    }
    if let Some(ttl) = settings.ttl.as_ref().filter(|ttl| ttl.value != zone.ttl && ttl.value > 0) {
        differs(ttl.line, "$TTL", "ttl", ttl.value.to_string(), zone.ttl.to_string());
    }
    if let Some(expires) = &settings.expires {
        let text = "the rows expire at the time that $TIMESTAMP says; rbldnsd would then not answer for the zone at all";
        warnings.push(Warning { line: Some(expires.line), text: text.into() });
    }
    warnings
}

/// The zone's own, as a directive would have it.
fn soa_of(zone: &Zone, given: &Soa) -> Soa {
    Soa {
        mname: zone.mname.clone(),
        rname: zone.rname.clone(),
        refresh: zone.soa.refresh,
        retry: zone.soa.retry,
        expire: zone.soa.expire,
        minimum: zone.negative_ttl,
        // The serial is the server's, and its TTL is the negative TTL.
        ..given.clone()
    }
}

fn shown_soa(soa: &Soa) -> String {
    let Soa { mname, rname, refresh, retry, expire, minimum, .. } = soa;
    format!("{mname} {rname} {refresh} {retry} {expire}, negative_ttl {minimum}")
}

fn names(names: &[Name]) -> String {
    let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names.join(" ")
}

fn about_all(text: String) -> Warning {
    Warning { line: None, text }
}

/// Rows that were rejected because the body seems to be something else.
pub(crate) fn seems(seems: &Seems, count: u64) -> Warning {
    about_all(format!("{count} rejected rows look like {seems}"))
}

/// Rows whose subjects allow entries cover.
pub(crate) fn allowed(count: u64, subject: &Subject, by: &Subject) -> Warning {
    let text = format!(
        "{count} of the rows are not answered, since allow entries say that they are not listed, such as {subject} by {by}; `dnsblctl allow list` shows them"
    );
    about_all(text)
}

/// A body without rows.
pub(crate) fn empty() -> Warning {
    about_all("there is no row in it".into())
}

/// Domains that list nothing but themselves.
pub(crate) fn exact() -> Warning {
    let text = "example.com lists that name alone, not www.example.com: names below it are listed by a row *.example.com";
    about_all(text.into())
}

/// Rows that say something else of a subject than a later one does.
pub(crate) fn contradictions(count: u64, subject: Option<&Subject>) -> Option<Warning> {
    let subject = subject.filter(|_| count > 0)?;
    let rows = if count == 1 { "row says" } else { "rows say" };
    Some(about_all(format!(
        "{count} {rows} something else of a subject than a later row does, such as of {subject}: the last row counts"
    )))
}

/// What is to be said of a listing.
pub(crate) fn of_listing(subject: &Subject, body: &ListingBody) -> Vec<String> {
    let reason = body.reason.iter().flat_map(|reason| doubts(subject, reason));
    reason.map(|doubt| doubt.to_string()).collect()
}

/// What is to be said of a zone.
pub(crate) fn of_zone(zone: &Zone) -> Vec<String> {
    let doubts = zone.reason.doubts(&longest(zone.kind));
    doubts.iter().map(ToString::to_string).collect()
}

/// What `$` may stand for in a zone.
fn longest(kind: ZoneKind) -> &'static str {
    match kind {
        ZoneKind::Ip | ZoneKind::Allow(_) => LONGEST_ADDRESS,
        ZoneKind::Domain => USUAL_DOMAIN,
    }
}

const LONGEST_ADDRESS: &str = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff";
const USUAL_DOMAIN: &str = "a-domain-of-usual-length.example.com";

/// What mail servers would not show of a reason for what the subject covers.
fn doubts(subject: &Subject, reason: &Reason) -> Vec<ReasonDoubt> {
    match subject {
        Subject::V4(net) if net.prefix_len() < 32 => reason.doubts(&"255.255.255.255"),
        Subject::V6(net) if net.prefix_len() < 128 => reason.doubts(&LONGEST_ADDRESS),
        subject => reason.doubts(subject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_a_kind_are_counted_and_the_first_row_is_named() {
        let mut warnings = Warnings::default();
        let reason: Reason = "x".repeat(300).parse().unwrap();
        for line in 3..6 {
            warnings.add(line, BITS);
            warnings.reason(line, &"192.0.2.1".parse().unwrap(), &reason);
        }
        let list = warnings.list();
        assert_eq!(list.len(), 2);
        assert!(list[0].line == Some(3) && list[0].text.ends_with("(and 2 more rows)"));
        assert!(list[1].text.contains("takes 300 octets"), "{list:?}");
    }
}
