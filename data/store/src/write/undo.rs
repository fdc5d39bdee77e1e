//! Undoing a change of single listings, of settings or of sources, by what the log says of it.
//!
//! All that it changed must be as it left it, and becomes what it was; else nothing does. An undo puts listings back
//! as they were, with their times and tags, so that changes before can be undone after it. Those of many listings are in
//! `import/`.

use dnsbl_types::{Listing, Name, Zone};

use crate::{
    ChangeError, ImportCounts, LogEntry, Op,
    format::{log::decode_entry, schema},
    read::{log, undo, view::View},
    write::{freeze, listings, operation::OperationResult, transaction::Transaction, zones},
};

/// The entry of the log that tells of a change.
///
/// # Errors
///
/// If there was no such change, or it was dropped from the log.
pub(crate) fn entry(view: &View<'_>, seq: u64) -> Result<LogEntry, ChangeError> {
    if let Some(bytes) = view.find(schema::LOG, &seq.to_be_bytes())? {
        return Ok(decode_entry(seq, &bytes)?);
    }
    match seq > 0 && seq < log::read_floor(view)? {
        true => Err(ChangeError::NotKept(seq)),
        false => Err(ChangeError::NoChange(seq)),
    }
}

/// Undoes a change.
pub(crate) fn undo(
    transaction: &mut Transaction<'_>,
    of: u64,
) -> Result<OperationResult, ChangeError> {
    let entry = entry(transaction.view, of)?;
    let is_about_more = !entry.ops.iter().all(is_decision);
    let mut told = entry.ops.iter().filter(|op| !(is_about_more && is_decision(op)));
    if let Some(why) = told.find_map(why_not) {
        return Err(ChangeError::NotUndoable { of, why });
    }
    if entry.ops.iter().any(is_of_many) {
        // What is kept was kept, or this would not be asked here.
        return Err(ChangeError::NotKept(of));
    }
    transaction.log(Op::Undo { of, part: None });
    let (mut counts, mut undone) = (ImportCounts::default(), 0);
    for op in entry.ops.into_iter().rev() {
        undone += u64::from(undo_op(transaction, of, op, &mut counts)?);
    }
    match undone {
        0 => Err(ChangeError::NothingToUndo(of)),
        _ => Ok(OperationResult::Undone { of, counts }),
    }
}

/// Kinds of documents that tell of what was decided about listings. An undo puts the listings back; whoever owns these
/// sees to them.
const DECISIONS: [&str; 6] =
    ["mail", "removal-case", "removal-contact", "removal-request", "review-claim", "review-mark"];

/// Why an operation can't be undone, where that is so.
fn why_not(op: &Op) -> Option<&'static str> {
    Some(match op {
        Op::Delete { expired: true, .. } => "what has expired is listed anew, if it should be",
        Op::DeleteZone { .. } => {
            "a zone that was deleted is gone with its listings: make it again, and import them"
        }
        Op::PutDocument { .. } | Op::DeleteDocument { .. } => {
            "it belongs to a feed, a relay test, a login, a report or a request for removal, each of which has requests of its own"
        }
        Op::PutToken { .. } | Op::RotateToken { .. } | Op::DeleteToken { .. } => {
            "tokens are made, rotated and revoked: a secret does not come back"
        }
        Op::PutAllow { .. } | Op::DeleteAllow { .. } => {
            "an allow entry is one request: put it again, or delete it"
        }
        Op::PutSubscriber { .. } | Op::RotateSubscriber { .. } | Op::DeleteSubscriber { .. } => {
            "the log does not hold the terms and keys of subscribers"
        }
        Op::PutZone { .. }
        | Op::Put { .. }
        | Op::Delete { .. }
        | Op::Import { .. }
        | Op::Purge { .. }
        | Op::Undo { .. }
        | Op::PutSource { .. } => return None,
    })
}

fn is_decision(op: &Op) -> bool {
    op.document().is_some_and(|(kind, _)| DECISIONS.contains(&kind.as_str()))
}

fn is_of_many(op: &Op) -> bool {
    matches!(op, Op::Import { .. } | Op::Purge { .. } | Op::Undo { part: Some(_), .. })
}

