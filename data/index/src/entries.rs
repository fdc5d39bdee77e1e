//! The entries of a subject, as the index keeps them.
//!
//! Most entries of a zone say one of a few things, so their bodies are interned. When an entry expires is
//! its own.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use dnsbl_types::{Entry, Reason, ReturnCode, UnixTime};

use crate::hosts;

/// The entries of one subject; never empty.
#[derive(Clone, Debug)]
pub(crate) enum Entries {
    One(IndexedEntry),
    Several(Arc<Vec<IndexedEntry>>),
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

/// An entry of a subject, its body shared with all that say the same.
#[derive(Clone, Debug)]
pub(crate) struct IndexedEntry {
    body: Arc<EntryBody>,
    /// When it expires; may be `NEVER`.
    expires_at: UnixTime,
}

/// The body of an entry: all of it but when it expires.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct EntryBody {
    pub(crate) exclusion: bool,
    /// Empty means the zone's.
    pub(crate) return_codes: Box<[ReturnCode]>,
    /// `None` means the zone's.
    pub(crate) reason: Option<Reason>,
}

impl EntryBody {
    /// About how many bytes it takes, with the two counters before it.
    fn bytes(&self) -> usize {
        let codes = size_of_val::<[ReturnCode]>(&self.return_codes);
        let reason = self.reason.as_ref().map_or(0, |reason| reason.template().len());
        2 * size_of::<usize>() + size_of::<Self>() + codes + reason
    }
}

const NEVER: UnixTime = UnixTime(u64::MAX);

impl Entries {
    pub(crate) fn as_slice(&self) -> &[IndexedEntry] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Several(entries) => entries,
        }
    }

    /// The live ones.
    pub(crate) fn live(&self, now: UnixTime) -> impl Iterator<Item = &IndexedEntry> {
        self.as_slice().iter().filter(move |entry| now < entry.expires_at)
    }

    pub(crate) fn any_live(&self, now: UnixTime) -> bool {
        self.live(now).next().is_some()
    }

    /// Whether they, if they decide, make a listing.
    pub(crate) fn lists(&self, now: UnixTime) -> bool {
        self.any_live(now) && !self.live(now).any(|entry| entry.body().exclusion)
    }
}

impl IndexedEntry {
    pub(crate) fn body(&self) -> &EntryBody {
        &self.body
    }

    pub(crate) fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at).filter(|&at| at != NEVER)
    }
}

/// An interner of entry bodies: each is kept once, however many entries share it.
#[derive(Debug, Default)]
struct EntryInterner {
    bodies: HashSet<Arc<EntryBody>>,
    /// How many were in use when those out of use were last dropped.
    in_use: usize,
    /// Bytes of all bodies, beside the set itself.
    body_bytes: usize,
}

impl EntryInterner {
    /// Fewer than this are not worth a search for those out of use.
    const FEW: usize = 1024;

    /// The entries as the index keeps them; `None` for none.
    fn intern(&mut self, entries: &[Entry]) -> Option<Entries> {
        match entries {
            [] => None,
            [entry] => Some(Entries::One(self.intern_one(entry))),
            _ => {
                let several = entries.iter().map(|entry| self.intern_one(entry)).collect();
                Some(Entries::Several(Arc::new(several)))
            }
        }
    }

    fn intern_one(&mut self, entry: &Entry) -> IndexedEntry {
        let expires_at = entry.expires_at.unwrap_or(NEVER);
        IndexedEntry { body: self.intern_body(entry), expires_at }
    }

    /// About how many bytes it takes to keep them.
    fn bytes(&self) -> usize {
        /// A pointer and a byte of the set, which is between half full and nearly full.
        const PLACE: usize = (size_of::<usize>() + 1) * 4 / 3;
        self.body_bytes + self.bodies.len() * PLACE
    }

    fn intern_body(&mut self, entry: &Entry) -> Arc<EntryBody> {
        let body = EntryBody {
            exclusion: entry.exclusion,
            return_codes: entry.return_codes.as_slice().into(),
            reason: entry.reason.clone(),
        };
        if let Some(known) = self.bodies.get(&body) {
            return known.clone();
        }
        if self.bodies.len() > Self::FEW + 2 * self.in_use {
            self.bodies.retain(|body| Arc::strong_count(body) > 1);
            self.in_use = self.bodies.len();
            self.body_bytes = self.bodies.iter().map(|body| body.bytes()).sum();
        }
        self.body_bytes += body.bytes();
        let body = Arc::new(body);
        self.bodies.insert(body.clone());
        body
    }
}

/// The interner of a zone, which all its versions share, a fork too.
#[derive(Clone, Debug, Default)]
pub(crate) struct ZoneInterner(Arc<Mutex<EntryInterner>>);

impl ZoneInterner {
    /// The entries as the index keeps them; `None` for none.
    pub(crate) fn intern(&self, entries: &[Entry]) -> Option<Entries> {
        if entries.is_empty() {
            return None;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).intern(entries)
    }

    /// About how many bytes it takes to keep them.
    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes()
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
        let mut interner = EntryInterner::default();
        let kept: Vec<_> = (0..10).map(|_| interner.intern(&[entry("open relay")])).collect();
        for i in 0..10_000 {
            interner.intern(&[entry(&format!("once: {i}"))]);
        }
        assert!(interner.bodies.len() <= EntryInterner::FEW + 4, "{}", interner.bodies.len());
        let again = interner.intern(&[entry("open relay")]).unwrap();
        let first = kept[0].as_ref().unwrap();
        assert!(Arc::ptr_eq(&again.as_slice()[0].body, &first.as_slice()[0].body));
    }

    #[test]
    fn texts_are_counted_once_each_until_they_are_dropped() {
        let mut interner = EntryInterner::default();
        let kept: Vec<_> =
            (0..2000).map(|i| interner.intern(&[entry(&format!("{i:0100}"))])).collect();
        let bytes = interner.bytes();
        assert!((2000 * 150..2000 * 220).contains(&bytes), "{bytes}");
        interner.intern(&[entry(&format!("{:0100}", 7))]);
        assert_eq!(interner.bytes(), bytes);
        drop(kept);
        for i in 0..10_000 {
            interner.intern(&[entry(&format!("{i}"))]);
        }
        assert!(interner.bytes() < bytes, "{}", interner.bytes());
    }

    #[test]
    fn an_entry_takes_sixteen_bytes_beside_what_it_says() {
        assert_eq!(size_of::<Entries>(), 16);
    }
}
