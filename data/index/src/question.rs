//! Subjects as questions: what DNS makes of one, and whose entries decide.

use std::net::IpAddr;

use dnsbl_types::{Labels, Subject, UnixTime, query_name};

use crate::{IndexedZone, Verdict};

/// What a single subject is asked for by.
enum Question<'a> {
    Address(IpAddr),
    Domain(Labels<'a>),
}

impl IndexedZone {
    /// What DNS answers to the question for an address or a domain; `None` for a prefix or wildcard, which is
    /// no question.
    pub fn judge_subject<'a>(&'a self, subject: &'a Subject, now: UnixTime) -> Option<Verdict<'a>> {
        Some(match question(subject)? {
            Question::Address(addr) => self.judge_address(addr, now),
            Question::Domain(labels) => self.judge_domain(labels, now),
        })
    }

    /// The same of the zone's own entries.
    pub fn judge_own_subject<'a>(
        &'a self,
        subject: &'a Subject,
        now: UnixTime,
    ) -> Option<Verdict<'a>> {
        Some(match question(subject)? {
            Question::Address(addr) => self.judge_own_address(addr, now),
            Question::Domain(labels) => self.judge_own_domain(labels, now),
        })
    }

    /// The subjects whose entries of the zone's own decide about a subject, as far as there are any: one, or two
    /// for a 6to4 address.
    pub fn deciding(&self, subject: &Subject, now: UnixTime) -> Vec<Subject> {
        let faces = faces(subject);
        faces.iter().filter_map(|face| self.covering(face, now).into_iter().next()).collect()
    }

    /// The subject of an allow entry that covers a subject, or the IPv4 address inside it, so that nothing lists it.
    pub fn allowed_by(&self, subject: &Subject, now: UnixTime) -> Option<Subject> {
        faces(subject).iter().find_map(|face| self.allowing().by(face, now))
    }
}

fn question(subject: &Subject) -> Option<Question<'_>> {
    match subject {
        Subject::V4(net) if net.prefix_len() == 32 => Some(Question::Address(net.addr().into())),
        Subject::V6(net) if net.prefix_len() == 128 => Some(Question::Address(net.addr().into())),
        Subject::Domain(domain) if !domain.is_wildcard() => {
            Some(Question::Domain(domain.name().labels()))
        }
        _ => None,
    }
}

/// A subject, and the IPv4 address inside it if it is a 6to4 one.
pub fn faces(subject: &Subject) -> Vec<Subject> {
    let inside = match subject {
        Subject::V6(net) if net.prefix_len() == 128 => query_name::six_to_four(net.addr()),
        _ => None,
    };
    std::iter::once(subject.clone()).chain(inside.map(Subject::from)).collect()
}
