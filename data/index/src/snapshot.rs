//! Snapshots, and the one writer that makes them.

use std::{collections::HashMap, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use dnsbl_types::{Entry, Labels, Name, Serial, Subject, Zone};

use crate::IndexedZone;

/// The index as readers hold it. Cheap to share; loading never waits.
#[derive(Debug, Default)]
pub struct Index {
    current: ArcSwap<Snapshot>,
}

/// One state of all zones.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By the origin's wire form.
    zones: Arc<HashMap<Box<[u8]>, Arc<IndexedZone>>>,
    seq: u64,
    loaded: bool,
}

impl Index {
    /// The state of this moment.
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }
}

impl Snapshot {
    /// Whether the store has been read whole. Before that nothing may be denied.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// The last change that this state includes.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The zone at `origin`.
    pub fn zone(&self, origin: &Name) -> Option<&IndexedZone> {
        self.zones.get(origin.wire()).map(Arc::as_ref)
    }

    /// All zones, in no order.
    pub fn zones(&self) -> impl Iterator<Item = &IndexedZone> {
        self.zones.values().map(Arc::as_ref)
    }

    /// The zone with the longest origin at or above a name, and the labels left of that origin.
    ///
    /// `qname` is an uncompressed lower-case name in wire form, the root label included.
    pub fn zone_of<'q>(&self, qname: &'q [u8]) -> Option<(&IndexedZone, Labels<'q>)> {
        let mut rest = qname;
        loop {
            if let Some(zone) = self.zones.get(rest) {
                return Some((zone, Labels::before(qname, rest.len())));
            }
            let (&len, tail) = rest.split_first()?;
            rest = tail.get(usize::from(len)..).filter(|tail| !tail.is_empty())?;
        }
    }
}

/// The one writer. Changes are invisible until they are published.
#[derive(Debug)]
pub struct IndexWriter {
    index: Arc<Index>,
    next: Snapshot,
}

impl IndexWriter {
    /// The writer of `index`; there must be no other.
    pub fn new(index: Arc<Index>) -> Self {
        let next = Snapshot::clone(&index.load());
        Self { index, next }
    }

    /// Adds a zone, or changes its settings and keeps its entries.
    pub fn put_zone(&mut self, zone: Zone, serial: Serial) {
        let zones = Arc::make_mut(&mut self.next.zones);
        match zones.get_mut(zone.origin.wire()) {
            Some(indexed) => Arc::make_mut(indexed).replace_settings(zone, serial),
            None => {
                zones.insert(zone.origin.wire().into(), Arc::new(IndexedZone::new(zone, serial)));
            }
        }
    }

    /// Removes a zone with its entries.
    pub fn remove_zone(&mut self, origin: &Name) {
        Arc::make_mut(&mut self.next.zones).remove(origin.wire());
    }

    /// Moves a zone's serial.
    pub fn set_serial(&mut self, origin: &Name, serial: Serial) {
        self.change(origin, |zone| zone.set_serial(serial));
    }

    /// Makes `entries` all that is said about `subject`; none removes it.
    pub fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        self.change(origin, |zone| zone.set_entries(subject, entries));
    }

    /// Shows all changes since the last call at once; `seq` is the last change among them.
    pub fn publish(&mut self, seq: u64) {
        self.next.seq = seq;
        self.next.loaded = true;
        self.index.current.store(Arc::new(self.next.clone()));
    }

    fn change(&mut self, origin: &Name, change: impl FnOnce(&mut IndexedZone)) {
        if let Some(zone) = Arc::make_mut(&mut self.next.zones).get_mut(origin.wire()) {
            change(Arc::make_mut(zone));
        }
    }
}
