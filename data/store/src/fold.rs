//! Folding: bringing a source back to one segment, a few rows at a time.
//!
//! Rows move between the two oldest segments of a source, always out of the smaller one, and leave
//! what can be read as it was. Since nothing is older than the lower of the two, a tombstone has
//! done its work once it meets it.
//!
//! A fold goes on where it stopped. So that no row comes to lie behind it, a large segment that it empties
//! takes no direct writes meanwhile: those go to a new one.

use std::sync::atomic::Ordering;

use dnsbl_types::Name;

use crate::{
    ChangeError, Done, Outcome, StoreError,
    cursor::{Cursor, Reading},
    group::Group,
    key::{SegmentId, SegmentKey},
    row::{Origin, Row, Said},
    scan::{View, cf},
    schema,
    state::{Segment, ZoneState},
};

/// Rows that one step moves at most: other changes wait meanwhile, some milliseconds.
const STEP: usize = 200;

/// A fold that has begun.
#[derive(Clone)]
pub(crate) struct Folding {
    origin: Name,
    lower: SegmentKey,
    upper: SegmentKey,
    /// Whether rows move from the upper to the lower segment.
    down: bool,
    /// What lies before this subject has moved.
    from: Vec<u8>,
    /// Rows that have moved since it was at the front.
    moved: u64,
}

/// A row that moves, and what the other segment has in its place.
struct Move {
    subject: Vec<u8>,
    row: Row,
    there: Option<Row>,
}

