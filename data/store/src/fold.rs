//! Folding: bringing a source back to one segment, a few rows at a time.
//!
//! Rows move between the two oldest segments of a source, always out of the smaller one, and leave
//! what can be read as it was. Since nothing is older than the lower of the two, a tombstone has
//! done its work once it meets it.

use dnsbl_types::Name;

use crate::{
    ChangeError, Done, Outcome, StoreError,
    cursor::{Cursor, Reading},
    group::Group,
    row::{Origin, Row, Said},
    scan::{View, cf},
    schema,
    state::{Segment, ZoneState},
};

/// Rows that one step moves at most.
const STEP: usize = 1000;

impl Group<'_> {
    /// Moves up to [`STEP`] rows of the first source that has several segments; the outcome counts them.
    ///
    /// A segment that is empty goes, which counts as a row.
    pub(crate) fn fold(&mut self) -> Result<Done, ChangeError> {
        let found = self
            .ledger
            .zones
            .iter()
            .find_map(|(origin, state)| Some((origin.clone(), oldest_two(state)?)));
        let Some((origin, (lower, upper))) = found else {
            return Ok(self.unchanged(Outcome::Count(0)));
        };
        let down = upper.rows <= lower.rows;
        let from = if down { &upper } else { &lower };
        let rows = first_rows(&View::new(self.writes.db), from)?;
        let moved = rows.len();
        for (subject, row) in rows {
            self.fold_row(&origin, &lower, &upper, down, &subject, row)?;
        }
        if moved < STEP {
            self.drop_segment(&origin, from);
        }
        self.touch(&origin);
        Ok(self.unchanged(Outcome::Count(moved as u64 + u64::from(moved < STEP))))
    }

    fn fold_row(
        &mut self,
        origin: &Name,
        lower: &Segment,
        upper: &Segment,
        down: bool,
        subject: &[u8],
        row: Row,
    ) -> Result<(), ChangeError> {
        let (from, to) = if down { (upper, lower) } else { (lower, upper) };
        let there = self.writes.row(to.key, subject)?;
        let state =
            self.ledger.zones.get_mut(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        if let Some(segment) = state.segment_mut(from.key) {
            self.writes.delete_row(segment, subject, &row)?;
        }
        let Some(target) = state.segment_mut(to.key) else {
            return Ok(());
        };
        match (down, row, there) {
            // What is above wins, and a tombstone takes what is below with it.
            (true, Row::Says(said), there) => {
                self.writes.put_row(target, subject, there.as_ref(), with_origin(*said, from))?;
            }
            (true, Row::Tombstone, Some(there)) | (false, _, Some(there @ Row::Tombstone)) => {
                self.writes.delete_row(target, subject, &there)?;
            }
            (false, Row::Says(said), None) => {
                self.writes.put_row(target, subject, None, with_origin(*said, from))?;
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

fn first_rows(view: &View<'_>, segment: &Segment) -> Result<Vec<(Vec<u8>, Row)>, StoreError> {
    let mut cursor = Cursor::new(view, segment, &[], Reading::Some)?;
    let mut rows = Vec::new();
    while let Some(subject) = cursor.key().filter(|_| rows.len() < STEP) {
        rows.push((subject.to_vec(), cursor.row()?));
        cursor.next()?;
    }
    Ok(rows)
}
