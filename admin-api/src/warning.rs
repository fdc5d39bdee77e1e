//! What was done, and may not be what was meant.

use admin_api_types::Warning;
use dnsbl_types::{ListingBody, Reason, ReasonDoubt, Subject, Zone, ZoneKind};

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
        for doubt in doubts(subject, reason) {
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
        let warning = |(_, line, count, text): &(Kind, u64, u64, String)| {
            let more = match count - 1 {
                0 => String::new(),
                more => format!(" (and {more} more rows)"),
            };
            Warning { line: Some(*line), text: format!("{text}{more}") }
        };
        self.0.iter().map(warning).collect()
    }
}

fn about_all(text: String) -> Warning {
    Warning { line: None, text }
}

/// Rows that were rejected because the body seems to be something else.
pub(crate) fn seems(seems: &Seems, count: u64) -> Warning {
    about_all(format!("{count} rejected rows look like {seems}"))
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
    let longest = match zone.kind {
        ZoneKind::Ip | ZoneKind::Allow(_) => LONGEST_ADDRESS,
        ZoneKind::Domain => USUAL_DOMAIN,
    };
    let doubts = zone.reason.doubts(&longest);
    doubts.iter().map(ToString::to_string).collect()
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
