//! The one writer, which makes snapshots.

use std::{any::Any, collections::BTreeSet, sync::Arc, time::Instant};

use dnsbl_types::{
    AllowEntry, Entry, EntryWriter, Follower, Fork, Forks, Name, Serial, Subject, Subscriber, Zone,
};

use crate::{
    Index, IndexObserver, IndexedZone, Snapshot, ZoneNumber,
    allowlist::Allowlist,
    draft::Draft,
    fork::{IndexFork, free_apart},
    subscribers::SubscribersWriter,
};

/// The one writer of an index, a [`Follower`] of the change log. Changes are invisible until they are published.
#[derive(Debug)]
pub struct IndexWriter<O = ()> {
    index: Arc<Index>,
    next: Draft,
    /// The zones that include others.
    combined: BTreeSet<Name>,
    subscribers: SubscribersWriter,
    /// What no zone lists.
    allowed_everywhere: Allowlist,
    next_number: ZoneNumber,
    /// The writer is the one to free them, not a reader.
    replaced: Vec<Replaced>,
    /// About how much of what is published now goes with the next publication, in subjects.
    replaces: usize,
    observer: O,
}

/// The subjects of which a snapshot has something alone that takes long to be freed.
const MUCH: usize = 1 << 12;

/// A snapshot that was replaced.
#[derive(Debug)]
struct Replaced {
    snapshot: Arc<Snapshot>,
    /// Whether there may be much that only it has.
    is_much: bool,
}

impl Replaced {
    /// Frees it, apart from the writer where that may take long.
    fn free(self) {
        if self.is_much {
            free_apart(self.snapshot);
        }
    }
}

impl IndexWriter {
    /// The writer of `index`; there must be no other.
    pub fn new(index: Arc<Index>) -> Self {
        Self::observed(index, ())
    }
}

impl<O: IndexObserver> IndexWriter<O> {
    /// The writer of `index`, watched by `observer`; there must be no other writer.
    pub fn observed(index: Arc<Index>, observer: O) -> Self {
        let next = Snapshot::clone(&index.load());
        let combined = next.zones().filter(|zone| !zone.settings().includes.is_empty());
        let combined = combined.map(|zone| zone.origin().clone()).collect();
        Self {
            index,
            next: next.into(),
            combined,
            subscribers: SubscribersWriter::default(),
            allowed_everywhere: Allowlist::default(),
            next_number: 0,
            replaced: Vec::new(),
            replaces: 0,
            observer,
        }
    }

    fn set_allow_entry(&mut self, entry: &AllowEntry, is_gone: bool) {
        match &entry.zone {
            Some(origin) => {
                if let Some(zone) = self.next.zone_mut(origin) {
                    zone.set_allow_entry(entry, is_gone);
                }
            }
            None => {
                self.allowed_everywhere.set(entry, is_gone);
                self.next.snapshot().allow_everywhere(&self.allowed_everywhere);
            }
        }
    }

    /// Frees replaced snapshots that no reader holds any more.
    fn free_replaced(&mut self) {
        let is_free = |replaced: &mut Replaced| Arc::strong_count(&replaced.snapshot) == 1;
        self.replaced.extract_if(.., is_free).for_each(Replaced::free);
    }
}

impl<O> EntryWriter for IndexWriter<O> {
    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        self.replaces += 1;
        self.next.set_entries(origin, subject, entries);
    }

    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.replaces += hosts.len();
        self.next.set_plain_hosts(origin, hosts);
    }

    fn remove_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.replaces += hosts.len();
        self.next.remove_hosts(origin, hosts);
    }
}

impl<O: IndexObserver> Follower for IndexWriter<O> {
    /// Adds a zone, or changes its settings and keeps its entries.
    fn put_zone(&mut self, zone: &Zone, serial: Serial) {
        let number = if let Some(indexed) = self.next.zone_mut(&zone.origin) {
            indexed.replace_settings(zone.clone(), serial);
            indexed.number()
        } else {
            let number = self.next_number;
            self.next_number += 1;
            let mut indexed = IndexedZone::new(number, zone.clone(), serial);
            indexed.set_allowed_everywhere(self.allowed_everywhere.clone());
            self.next.snapshot().insert(indexed);
            number
        };
        if zone.includes.is_empty() {
            self.combined.remove(&zone.origin);
        } else {
            self.combined.insert(zone.origin.clone());
        }
        self.observer.zone_put(number, &zone.origin);
    }

    fn remove_zone(&mut self, origin: &Name) {
        self.replaces = MUCH;
        self.combined.remove(origin);
        self.next.remove_zone(origin);
        self.observer.zone_removed(origin);
    }

    fn set_serial(&mut self, origin: &Name, serial: Serial) {
        if let Some(zone) = self.next.zone_mut(origin) {
            zone.set_serial(serial);
        }
    }

    fn put_allow_entry(&mut self, entry: &AllowEntry) {
        self.set_allow_entry(entry, false);
    }

    fn remove_allow_entry(&mut self, entry: &AllowEntry) {
        self.set_allow_entry(entry, true);
    }

    fn set_subscriber(&mut self, old: Option<&Subscriber>, new: Option<&Subscriber>) {
        if let Some(replaced) = self.subscribers.set(old, new) {
            self.observer.subscriber_replaced(replaced);
        }
        self.next.snapshot().subscribers = self.subscribers.subscribers().clone();
    }

    /// Shows all changes since the last call at once.
    fn publish(&mut self, seq: u64, committed: Instant) {
        let next = self.next.snapshot();
        next.find_non_terminals();
        self.combined.iter().for_each(|origin| next.link(origin));
        next.seq = seq;
        next.loaded = true;
        let snapshot = self.index.current.swap(Arc::new(next.clone()));
        self.observer.published(seq, committed);
        let is_much = std::mem::take(&mut self.replaces) >= MUCH;
        self.replaced.push(Replaced { snapshot, is_much });
        if is_much {
            // Whichever of them goes last has it.
            self.replaced.iter_mut().for_each(|replaced| replaced.is_much = true);
        }
        self.free_replaced();
    }

    fn idle(&mut self) {
        self.free_replaced();
    }

    fn forks(&self) -> Option<Arc<dyn Forks>> {
        Some(self.index.clone())
    }

    fn join(&mut self, fork: Box<dyn Fork>, zones: &[&Name]) {
        let fork: Box<dyn Any> = fork;
        let Ok(mut fork) = fork.downcast::<IndexFork>() else { return };
        let (fork, next) = (fork.snapshot(), self.next.snapshot());
        for origin in zones {
            if let (Some(zone), Some(forked)) = (next.zone_mut(origin), fork.zone(origin)) {
                zone.take_entries(forked);
            }
        }
        self.replaces = MUCH;
    }
}
