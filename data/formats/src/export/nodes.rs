//! The subjects of an export in their order, with those that no listing brings.

use std::{cmp::Ordering, iter::Peekable, vec};

use dnsbl_types::{DomainSubject, Name, Reason, Subject, TestEntry, Zone, ZoneKind};

use super::answer::Answer;

/// A subject that stands in the file whatever is listed.
#[derive(Clone, Debug)]
pub(super) enum Fixed {
    /// With this answer, whatever listings say.
    Always(Answer),
    /// With the answer of what covers it.
    Present,
}

/// A subject and what is known of it.
pub(super) enum Node {
    Answer(Subject, Answer),
    /// Nothing is said of it, but it has to stand in the file where it is covered.
    Present(Subject),
}

/// Brings fixed subjects into the order of those that are listed.
pub(super) struct Nodes {
    fixed: Peekable<vec::IntoIter<(Subject, Fixed)>>,
}

impl Nodes {
    pub(super) fn new(mut fixed: Vec<(Subject, Fixed)>) -> Self {
        // The first of a subject counts.
        fixed.sort_by(|(a, _), (b, _)| order(a, b));
        fixed.dedup_by(|(b, _), (a, _)| a == b);
        Self { fixed: fixed.into_iter().peekable() }
    }

    /// Hands over a subject that is listed, after the fixed ones before it.
    pub(super) fn add(&mut self, subject: Subject, answer: Answer, mut put: impl FnMut(Node)) {
        while let Some((before, fixed)) =
            self.fixed.next_if(|(fixed, _)| order(fixed, &subject) == Ordering::Less)
        {
            put(node(before, fixed));
        }
        let here = self.fixed.next_if(|(fixed, _)| *fixed == subject);
        put(match here {
            Some((_, Fixed::Always(answer))) => Node::Answer(subject, answer),
            _ => Node::Answer(subject, answer),
        });
    }

    /// Hands over the rest.
    pub(super) fn end(&mut self, mut put: impl FnMut(Node)) {
        self.fixed.by_ref().for_each(|(subject, fixed)| put(node(subject, fixed)));
    }
}

fn node(subject: Subject, fixed: Fixed) -> Node {
    match fixed {
        Fixed::Always(answer) => Node::Answer(subject, answer),
        Fixed::Present => Node::Present(subject),
    }
}

/// The order in which listings are read: each subject before what it covers.
pub(super) fn order(a: &Subject, b: &Subject) -> Ordering {
    let rank = |subject: &Subject| match subject {
        Subject::V4(_) => 0,
        Subject::V6(_) => 1,
        Subject::Domain(_) => 2,
    };
    match (a, b) {
        (Subject::V4(a), Subject::V4(b)) => {
            (a.network(), a.prefix_len()).cmp(&(b.network(), b.prefix_len()))
        }
        (Subject::V6(a), Subject::V6(b)) => {
            (a.network(), a.prefix_len()).cmp(&(b.network(), b.prefix_len()))
        }
        (Subject::Domain(a), Subject::Domain(b)) => from_the_right(a).cmp(&from_the_right(b)),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn from_the_right(domain: &DomainSubject) -> Vec<&[u8]> {
    let mut labels: Vec<&[u8]> = domain.name().labels().collect();
    labels.reverse();
    labels.extend(domain.is_wildcard().then_some(b"*".as_slice()));
    labels
}

/// The test entries of a zone, without those of IPv6, which are IPv4 to us.
pub(super) fn test_entries(zone: &Zone) -> Vec<(Subject, Fixed)> {
    let fixed = |subject: Subject, test: TestEntry| {
        let answer = match test {
            TestEntry::Listed(code) => Answer::listed(code, of_test(zone, &subject)),
            TestEntry::Never => Answer::Excluded,
        };
        (subject, Fixed::Always(answer))
    };
    let subjects: Vec<Subject> = match zone.kind {
        ZoneKind::Ip | ZoneKind::Allow(_) => {
            (1..=255).map(|last| std::net::Ipv4Addr::new(127, 0, 0, last).into()).collect()
        }
        ZoneKind::Domain => {
            ["test", "invalid"].iter().filter_map(|name| name.parse().ok()).collect()
        }
    };
    let found = subjects.into_iter().filter_map(|subject| {
        let test = TestEntry::named_by(zone, &subject)?;
        Some(fixed(subject, test))
    });
    found.collect()
}

/// The text of a test entry; its subject stands in it, since what asks for it may have several forms.
fn of_test(zone: &Zone, subject: &Subject) -> Reason {
    let text = zone.reason.render(subject).replace('$', "$$");
    text.parse().unwrap_or_else(|_| zone.reason.clone())
}

/// The names at which a domain zone has records of its own, and those above them.
pub(super) fn own_names(zone: &Zone) -> Vec<(Subject, Fixed)> {
    let mut names = Vec::new();
    let added = zone.records.iter().map(|(name, _)| name);
    for name in zone.glue.keys().chain(added) {
        let Some(mut labels) = name.strip_suffix(&zone.origin) else { continue };
        while !labels.is_empty() {
            let exact =
                Name::from_labels(labels).ok().and_then(|name| DomainSubject::exact(name).ok());
            names.extend(exact.map(|exact| (Subject::Domain(exact), Fixed::Always(Answer::Own))));
            labels.next();
        }
    }
    names
}
