//! The one writer, which makes snapshots.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use dnsbl_types::{AllowEntry, Entry, Follower, Name, Serial, Subject, Subscriber, Zone};

use crate::{
    Index, IndexObserver, IndexedZone, Snapshot, ZoneNumber,
    allowlist::Allowlist,
    entries::{Entries, EntryInterner},
    subscribers::SubscribersWriter,
    zone::HostChange,
};

/// The one writer of an index, a [`Follower`] of the change log. Changes are invisible until they are published.
#[derive(Debug)]
pub struct IndexWriter<O = ()> {
    index: Arc<Index>,
    next: Snapshot,
    /// Changes of single IPv4 addresses that `next` does not have yet.
    pending: HashMap<Name, Vec<(u32, HostChange)>>,
    /// The bodies of the entries of each zone.
    interners: HashMap<Name, EntryInterner>,
    /// The zones that include others.
    combined: BTreeSet<Name>,
    subscribers: SubscribersWriter,
    /// What no zone lists.
    allowed_everywhere: Allowlist,
    next_number: ZoneNumber,
    /// Snapshots that were replaced. The writer is the one to free them, not a reader.
    retired: Vec<Arc<Snapshot>>,
    observer: O,
}

/// Pending changes of one zone at most.
const PENDING: usize = 1 << 16;

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
            next,
            pending: HashMap::new(),
            interners: HashMap::new(),
            combined,
            subscribers: SubscribersWriter::default(),
            allowed_everywhere: Allowlist::default(),
            next_number: 0,
            retired: Vec::new(),
            observer,
        }
    }

    fn intern(&mut self, origin: &Name, entries: &[Entry]) -> Option<Entries> {
        if entries.is_empty() {
            return None;
        }
        let zone = self.next.zone_mut(origin)?;
        if !self.interners.contains_key(origin) {
            self.interners.insert(origin.clone(), EntryInterner::default());
        }
        let interner = self.interners.get_mut(origin)?;
        let interned = interner.intern(entries);
        zone.set_body_bytes(interner.bytes());
        interned
    }

    fn set_host(&mut self, origin: &Name, host: u32, change: HostChange) {
        let Some(pending) = self.pending.get_mut(origin) else {
            self.pending.insert(origin.clone(), vec![(host, change)]);
            return;
        };
        pending.push((host, change));
        if pending.len() >= PENDING {
            self.apply_pending();
        }
    }

    fn apply_pending(&mut self) {
        for (origin, changes) in &mut self.pending {
            if let Some(zone) = self.next.zone_mut(origin).filter(|_| !changes.is_empty()) {
                // Stable, so that of two changes of an address the later one comes last and wins.
                changes.sort_by_key(|(host, _)| *host);
                changes.reverse();
                changes.dedup_by_key(|(host, _)| *host);
                changes.reverse();
                zone.set_hosts(changes);
            }
            changes.clear();
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
                self.next.allow_everywhere(&self.allowed_everywhere);
            }
        }
    }

    /// Frees replaced snapshots that no reader holds any more.
    fn free_retired(&mut self) {
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
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
            self.next.insert(indexed);
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
        self.pending.remove(origin);
        self.interners.remove(origin);
        self.combined.remove(origin);
        self.next.remove(origin);
        self.observer.zone_removed(origin);
    }

    fn set_serial(&mut self, origin: &Name, serial: Serial) {
        if let Some(zone) = self.next.zone_mut(origin) {
            zone.set_serial(serial);
        }
    }

    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        match subject {
            Subject::V4(net) if net.prefix_len() == 32 => {
                let change = match entries {
                    [entry] if *entry == Entry::default() => HostChange::Plain,
                    entries => {
                        self.intern(origin, entries).map_or(HostChange::Gone, HostChange::Entries)
                    }
                };
                self.set_host(origin, net.addr().into(), change);
            }
            subject => {
                let entries = self.intern(origin, entries);
                if let Some(zone) = self.next.zone_mut(origin) {
                    set_other(zone, subject, entries);
                }
            }
        }
    }

    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.apply_pending();
        if let Some(zone) = self.next.zone_mut(origin) {
            hosts.chunks(PENDING).for_each(|hosts| zone.set_plain_hosts(hosts));
        }
    }

    fn put_allow_entry(&mut self, entry: &AllowEntry) {
        self.set_allow_entry(entry, false);
    }

    fn remove_allow_entry(&mut self, entry: &AllowEntry) {
        self.set_allow_entry(entry, true);
    }

    fn remove_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.apply_pending();
        if let Some(zone) = self.next.zone_mut(origin) {
            hosts.chunks(PENDING).for_each(|hosts| zone.remove_hosts(hosts));
        }
    }

    fn set_subscriber(&mut self, old: Option<&Subscriber>, new: Option<&Subscriber>) {
        if let Some(replaced) = self.subscribers.set(old, new) {
            self.observer.subscriber_replaced(replaced);
        }
        self.next.subscribers = self.subscribers.subscribers().clone();
    }

    /// Shows all changes since the last call at once.
    fn publish(&mut self, seq: u64, committed: Instant) {
        self.apply_pending();
        self.next.find_non_terminals();
        self.combined.iter().for_each(|origin| self.next.link(origin));
        self.next.seq = seq;
        self.next.loaded = true;
        let retired = self.index.current.swap(Arc::new(self.next.clone()));
        self.observer.published(seq, committed);
        self.retired.push(retired);
        self.free_retired();
    }

    fn idle(&mut self) {
        self.free_retired();
    }
}

fn set_other(zone: &mut IndexedZone, subject: &Subject, entries: Option<Entries>) {
    match subject {
        Subject::V4(net) => zone.set_v4(*net, entries),
        Subject::V6(net) => zone.set_v6(*net, entries),
        Subject::Domain(domain) => zone.set_domain(domain, entries),
    }
}