impl Group<'_> {
    /// Moves up to [`STEP`] rows of a source that has several segments; the outcome counts them.
    ///
    /// A segment that is empty goes, which counts as a row.
    pub(crate) fn fold(&mut self) -> Result<Done, ChangeError> {
        let begun = self.ledger.folding.take().filter(|folding| self.goes_on(folding));
        let folding = match begun {
            Some(folding) => Some(folding),
            None => self.begin_fold()?,
        };
        let Some(mut folding) = folding else {
            return Ok(self.unchanged(Outcome::Count(0)));
        };
        let state = self.zone(&folding.origin)?;
        let of = |key| state.segments.iter().find(|segment| segment.key == key).cloned();
        let (Some(lower), Some(upper)) = (of(folding.lower), of(folding.upper)) else {
            return Ok(self.unchanged(Outcome::Count(0)));
        };
        let (from, to) = if folding.down { (&upper, &lower) } else { (&lower, &upper) };
        let moves = moves(&View::new(self.writes.db), from, to, &folding.from)?;
        let moved = moves.len();
        folding.moved += moved as u64;
        if let Some(last) = moves.last() {
            // The first key behind it.
            folding.from = [last.subject.as_slice(), &[0]].concat();
        }
        for it in moves {
            self.fold_row(&folding, from, to, it)?;
        }
        self.touch(&folding.origin);
        if moved == STEP {
            self.ledger.folding = Some(folding);
        } else if folding.moved == 0 || self.is_empty(&folding.origin, from.key) {
            self.drop_segment(&folding.origin, from);
        } else {
            // A write of a small segment may have come behind the place.
            self.ledger.folding = Some(Folding { from: Vec::new(), moved: 0, ..folding });
        }
        Ok(self.unchanged(Outcome::Count(moved as u64 + u64::from(moved < STEP))))
    }

    /// Whether both segments are still there.
    fn goes_on(&self, folding: &Folding) -> bool {
        self.ledger.zones.get(&folding.origin).is_some_and(|state| {
            let has = |key| state.segments.iter().any(|segment| segment.key == key);
            has(folding.lower) && has(folding.upper)
        })
    }

    fn is_empty(&self, origin: &Name, key: SegmentKey) -> bool {
        let state = self.ledger.zones.get(origin);
        let mut segments = state.into_iter().flat_map(|state| &state.segments);
        segments.all(|segment| segment.key != key || segment.rows == 0)
    }

    /// The first source that has several segments.
    fn begin_fold(&mut self) -> Result<Option<Folding>, ChangeError> {
        let found = self.ledger.zones.iter().find_map(|(origin, state)| {
            let (lower, upper) = oldest_two(state)?;
            let is_newest = state.segment_of(&upper.source).is_some_and(|s| s.key == upper.key);
            Some((origin.clone(), lower, upper, is_newest))
        });
        let Some((origin, lower, upper, is_newest)) = found else { return Ok(None) };
        let down = upper.rows <= lower.rows;
        if down && is_newest && upper.rows > STEP as u64 {
            let id = SegmentId(self.next_segment.fetch_add(1, Ordering::Relaxed));
            let key = SegmentKey { segment: id, ..upper.key };
            self.add_segment(&origin, Segment { key, rows: 0, ..upper.clone() })?;
        }
        let (lower, upper) = (lower.key, upper.key);
        Ok(Some(Folding { origin, lower, upper, down, from: Vec::new(), moved: 0 }))
    }

    fn fold_row(
        &mut self,
        folding: &Folding,
        from: &Segment,
        to: &Segment,
        it: Move,
    ) -> Result<(), ChangeError> {
        let Move { subject, row, there } = it;
        let origin = &folding.origin;
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        if let Some(segment) = state.segment_mut(from.key) {
            self.writes.delete_row(segment, &subject, &row)?;
        }
        let Some(target) = state.segment_mut(to.key) else {
            return Ok(());
        };
        match (folding.down, row, there) {
            // What is above wins, and a tombstone takes what is below with it.
            (true, Row::Says(said), there) => {
                self.writes.put_row(target, &subject, there.as_ref(), with_origin(*said, from))?;
            }
            (true, Row::Tombstone, Some(there)) | (false, _, Some(there @ Row::Tombstone)) => {
                self.writes.delete_row(target, &subject, &there)?;
            }
            (false, Row::Says(said), None) => {
                self.writes.put_row(target, &subject, None, with_origin(*said, from))?;
            }
            (true, Row::Tombstone, None)
            | (false, Row::Tombstone, None)
            | (false, _, Some(Row::Says(_))) => {}
        }
        Ok(())
    }

    fn drop_segment(&mut self, origin: &Name, dropped: &Segment) {
        self.writes.batch.delete_cf(cf(self.writes.db, schema::SEGMENTS), dropped.key.bytes());
        let Some(state) = self.ledger.zones.get_mut(origin) else { return };
        state.segments.retain(|other| other.key != dropped.key);
        for other in state.segments.iter_mut().filter(|other| other.source == dropped.source) {
            other.changed = other.changed.max(dropped.changed);
        }
    }
}

/// A row that no longer shares anything with its segment.
fn with_origin(said: Said, segment: &Segment) -> Row {
    let origin = Origin::Own(said.origin.written(segment));
    Row::Says(Box::new(said.with_origin(origin)))
}

/// The oldest segment of a source that has several, and the next.
fn oldest_two(state: &ZoneState) -> Option<(Segment, Segment)> {
    state.segments.iter().rev().find_map(|lower| {
        let newer = state.segments_of(&lower.source).filter(|segment| segment.key > lower.key);
        Some((lower.clone(), newer.last()?.clone()))
    })
}

/// The next rows of a segment, beside what another has.
fn moves(
    view: &View<'_>,
    from: &Segment,
    to: &Segment,
    place: &[u8],
) -> Result<Vec<Move>, StoreError> {
    let mut rows = Cursor::new(view, from, place, Reading::Some)?;
    let mut others = Cursor::new(view, to, place, Reading::Some)?;
    let mut moves = Vec::with_capacity(STEP);
    while let Some(subject) = rows.key().filter(|_| moves.len() < STEP) {
        others.seek(subject)?;
        let there = if others.key() == Some(subject) { Some(others.row()?) } else { None };
        moves.push(Move { subject: subject.to_vec(), row: rows.row()?, there });
        rows.next()?;
    }
    Ok(moves)
}
