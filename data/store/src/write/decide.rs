//! Deciding an operation: which file decides what.

use crate::{
    ChangeError,
    write::{
        allowlist, compact, documents, freeze, listings,
        operation::{Operation, OperationResult},
        subscribers, sweep, tokens,
        transaction::Transaction,
        truncate, undo, zones,
    },
};

/// Plans an operation.
///
/// # Errors
///
/// If it can't be made; then the transaction can't.
pub(crate) fn decide(
    transaction: &mut Transaction<'_>,
    operation: Operation,
) -> Result<OperationResult, ChangeError> {
    match operation {
        Operation::PutZone { zone, serial_floor } => zones::put(transaction, *zone, serial_floor),
        Operation::DeleteZone(origin) => zones::delete(transaction, &origin),
        Operation::PutListing { zone, subject, source, body, precondition } => {
            listings::put(transaction, &zone, subject, &source, *body, &precondition)
        }
        Operation::DeleteListing { zone, subject, sources, precondition } => {
            listings::delete(transaction, &zone, &subject, &sources, &precondition)
        }
        Operation::PutDocument { document, precondition } => {
            documents::put(transaction, *document, &precondition)
        }
        Operation::DeleteDocument { kind, id, precondition } => {
            documents::delete(transaction, kind, id, &precondition)
        }
        Operation::CommitImport(import) => import.0.decide(transaction),
        Operation::PutToken(token) => tokens::put(transaction, token),
        Operation::DeleteToken { id, keep } => tokens::delete(transaction, &id, keep),
        Operation::PutSubscriber { subscriber, precondition } => {
            subscribers::put(transaction, *subscriber, &precondition)
        }
        Operation::RotateSubscriber { id, digest, overlap, precondition } => {
            subscribers::rotate(transaction, id, digest, overlap, &precondition)
        }
        Operation::DeleteSubscriber { id, precondition } => {
            subscribers::delete(transaction, id, &precondition)
        }
        Operation::PutAllow { entry, precondition } => {
            allowlist::put(transaction, *entry, &precondition)
        }
        Operation::DeleteAllow { zone, subject, precondition } => {
            allowlist::delete(transaction, zone.as_ref(), &subject, &precondition)
        }
        Operation::Sweep => sweep::sweep(transaction),
        Operation::CompactSegments => compact::compact(transaction),
        Operation::TruncateLog { floor } => truncate::truncate(transaction, floor),
        Operation::PutSource { zone, source, frozen } => {
            freeze::put(transaction, &zone, source, frozen)
        }
        Operation::Undo { seq } => undo::undo(transaction, seq),
        Operation::ForgetUndo { before } => {
            Ok(OperationResult::Count(undo::forget_before(transaction, before)?))
        }
    }
}
