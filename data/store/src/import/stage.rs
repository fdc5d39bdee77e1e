//! Staging purges and undos: deciding them on a state of the store, while other changes go on.

use std::sync::Arc;

use dnsbl_types::{Name, UnixTime};

use crate::{
    ChangeError, Operation,
    db::Db,
    import::{
        commit::{BulkCommit, BulkKind, Purge, StagedPart, StagedParts},
        content::Content,
        folder::Folder,
        order::Order,
        selection::Selection,
    },
    read::{state, undo, view::View},
    write::{self, operation::StagedImport},
};

/// The operation that purges what is selected of some zones.
///
/// # Errors
///
/// If one of the zones does not exist, or the store fails.
pub(crate) fn purge(
    db: &Arc<Db>,
    zones: &[Name],
    selection: Selection,
    expect: Option<u64>,
    dry_run: bool,
    now: UnixTime,
) -> Result<Operation, ChangeError> {
    refuse_unwritable(db)?;
    let id = format!("{:08x}", db.next_segment().0);
    let purge =
        Purge { id, zones: zones.to_vec(), selection: Arc::new(selection), expect, dry_run };
    let mut parts = Vec::new();
    for origin in zones {
        let zone = state::read_zone(&View::latest(&db.rocks), origin)?;
        let zone = zone.ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        for source in purge.sources(&zone) {
            parts.push(purge.part(db, &zone, source, now)?);
        }
    }
    commit(db, BulkKind::Purge(purge), parts)
}

/// The operation that undoes a change.
///
/// # Errors
///
/// If there was no such change, what an undo needs is no longer kept, the zone is gone, or the store fails.
pub(crate) fn undo(
    db: &Arc<Db>,
    of: u64,
    dry_run: bool,
    now: UnixTime,
) -> Result<Operation, ChangeError> {
    refuse_unwritable(db)?;
    let view = View::snapshot(&db.rocks);
    let Some(record) = undo::read(&view, of)? else {
        write::undo::entry(&view, of)?;
        return Ok(Operation::Undo { seq: of });
    };
    let id = format!("{:08x}", db.next_segment().0);
    let mut parts = Vec::new();
    for part in record.parts {
        let zone = state::read_zone(&view, &part.origin)?.filter(|zone| zone.id == part.zone);
        let zone = zone.ok_or_else(|| ChangeError::ZoneGone { of, zone: part.origin.clone() })?;
        let mut order = Order::new(db, zone.id, &zone.zone, part.source.clone());
        order.dry_run = dry_run;
        let folder = Folder::new(&db.path, &order.id());
        parts.push(StagedPart::new(order, Content::Undo { part, folder }, now)?);
    }
    commit(db, BulkKind::Undo { of, id }, parts)
}

fn commit(db: &Db, kind: BulkKind, parts: Vec<StagedPart>) -> Result<Operation, ChangeError> {
    let staged = StagedParts::new(db, parts)?;
    Ok(Operation::CommitImport(StagedImport(Box::new(BulkCommit { kind, staged }))))
}

fn refuse_unwritable(db: &Db) -> Result<(), ChangeError> {
    db.failure().map_or(Ok(()), |failure| Err(failure.into()))
}
