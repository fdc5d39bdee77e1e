//! Compaction: bringing a source back to one segment, a few rows at a time.
//!
//! Rows move between the two oldest segments of a source, always out of the smaller one, and leave
//! what can be read as it was. Since nothing is older than the lower of the two, a tombstone has
//! done its work once it meets it.
//!
//! A compaction goes on where it stopped. So that no row comes to lie behind it, a large segment that it
//! empties takes no direct writes meanwhile: those go to a new one.

use crate::{
    ChangeError, StoreError,
    format::{
        key::SegmentKey,
        row::{ListingRow, Provenance, Row},
        schema,
    },
    read::{
        cursor::{Cursor, Reading},
        state::{Segment, ZoneState},
        view::{StoredRow, View},
    },
    write::{operation::OperationResult, state::Compaction, transaction::Transaction},
};

/// Rows that one step moves at most: other changes wait meanwhile, some milliseconds.
const STEP: usize = 200;

/// A row that moves, and what the other segment has in its place.
struct Move {
    subject: Vec<u8>,
    row: StoredRow,
    there: Option<StoredRow>,
}

/// Moves up to [`STEP`] rows of a source that has several segments; the result counts them.
///
/// A segment that is empty goes, which counts as a row.
pub(crate) fn compact(transaction: &mut Transaction<'_>) -> Result<OperationResult, ChangeError> {
    let begun = transaction.compaction().filter(|begun| goes_on(transaction, begun)).cloned();
    let Some(mut compaction) = begun.or_else(|| begin(transaction)) else {
        transaction.set_compaction(None);
        return Ok(OperationResult::Count(0));
    };
    let mut zone = transaction.zone(&compaction.origin)?.clone();
    let (lower, upper) = (zone.segment(compaction.lower), zone.segment(compaction.upper));
    let (Some(lower), Some(upper)) = (lower.cloned(), upper.cloned()) else {
        return Ok(OperationResult::Count(0));
    };
    let (from, to) = if compaction.down { (&upper, &lower) } else { (&lower, &upper) };
    let moves = next_moves(transaction.view, from, to, &compaction.from)?;
    let moved = moves.len();
    compaction.moved += moved as u64;
    if let Some(last) = moves.last() {
        // The first key behind it.
        compaction.from = [last.subject.as_slice(), &[0]].concat();
    }
    for it in moves {
        move_row(transaction, &mut zone, &compaction, (from, to), it)?;
    }
    let is_empty = zone.segment(from.key).is_none_or(|segment| segment.rows == 0);
    let begun = if moved == STEP {
        Some(compaction)
    } else if compaction.moved == 0 || is_empty {
        drop_segment(transaction, &mut zone, from);
        None
    } else {
        // A write of a small segment may have come behind the place.
        Some(Compaction { from: Vec::new(), moved: 0, ..compaction })
    };
    transaction.set_compaction(begun);
    transaction.set_zone(zone);
    Ok(OperationResult::Count(moved as u64 + u64::from(moved < STEP)))
}

/// Whether both segments are still there.
fn goes_on(transaction: &Transaction<'_>, compaction: &Compaction) -> bool {
    transaction.find_zone(&compaction.origin).is_some_and(|zone| {
        [compaction.lower, compaction.upper].into_iter().all(|key| zone.segment(key).is_some())
    })
}

/// The compaction of the first source that has several segments.
fn begin(transaction: &mut Transaction<'_>) -> Option<Compaction> {
    let mut zones = transaction.state.zones.values();
    let (mut zone, lower, upper) = zones.find_map(|zone| {
        let (lower, upper) = oldest_two(zone)?;
        Some((zone.clone(), lower, upper))
    })?;
    let down = upper.rows <= lower.rows;
    let is_newest = zone.segment_of(&upper.source).is_some_and(|newest| newest.key == upper.key);
    if down && is_newest && upper.rows > STEP as u64 {
        let key = SegmentKey { segment: transaction.new_segment_id(), ..upper.key };
        transaction.add_segment(&mut zone, Segment { key, rows: 0, ..upper.clone() });
    }
    let origin = zone.zone.origin.clone();
    transaction.set_zone(zone);
    let (lower, upper) = (lower.key, upper.key);
    Some(Compaction { origin, lower, upper, down, from: Vec::new(), moved: 0 })
}

fn move_row(
    transaction: &mut Transaction<'_>,
    zone: &mut ZoneState,
    compaction: &Compaction,
    (from, to): (&Segment, &Segment),
    it: Move,
) -> Result<(), StoreError> {
    let Move { subject, row, there } = it;
    if let Some(segment) = zone.segment_mut(from.key) {
        transaction.delete_row(segment, &subject, &row)?;
    }
    let Some(target) = zone.segment_mut(to.key) else { return Ok(()) };
    let there_is_tombstone = there.as_ref().is_some_and(|there| there.row == Row::Tombstone);
    match (compaction.down, row.row, there) {
        // What is above wins, and a tombstone takes what is below with it.
        (true, Row::Listing(listing), there) => {
            transaction.put_row(target, &subject, there.as_ref(), with_own_stamp(*listing, from))
        }
        (true, Row::Tombstone, Some(there)) => transaction.delete_row(target, &subject, &there),
        (false, _, Some(there)) if there_is_tombstone => {
            transaction.delete_row(target, &subject, &there)
        }
        (false, Row::Listing(listing), None) => {
            transaction.put_row(target, &subject, None, with_own_stamp(*listing, from))
        }
        (true, Row::Tombstone, None) | (false, _, _) => Ok(()),
    }
}

fn drop_segment(transaction: &mut Transaction<'_>, zone: &mut ZoneState, dropped: &Segment) {
    transaction.delete(schema::SEGMENTS, dropped.key.bytes());
    zone.segments.retain(|other| other.key != dropped.key);
    for other in zone.segments.iter_mut().filter(|other| other.source == dropped.source) {
        other.changed = other.changed.max(dropped.changed);
    }
}

/// A row that no longer shares anything with its segment.
fn with_own_stamp(listing: ListingRow, segment: &Segment) -> Row {
    let provenance = Provenance::Own(listing.provenance.stamp(&segment.stamp));
    Row::Listing(Box::new(listing.with_provenance(provenance)))
}

/// The oldest segment of a source that has several, and the next.
fn oldest_two(zone: &ZoneState) -> Option<(Segment, Segment)> {
    zone.segments.iter().rev().find_map(|lower| {
        let newer = zone.segments_of(&lower.source).filter(|segment| segment.key > lower.key);
        Some((lower.clone(), newer.last()?.clone()))
    })
}

/// The next rows of a segment, beside what another has.
fn next_moves(
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
        let there = if others.key() == Some(subject) { Some(others.stored()?) } else { None };
        moves.push(Move { subject: subject.to_vec(), row: rows.stored()?, there });
        rows.next()?;
    }
    Ok(moves)
}
