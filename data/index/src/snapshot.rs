//! Snapshots: what readers see.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use dnsbl_types::{Labels, Name};

use crate::IndexedZone;

/// The index as readers hold it. Cheap to share; loading never waits.
#[derive(Debug, Default)]
pub struct Index {
    pub(crate) current: ArcSwap<Snapshot>,
}

/// One state of all zones.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// In the order of their origins' wire form.
    pub(crate) zones: Vec<Arc<IndexedZone>>,
    origins: Lengths,
    pub(crate) seq: u64,
    pub(crate) loaded: bool,
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
        self.find(origin.wire()).ok().map(|at| &*self.zones[at])
    }

    /// All zones.
    pub fn zones(&self) -> impl Iterator<Item = &IndexedZone> {
        self.zones.iter().map(Arc::as_ref)
    }

    /// The zone with the longest origin at or above a name, and the labels left of that origin.
    ///
    /// `qname` is an uncompressed lower-case name in wire form, the root label included.
    pub fn zone_of<'q>(&self, qname: &'q [u8]) -> Option<(&IndexedZone, Labels<'q>)> {
        let mut rest = qname;
        loop {
            // Most parts of a name are of a length that no origin has.
            if self.origins.contains(rest.len())
                && let Ok(at) = self.find(rest)
            {
                return Some((&self.zones[at], Labels::before(qname, rest.len())));
            }
            let (&len, tail) = rest.split_first()?;
            rest = tail.get(usize::from(len)..).filter(|tail| !tail.is_empty())?;
        }
    }

    /// Where the zone at an origin is, or would be.
    fn find(&self, origin: &[u8]) -> Result<usize, usize> {
        self.zones.binary_search_by(|zone| zone.origin().wire().cmp(origin))
    }

    pub(crate) fn zone_mut(&mut self, origin: &Name) -> Option<&mut IndexedZone> {
        let at = self.find(origin.wire()).ok()?;
        Some(Arc::make_mut(&mut self.zones[at]))
    }

    /// Adds a zone whose origin has none.
    pub(crate) fn insert(&mut self, zone: IndexedZone) {
        if let Err(at) = self.find(zone.origin().wire()) {
            self.origins.insert(zone.origin().wire().len());
            self.zones.insert(at, Arc::new(zone));
        }
    }

    pub(crate) fn remove(&mut self, origin: &Name) {
        if let Ok(at) = self.find(origin.wire()) {
            self.zones.remove(at);
            self.origins = Lengths::default();
            self.zones.iter().for_each(|zone| self.origins.insert(zone.origin().wire().len()));
        }
    }
}

/// A set of lengths of names, in octets.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths([u64; 4]);

impl Lengths {
    fn insert(&mut self, len: usize) {
        self.0[len / 64] |= 1 << (len % 64);
    }

    /// Whether `len`, at most 255, is in the set.
    fn contains(&self, len: usize) -> bool {
        self.0[len / 64] >> (len % 64) & 1 != 0
    }
}