/// Undoes an operation; whether anything had to change.
fn undo_op(
    transaction: &mut Transaction<'_>,
    of: u64,
    op: Op,
    counts: &mut ImportCounts,
) -> Result<bool, ChangeError> {
    match op {
        Op::Put { zone, listing, previous } => {
            undo_listing(transaction, of, &zone, Some(*listing), previous, counts)
        }
        Op::Delete { zone, previous, .. } => {
            undo_listing(transaction, of, &zone, None, Some(previous), counts)
        }
        Op::PutZone { zone, previous } => undo_zone(transaction, of, &zone, previous),
        Op::PutSource { zone, source, frozen, previous } => {
            let is = transaction.find_zone(&zone).ok_or_else(|| gone(of, &zone))?;
            if is.frozen.get(&source) != frozen.as_ref() {
                let what = format!("whether the source {source} is frozen");
                return Err(overtaken(of, &zone, what, None));
            }
            freeze::leave(transaction, &zone, source, previous)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn undo_listing(
    transaction: &mut Transaction<'_>,
    of: u64,
    zone: &Name,
    left: Option<Listing>,
    was: Option<Box<Listing>>,
    counts: &mut ImportCounts,
) -> Result<bool, ChangeError> {
    let named = left.as_ref().or(was.as_deref());
    let Some((subject, source)) = named.map(|l| (l.subject.clone(), l.source.clone())) else {
        return Ok(false);
    };
    if transaction.find_zone(zone).is_none() {
        return Err(gone(of, zone));
    }
    let now = transaction.now;
    let is_live = |listing: &Listing| listing.body.expires_at.is_none_or(|at| now < at);
    let is = listings::find(transaction, zone, &subject, &source)?;
    let left = left.filter(is_live);
    let is_as_left = match (&is, &left) {
        (None, None) => true,
        (Some(is), Some(left)) => is.body == left.body && is.seq == left.seq,
        _ => false,
    };
    if !is_as_left {
        let what = format!("the listing of {subject} by {source}");
        return Err(overtaken(of, zone, what, is.map(|is| is.seq)));
    }
    let was = was.filter(|was| is_live(was));
    match (&is, &was) {
        (None, None) => return Ok(false),
        (None, Some(_)) => counts.added += 1,
        (Some(_), Some(_)) => counts.updated += 1,
        (Some(_), None) => counts.removed += 1,
    }
    listings::restore(transaction, zone, &subject, &source, was.map(|was| *was))?;
    Ok(true)
}

fn undo_zone(
    transaction: &mut Transaction<'_>,
    of: u64,
    left: &Zone,
    was: Option<Box<Zone>>,
) -> Result<bool, ChangeError> {
    let origin = &left.origin;
    let zone = transaction.find_zone(origin).ok_or_else(|| gone(of, origin))?;
    if *zone.zone != *left {
        return Err(overtaken(of, origin, "the settings of the zone".into(), None));
    }
    match was {
        Some(was) => drop(zones::put(transaction, *was, None)?),
        None if zone.segments.iter().any(|segment| segment.rows > 0) => {
            let what = "the zone, which has listings now,".into();
            return Err(overtaken(of, origin, what, None));
        }
        None => drop(zones::delete(transaction, origin)?),
    }
    Ok(true)
}

fn gone(of: u64, zone: &Name) -> ChangeError {
    ChangeError::ZoneGone { of, zone: zone.clone() }
}

fn overtaken(of: u64, zone: &Name, what: String, by: Option<u64>) -> ChangeError {
    ChangeError::Overtaken { of, zone: zone.clone(), what, by, count: 1 }
}

/// Forgets what undos of changes before one would need. The rows go where no record that stays rests on them.
pub(crate) fn forget_before(
    transaction: &mut Transaction<'_>,
    floor: u64,
) -> Result<u64, ChangeError> {
    let (mut dropped, mut forgotten, mut kept) = (Vec::new(), 0, Vec::new());
    undo::each(transaction.view, |seq, record| {
        let segments = record.parts.iter().flat_map(|part| part.segments()).map(|(key, _)| key);
        if seq < floor {
            dropped.extend(segments);
            forgotten += 1;
        } else {
            kept.extend(segments);
        }
    })?;
    if forgotten == 0 {
        return Ok(0);
    }
    dropped.retain(|key| !kept.contains(key));
    for key in dropped {
        transaction.delete_range(schema::UNDO_ROWS, key.bytes(), key.end());
    }
    transaction.delete_range(schema::UNDO, 0_u64.to_be_bytes(), floor.to_be_bytes());
    Ok(forgotten)
}
