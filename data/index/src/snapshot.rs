//! Snapshots: what readers see.

use std::{collections::HashSet, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use dnsbl_types::{Labels, Name};

use crate::{IndexedZone, Subscribers, allowlist::Allowlist};

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
    /// Empty non-terminals above an origin and inside another zone, in wire form.
    non_terminals: Arc<HashSet<Box<[u8]>>>,
    /// Zones came or went since.
    non_terminals_are_stale: bool,
    pub(crate) subscribers: Subscribers,
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

    /// Those who have subscribed.
    pub fn subscribers(&self) -> &Subscribers {
        &self.subscribers
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

    /// Whether the origin of a zone lies below this name, and this name inside another zone; it exists then,
    /// though it has no records (RFC 8020).
    ///
    /// `qname` is an uncompressed lower-case name in wire form, the root label included.
    pub fn is_empty_non_terminal(&self, qname: &[u8]) -> bool {
        !self.non_terminals.is_empty() && self.non_terminals.contains(qname)
    }

    /// The zone in which the origin at `qname` is a delegation, if that is one of these.
    pub fn parent_of(&self, qname: &[u8]) -> Option<&IndexedZone> {
        let (&len, rest) = qname.split_first()?;
        let parent = rest.get(usize::from(len)..).filter(|parent| !parent.is_empty())?;
        self.zone_of(parent).map(|(zone, _)| zone)
    }

    /// Finds the empty non-terminals between zones anew if zones came or went.
    pub(crate) fn find_non_terminals(&mut self) {
        if !std::mem::take(&mut self.non_terminals_are_stale) {
            return;
        }
        let mut non_terminals = HashSet::new();
        for zone in &self.zones {
            let origin = zone.origin().wire();
            let mut rest = origin;
            let mut above = Vec::new();
            while let Some((&len, tail)) = rest.split_first().filter(|(len, _)| **len > 0) {
                rest = &tail[usize::from(len)..];
                if self.find(rest).is_ok() {
                    non_terminals.extend(above.drain(..).map(Box::<[u8]>::from));
                    break;
                }
                above.push(rest);
            }
        }
        self.non_terminals = Arc::new(non_terminals);
    }

    /// Has a combined zone include the zones as they are now. One that includes others itself is left out: there
    /// is one level, and so no circle.
    pub(crate) fn link(&mut self, origin: &Name) {
        let Ok(at) = self.find(origin.wire()) else { return };
        let included = |zone: &Name| {
            let zone = self.find(zone.wire()).ok().map(|at| &self.zones[at]);
            zone.filter(|zone| zone.settings().includes.is_empty())
        };
        let zone = &self.zones[at];
        let includes = || zone.settings().includes.as_slice().iter();
        let now = includes().map(|include| included(&include.zone));
        let is_same = |(now, then): (Option<&Arc<_>>, &Option<Arc<_>>)| {
            now.map(Arc::as_ptr) == then.as_ref().map(Arc::as_ptr)
        };
        let before = zone.included_zones();
        if before.len() == includes().len() && now.clone().zip(before).all(is_same) {
            return;
        }
        let now = now.map(|zone| zone.cloned()).collect();
        Arc::make_mut(&mut self.zones[at]).set_included(now);
    }

    /// Where the zone at an origin is, or would be.
    fn find(&self, origin: &[u8]) -> Result<usize, usize> {
        self.zones.binary_search_by(|zone| zone.origin().wire().cmp(origin))
    }

    pub(crate) fn zone_mut(&mut self, origin: &Name) -> Option<&mut IndexedZone> {
        let at = self.find(origin.wire()).ok()?;
        Some(Arc::make_mut(&mut self.zones[at]))
    }

    /// Has all zones leave out what no zone lists.
    pub(crate) fn allow_everywhere(&mut self, allowed: &Allowlist) {
        for zone in &mut self.zones {
            Arc::make_mut(zone).set_allowed_everywhere(allowed.clone());
        }
    }

    /// Adds a zone whose origin has none.
    pub(crate) fn insert(&mut self, zone: IndexedZone) {
        if let Err(at) = self.find(zone.origin().wire()) {
            self.origins.insert(zone.origin().wire().len());
            self.zones.insert(at, Arc::new(zone));
            self.non_terminals_are_stale = true;
        }
    }

    pub(crate) fn remove(&mut self, origin: &Name) {
        if let Ok(at) = self.find(origin.wire()) {
            self.zones.remove(at);
            self.origins = Lengths::default();
            self.zones.iter().for_each(|zone| self.origins.insert(zone.origin().wire().len()));
            self.non_terminals_are_stale = true;
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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use dnsbl_types::{Follower as _, Name, Serial, ZoneKind, ZoneSpec};

    use crate::{Index, IndexWriter};

    fn index(origins: &[&str]) -> (Arc<Index>, IndexWriter) {
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        for origin in origins {
            let ns = vec!["ns.example.net".parse().unwrap()];
            let reason = "listed".parse().unwrap();
            let spec = ZoneSpec::new(origin.parse().unwrap(), ZoneKind::Ip, ns, reason);
            writer.put_zone(&spec.check().unwrap(), Serial(1));
        }
        writer.publish(1, Instant::now());
        (index, writer)
    }

    fn is_empty_non_terminal(index: &Index, name: &str) -> bool {
        index.load().is_empty_non_terminal(name.parse::<Name>().unwrap().wire())
    }

    #[test]
    fn names_above_a_zone_and_inside_another_lie_between_them() {
        let (index, mut writer) = index(&["a.deep.bl.lists", "bl.lists", "x.y.other"]);
        assert!(is_empty_non_terminal(&index, "deep.bl.lists"));
        for name in ["bl.lists", "a.deep.bl.lists", "lists", "y.other", "eep.bl.lists", "."] {
            assert!(!is_empty_non_terminal(&index, name), "{name}");
        }
        let parent = |name: &str| {
            let name: Name = name.parse().unwrap();
            index.load().parent_of(name.wire()).map(|zone| zone.settings().origin.to_string())
        };
        assert_eq!(parent("a.deep.bl.lists").as_deref(), Some("bl.lists"));
        assert_eq!(parent("bl.lists"), None);
        writer.remove_zone(&"bl.lists".parse().unwrap());
        writer.publish(2, Instant::now());
        assert!(!is_empty_non_terminal(&index, "deep.bl.lists"));
    }

    #[test]
    fn a_zone_between_two_has_names_between_on_both_sides() {
        let (index, _writer) = index(&["bl.lists", "b.x.a.y.bl.lists", "a.y.bl.lists"]);
        assert!(is_empty_non_terminal(&index, "y.bl.lists"));
        assert!(is_empty_non_terminal(&index, "x.a.y.bl.lists"));
        assert!(!is_empty_non_terminal(&index, "a.y.bl.lists"));
    }
}
