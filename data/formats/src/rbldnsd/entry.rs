//! Entries: what single lines list or exclude.

use std::net::Ipv4Addr;

use dnsbl_types::{DomainSubject, Name, Subject};
use ipnet::{Ipv4Subnets, Ipv6Net};

use super::{classes, name::Scope, v4::Range, value::ValueId};

/// An entry of a line: what it is about, and its value or that it is an exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) span: Span,
    pub(super) value: ValueId,
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    V4(Range),
    V6(Ipv6Net),
    Name(Name, Scope),
}

/// The subjects of an entry: the prefixes of a range, a domain and all below it.
#[derive(Debug)]
pub struct Subjects(Left);

#[derive(Debug)]
enum Left {
    Range(Ipv4Subnets),
    Few([Option<Subject>; 2]),
}

impl Entry {
    /// Whether it is a hole in what is listed.
    pub fn is_exclusion(&self) -> bool {
        self.value == ValueId::EXCLUDED
    }

    /// What it is about.
    pub fn subjects(&self) -> Subjects {
        Subjects(match &self.span {
            Span::V4(range) if range.first == range.last => {
                Left::Few([Some(Ipv4Addr::from(range.first).into()), None])
            }
            Span::V4(range) => Left::Range(classes::subnets(range.first, range.last)),
            Span::V6(net) => Left::Few([Some(Subject::from_net((*net).into())), None]),
            Span::Name(name, scope) => {
                let exact = (*scope != Scope::Below).then(|| DomainSubject::exact(name.clone()));
                let below = (*scope != Scope::Exact).then(|| DomainSubject::below(name.clone()));
                Left::Few([exact, below].map(|domain| domain?.ok().map(Subject::Domain)))
            }
        })
    }
}

impl Iterator for Subjects {
    type Item = Subject;

    fn next(&mut self) -> Option<Subject> {
        match &mut self.0 {
            Left::Range(nets) => nets.next().map(Subject::V4),
            Left::Few([first, second]) => first.take().or_else(|| second.take()),
        }
    }
}
