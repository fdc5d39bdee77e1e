//! What is said about a subject, as the index keeps it.
//!
//! Most entries of a zone say one of a few things, so what they say is kept once and shared. When
//! an entry expires is its own.

use std::{collections::HashSet, sync::Arc};

use dnsbl_types::{Entry, Reason, ReturnCode, UnixTime};

use crate::hosts;

/// All that is said about one subject; never empty.
#[derive(Clone, Debug)]
pub(crate) enum Entries {
    One(Stored),
    Several(Arc<Vec<Stored>>),
}

impl hosts::Value for Entries {
    // Each copied value counts a reference, which costs more than the copy.
    const LEAF: usize = 256;
    type Many = Box<[Self]>;

    fn keep(values: &[Self]) -> Box<[Self]> {
        values.into()
    }

    fn at(values: &Box<[Self]>, at: usize) -> &Self {
        &values[at]
    }
}

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    said: Arc<Said>,
    /// `NEVER`, or when it expires.
    expires_at: UnixTime,
}

/// What an entry says while it is live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Said {
    pub(crate) exclusion: bool,
    /// Empty means the zone's.
    pub(crate) return_codes: Box<[ReturnCode]>,
    /// `None` means the zone's.
    pub(crate) reason: Option<Reason>,
}

impl Said {
    /// About how many bytes it takes, with the two counters before it.
    fn bytes(&self) -> usize {
        let codes = size_of_val::<[ReturnCode]>(&self.return_codes);
        let reason = self.reason.as_ref().map_or(0, |reason| reason.template().len());
        2 * size_of::<usize>() + size_of::<Self>() + codes + reason
    }
}

const NEVER: UnixTime = UnixTime(u64::MAX);

impl Entries {
    pub(crate) fn as_slice(&self) -> &[Stored] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Several(entries) => entries,
        }
    }

    /// The live ones.
    pub(crate) fn live(&self, now: UnixTime) -> impl Iterator<Item = &Stored> {
        live(self.as_slice(), now)
    }

    pub(crate) fn any_live(&self, now: UnixTime) -> bool {
        self.live(now).next().is_some()
    }

    /// Whether they, if they decide, make a listing.
    pub(crate) fn lists(&self, now: UnixTime) -> bool {
        self.any_live(now) && !self.live(now).any(|entry| entry.said().exclusion)
    }
}

/// The live ones of some entries.
pub(crate) fn live(entries: &[Stored], now: UnixTime) -> impl Iterator<Item = &Stored> {
    entries.iter().filter(move |entry| now < entry.expires_at)
}

impl Stored {
    pub(crate) fn said(&self) -> &Said {
        &self.said
    }

    pub(crate) fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at).filter(|&at| at != NEVER)
    }
}

/// What entries say, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    known: HashSet<Arc<Said>>,
    /// How many were in use when those out of use were last dropped.
    in_use: usize,
    /// Bytes of all that is known, beside the set itself.
    texts: usize,
}

impl Phrases {
    /// Fewer than this are not worth a search for those out of use.
    const FEW: usize = 1024;

    /// The entries as the index keeps them; `None` for none.
    pub(crate) fn store(&mut self, entries: &[Entry]) -> Option<Entries> {
        match entries {
            [] => None,
            [entry] => Some(Entries::One(self.store_one(entry))),
            _ => {
                let stored = entries.iter().map(|entry| self.store_one(entry)).collect();
                Some(Entries::Several(Arc::new(stored)))
            }
        }
    }

    fn store_one(&mut self, entry: &Entry) -> Stored {
        let expires_at = entry.expires_at.unwrap_or(NEVER);
        Stored { said: self.share(entry), expires_at }
    }

    /// About how many bytes it takes to keep them.
    pub(crate) fn bytes(&self) -> usize {
        /// A pointer and a byte of the set, which is between half full and nearly full.
        const PLACE: usize = (size_of::<usize>() + 1) * 4 / 3;
        self.texts + self.known.len() * PLACE
    }

    fn share(&mut self, entry: &Entry) -> Arc<Said> {
        let said = Said {
            exclusion: entry.exclusion,
            return_codes: entry.return_codes.as_slice().into(),
            reason: entry.reason.clone(),
        };
        if let Some(known) = self.known.get(&said) {
            return known.clone();
        }
        if self.known.len() > Self::FEW + 2 * self.in_use {
            self.known.retain(|said| Arc::strong_count(said) > 1);
            self.in_use = self.known.len();
            self.texts = self.known.iter().map(|said| said.bytes()).sum();
        }
        self.texts += said.bytes();
        let said = Arc::new(said);
        self.known.insert(said.clone());
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(reason: &str) -> Entry {
        Entry { reason: Some(reason.parse().unwrap()), ..Entry::default() }
    }

    #[test]
    fn what_is_said_often_is_kept_once_and_what_nobody_says_is_dropped() {
        let mut phrases = Phrases::default();
        let kept: Vec<_> = (0..10).map(|_| phrases.store(&[entry("open relay")])).collect();
        for i in 0..10_000 {
            phrases.store(&[entry(&format!("once: {i}"))]);
        }
        assert!(phrases.known.len() <= Phrases::FEW + 4, "{}", phrases.known.len());
        let again = phrases.store(&[entry("open relay")]).unwrap();
        let first = kept[0].as_ref().unwrap();
        assert!(Arc::ptr_eq(&again.as_slice()[0].said, &first.as_slice()[0].said));
    }

    #[test]
    fn texts_are_counted_once_each_until_they_are_dropped() {
        let mut phrases = Phrases::default();
        let kept: Vec<_> =
            (0..2000).map(|i| phrases.store(&[entry(&format!("{i:0100}"))])).collect();
        let bytes = phrases.bytes();
        assert!((2000 * 150..2000 * 220).contains(&bytes), "{bytes}");
        phrases.store(&[entry(&format!("{:0100}", 7))]);
        assert_eq!(phrases.bytes(), bytes);
        drop(kept);
        for i in 0..10_000 {
            phrases.store(&[entry(&format!("{i}"))]);
        }
        assert!(phrases.bytes() < bytes, "{}", phrases.bytes());
    }

    #[test]
    fn an_entry_takes_sixteen_bytes_beside_what_it_says() {
        assert_eq!(size_of::<Entries>(), 16);
    }
}
