//! Drafts: snapshots on their way.

use std::collections::HashMap;

use dnsbl_types::{Entry, EntryWriter, Name, Subject};

use crate::{IndexedZone, Snapshot, entries::Entries, zone::HostChange};

/// A draft of a snapshot: the next one, or that of a fork.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    snapshot: Snapshot,
    /// Changes of single IPv4 addresses that the snapshot does not have yet.
    pending: HashMap<Name, Vec<(u32, HostChange)>>,
}

/// Pending changes of one zone at most.
const PENDING: usize = 1 << 16;

impl From<Snapshot> for Draft {
    fn from(snapshot: Snapshot) -> Self {
        Self { snapshot, pending: HashMap::new() }
    }
}

impl Draft {
    /// The snapshot, with all that was written to the draft.
    pub(crate) fn snapshot(&mut self) -> &mut Snapshot {
        self.apply_pending();
        &mut self.snapshot
    }

    /// The zone at an origin, for changes of anything but its entries.
    pub(crate) fn zone_mut(&mut self, origin: &Name) -> Option<&mut IndexedZone> {
        self.snapshot.zone_mut(origin)
    }

    pub(crate) fn remove_zone(&mut self, origin: &Name) {
        self.pending.remove(origin);
        self.snapshot.remove(origin);
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
            if let Some(zone) = self.snapshot.zone_mut(origin).filter(|_| !changes.is_empty()) {
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
}

impl EntryWriter for Draft {
    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        let Some(zone) = self.snapshot.zone_mut(origin) else { return };
        match subject {
            Subject::V4(net) if net.prefix_len() == 32 => {
                let change = match entries {
                    [entry] if *entry == Entry::default() => HostChange::Plain,
                    entries => {
                        let entries = zone.interner().intern(entries);
                        entries.map_or(HostChange::Gone, HostChange::Entries)
                    }
                };
                self.set_host(origin, net.addr().into(), change);
            }
            subject => {
                let entries = zone.interner().intern(entries);
                set_other(zone, subject, entries);
            }
        }
    }

    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.apply_pending();
        if let Some(zone) = self.snapshot.zone_mut(origin) {
            hosts.chunks(PENDING).for_each(|hosts| zone.set_plain_hosts(hosts));
        }
    }

    fn remove_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.apply_pending();
        if let Some(zone) = self.snapshot.zone_mut(origin) {
            hosts.chunks(PENDING).for_each(|hosts| zone.remove_hosts(hosts));
        }
    }
}

fn set_other(zone: &mut IndexedZone, subject: &Subject, entries: Option<Entries>) {
    match subject {
        Subject::V4(net) => zone.set_v4(*net, entries),
        Subject::V6(net) => zone.set_v6(*net, entries),
        Subject::Domain(domain) => zone.set_domain(domain, entries),
    }
}
