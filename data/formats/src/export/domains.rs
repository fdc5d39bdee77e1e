//! Domains for servers that have wildcards as RFC 4592 says: one answers for a name below it unless a name in between,
//! or above the one that is asked for, exists.
//!
//! With us the longest wildcard answers for all names below it. So where something exists below a wildcard, each name
//! from there up to the wildcard gets the wildcard's answer, for itself and for all names below it.

use std::fmt;

use dnsbl_types::{DomainSubject, Name};

use super::answer::Answer;

/// Domains on their way to a file.
pub(super) struct Domains {
    /// The most octets of a name, so that it can be asked for in the zone.
    max_len: usize,
    /// The name whose entries come.
    pending: Option<Pending>,
    /// The names that exist from the top to the last one, by their labels from the right.
    path: Vec<Level>,
}

struct Pending {
    name: Name,
    exact: Option<Answer>,
    below: Option<Answer>,
}

struct Level {
    label: Box<[u8]>,
    /// What answers for the names below, unless they say something else.
    below: Option<Answer>,
}

/// A name with its answer; displays as it stands in the file, relative to the zone.
pub(super) struct Owner<'a> {
    pub(super) name: &'a Name,
    /// Whether it is about the names below.
    pub(super) is_wildcard: bool,
    pub(super) answer: &'a Answer,
    /// Whether a wildcard above lists it.
    pub(super) is_covered: bool,
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_wildcard { "*." } else { "" };
        write!(f, "{star}{}", self.name)
    }
}

impl Domains {
    pub(super) fn new(origin: &Name) -> Self {
        let max_len = Name::MAX_LEN + 1 - origin.wire().len();
        Self { max_len, pending: None, path: Vec::new() }
    }

    /// Takes an entry; hands over the name before it.
    pub(super) fn put(
        &mut self,
        domain: &DomainSubject,
        answer: Answer,
        put: impl FnMut(Owner<'_>),
    ) {
        if self.pending.as_ref().is_none_or(|pending| pending.name != *domain.name()) {
            self.end(put);
            let name = domain.name().clone();
            self.pending = Some(Pending { name, exact: None, below: None });
        }
        if let Some(pending) = &mut self.pending {
            let place = if domain.is_wildcard() { &mut pending.below } else { &mut pending.exact };
            *place = Some(answer);
        }
    }

    /// Hands over the last name.
    pub(super) fn end(&mut self, mut put: impl FnMut(Owner<'_>)) {
        let Some(Pending { name, exact, below }) = self.pending.take() else { return };
        let mut labels: Vec<&[u8]> = name.labels().collect();
        labels.reverse();
        let same =
            self.path.iter().zip(&labels).take_while(|(level, label)| *level.label == ***label);
        let same = same.count();
        self.path.truncate(same);
        let covering = self.path.last().and_then(|level| level.below.clone());
        let is_covered = covering.as_ref().is_some_and(Answer::is_listed);
        let max_len = self.max_len;
        let mut both = |name: &Name, exact: Option<&Answer>, below: Option<&Answer>| {
            for (answer, is_wildcard) in [(exact, false), (below, true)] {
                let len = name.wire().len() + if is_wildcard { 2 } else { 0 };
                if let Some(answer) = answer.filter(|_| len <= max_len) {
                    put(Owner { name, is_wildcard, answer, is_covered });
                }
            }
        };
        for count in same + 1..labels.len() {
            if let Some(covering) = covering.as_ref().filter(|answer| answer.is_listed()) {
                let above = Name::from_labels(labels[..count].iter().rev().copied());
                let above = above.expect("a part of a name is a name");
                both(&above, Some(covering), Some(covering));
            }
            self.path.push(Level { label: labels[count - 1].into(), below: covering.clone() });
        }
        let listed = covering.as_ref().filter(|answer| answer.is_listed());
        both(&name, exact.as_ref().or(listed), below.as_ref().or(listed));
        if let Some(label) = labels.last() {
            self.path.push(Level { label: (*label).into(), below: below.or(covering) });
        }
    }
}
