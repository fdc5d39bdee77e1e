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

/// How often a fork is begun where too much of its zones changes meanwhile.
const TRIES: usize = 3;
/// How often a fork is brought up to date before the rest is left to the writer.
const ROUNDS: usize = 16;
/// The most changes, and subjects of them, by which it is brought up to date at once.
const MOST: usize = 1 << 18;
/// So few subjects are left to the writer.
const FEW: usize = 64;
/// The most by which the writer does that.
const MOST_OF_WRITER: usize = 4096;

impl PreparedFork {
    /// Shows a fork of the index what segments say that their zones don't name yet. `None` where there are no
    /// segments, or no forks, or where other changes overtake it.
    pub(crate) fn new(db: &Db, segments: &[(Name, Segment)]) -> Result<Option<Self>, StoreError> {
        if segments.is_empty() {
            return Ok(None);
        }
        for _ in 0..TRIES {
            let Some((fork, seen)) = db.fork() else { return Ok(None) };
            let mut prepared = Self { fork, seen };
            if prepared.show(db, segments)? {
                return Ok(Some(prepared));
            }
        }
        Ok(None)
    }

    /// Shows it what segments say, and what has changed since; whether that could be told.
    fn show(&mut self, db: &Db, segments: &[(Name, Segment)]) -> Result<bool, StoreError> {
        // It is later than the fork, so it has all that the fork has.
        let reader = Reader::new(&db.rocks, UnixTime(0));
        let Some(zones) = zones_with(&reader.view, segments)? else { return Ok(false) };
        for (origin, segment) in segments {
            show::show_segment(&reader.view, &zones[origin], segment.key, self.fork.as_mut())?;
        }
        for _ in 0..ROUNDS {
            let reader = Reader::new(&db.rocks, UnixTime(0));
            let touched = log::touched_since(&reader.view, zones.keys(), self.seen, MOST)?;
            let zones = zones_with(&reader.view, segments)?;
            let Some((touched, zones)) = touched.zip(zones) else { return Ok(false) };
            for (origin, subjects) in &touched {
                for subject in subjects {
                    let fork = self.fork.as_mut();
                    show::show_subject(&reader.view, &zones[origin], subject, fork)?;
                }
            }
            self.seen = reader.head()?;
            if touched.values().map(BTreeSet::len).sum::<usize>() <= FEW {
                break;
            }
        }
        self.fork.settle();
        Ok(true)
    }

    /// What shows it, for these zones; `None` where it would take long to tell what has changed since.
    pub(crate) fn join(
        self,
        view: &View<'_>,
        zones: &BTreeSet<Name>,
    ) -> Result<Option<Effect>, StoreError> {
        let touched = log::touched_since(view, zones, self.seen, MOST_OF_WRITER)?;
        Ok(touched.map(|zones| Effect::Join { fork: self.fork, zones }))
    }
}

/// The zones of segments, as if they named these; `None` where one is not there any more.
fn zones_with(
    view: &View<'_>,
    segments: &[(Name, Segment)],
) -> Result<Option<BTreeMap<Name, ZoneState>>, StoreError> {
    let mut zones = BTreeMap::new();
    for (origin, segment) in segments {
        let mut zone = match zones.remove(origin) {
            Some(zone) => zone,
            None => match state::read_zone(view, origin)? {
                Some(zone) if zone.id == segment.key.zone => zone,
                _ => return Ok(None),
            },
        };
        let place = zone.segments.partition_point(|other| other.key > segment.key);
        zone.segments.insert(place, segment.clone());
        zones.insert(origin.clone(), zone);
    }
    Ok(Some(zones))
}
