//! What the entries say about one address or domain.

use std::fmt;

use dnsbl_types::{Entry, ReturnCode, Subject, TestEntry, UnixTime, Zone};

use crate::zone::{Entries, live};

/// Whether something is listed, and how long that holds at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Nothing is said about it.
    Unlisted,
    /// It is kept out, whatever covers it.
    Excluded {
        /// When what keeps it out may change without a write.
        until: Option<UnixTime>,
    },
    /// It is listed.
    Listed(Listed<'a>),
}

/// Why something is listed: a test entry, or the live entries of one subject (of two for 6to4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    hits: Vec<Hit<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hit<'a> {
    /// What was asked for, as `$` shows it.
    asked: String,
    /// The subject whose entries decide; `None` for a test entry.
    by: Option<Subject>,
    test_code: Option<ReturnCode>,
    entries: Vec<&'a Entry>,
}

impl<'a> Verdict<'a> {
    pub(crate) fn of_test(test: TestEntry, asked: &impl fmt::Display) -> Self {
        match test {
            TestEntry::Never => Verdict::Excluded { until: None },
            TestEntry::Listed(code) => {
                let hit = Hit {
                    asked: asked.to_string(),
                    by: None,
                    test_code: Some(code),
                    entries: vec![],
                };
                Verdict::Listed(Listed { hits: vec![hit] })
            }
        }
    }

    /// Joins the verdict on a 6to4 address with that on the IPv4 address inside it.
    ///
    /// An exclusion of either keeps the address out: a list must not list by mistake.
    pub(crate) fn or_of_inner(self, inner: Self) -> Self {
        match (self, inner) {
            (excluded @ Verdict::Excluded { .. }, _) | (_, excluded @ Verdict::Excluded { .. }) => {
                excluded
            }
            (Verdict::Unlisted, other) | (other, Verdict::Unlisted) => other,
            (Verdict::Listed(mut outer), Verdict::Listed(inner)) => {
                outer.hits.extend(inner.hits);
                Verdict::Listed(outer)
            }
        }
    }

    /// When the verdict may change without a write.
    pub fn until(&self) -> Option<UnixTime> {
        match self {
            Verdict::Unlisted => None,
            Verdict::Excluded { until } => *until,
            Verdict::Listed(listed) => listed.until(),
        }
    }

    /// The listing, if there is one.
    pub fn listed(&self) -> Option<&Listed<'a>> {
        match self {
            Verdict::Listed(listed) => Some(listed),
            Verdict::Unlisted | Verdict::Excluded { .. } => None,
        }
    }
}

impl Listed<'_> {
    /// The union of all return codes, in order, without repetition.
    pub fn return_codes(&self, zone: &Zone) -> Vec<ReturnCode> {
        let mut codes = Vec::new();
        for hit in &self.hits {
            codes.extend(hit.test_code);
            for entry in &hit.entries {
                let own = &entry.return_codes;
                codes.extend(if own.is_empty() { &zone.return_codes } else { own });
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// All reasons with the subject filled in, without repetition.
    pub fn reasons(&self, zone: &Zone) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for hit in &self.hits {
            let of_test = hit.test_code.map(|_| &zone.reason);
            let of_entries =
                hit.entries.iter().map(|entry| entry.reason.as_ref().unwrap_or(&zone.reason));
            for reason in of_test.into_iter().chain(of_entries) {
                let text = reason.render(&hit.asked);
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        texts
    }

    /// The subject whose entries decide; `None` for a test entry.
    pub fn by(&self) -> Option<&Subject> {
        self.hits.iter().find_map(|hit| hit.by.as_ref())
    }

    fn until(&self) -> Option<UnixTime> {
        self.hits.iter().flat_map(|hit| &hit.entries).filter_map(|entry| entry.expires_at).min()
    }
}

/// Finds the longest subject with a live entry, given from the shortest to the longest.
pub(crate) struct Deciding<'a, K> {
    now: UnixTime,
    longest: Option<(K, &'a Entries)>,
}

impl<'a, K> Deciding<'a, K> {
    pub(crate) fn new(now: UnixTime) -> Self {
        Self { now, longest: None }
    }

    pub(crate) fn see(&mut self, key: K, entries: &'a Entries) {
        if live(entries, self.now).next().is_some() {
            self.longest = Some((key, entries));
        }
    }

    pub(crate) fn verdict(
        self,
        asked: &impl fmt::Display,
        by: impl FnOnce(K) -> Subject,
    ) -> Verdict<'a> {
        let Some((key, entries)) = self.longest else {
            return Verdict::Unlisted;
        };
        let entries: Vec<&Entry> = live(entries, self.now).collect();
        if entries.iter().any(|entry| entry.exclusion) {
            return Verdict::Excluded {
                until: entries.iter().filter_map(|entry| entry.expires_at).min(),
            };
        }
        let hit = Hit { asked: asked.to_string(), by: Some(by(key)), test_code: None, entries };
        Verdict::Listed(Listed { hits: vec![hit] })
    }
}
