//! What the index will be shown of a change of many listings, made ready while other changes go on.

use std::collections::{BTreeMap, BTreeSet};

use dnsbl_types::{Fork, Name, UnixTime};

use crate::{
    Reader, StoreError,
    db::Db,
    read::{
        log, show,
        state::{self, Segment, ZoneState},
        view::View,
    },
    write::transaction::Effect,
};

/// A fork of the index that says what it will have to say once segments are named.
pub(crate) struct PreparedFork {
    fork: Box<dyn Fork>,
    /// The last change that it has.
    seen: u64,
}

impl PreparedFork {
    /// Shows a fork of the index what segments say that their zones don't name yet. `None` where there are no
    /// segments, or no forks.
    pub(crate) fn new(db: &Db, segments: Vec<(Name, Segment)>) -> Result<Option<Self>, StoreError> {
        if segments.is_empty() {
            return Ok(None);
        }
        let Some((mut fork, seen)) = db.fork() else { return Ok(None) };
        // It is later than the fork, so it has all that the fork has.
        let reader = Reader::new(&db.rocks, UnixTime(0));
        let mut zones: BTreeMap<Name, ZoneState> = BTreeMap::new();
        let mut new = Vec::new();
        for (origin, segment) in segments {
            if !zones.contains_key(&origin) {
                let zone = state::read_zone(&reader.view, &origin)?;
                let Some(zone) = zone.filter(|zone| zone.id == segment.key.zone) else {
                    return Ok(None);
                };
                zones.insert(origin.clone(), zone);
            }
            if let Some(zone) = zones.get_mut(&origin) {
                new.push((origin, segment.key));
                let place = zone.segments.partition_point(|other| other.key > segment.key);
                zone.segments.insert(place, segment);
            }
        }
        for (origin, segment) in new {
            show::show_segment(&reader.view, &zones[&origin], segment, fork.as_mut())?;
        }
        Ok(Some(Self { fork, seen }))
    }

    /// What shows it, for these zones; `None` where it would take long to tell what has changed since.
    pub(crate) fn join(
        self,
        view: &View<'_>,
        zones: BTreeSet<Name>,
    ) -> Result<Option<Effect>, StoreError> {
        let mut touched = BTreeMap::new();
        for origin in zones {
            let Some(subjects) = log::touched_since(view, &origin, self.seen)? else {
                return Ok(None);
            };
            touched.insert(origin, subjects);
        }
        Ok(Some(Effect::Join { fork: self.fork, zones: touched }))
    }
}
