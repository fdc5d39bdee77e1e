//! Dropping the oldest entries of the log.
//!
//! What goes is decided by whoever asks for it, on a state of the store (`read/log_size.rs`).

use crate::{
    ChangeError,
    format::schema,
    read::log,
    write::{operation::OperationResult, transaction::Transaction, undo},
};

/// Drops the entries before one, never the last; the result counts them.
pub(crate) fn truncate(
    transaction: &mut Transaction<'_>,
    floor: u64,
) -> Result<OperationResult, ChangeError> {
    let first = log::read_floor(transaction.view)?;
    let floor = floor.min(transaction.state.head);
    if floor <= first {
        return Ok(OperationResult::Count(0));
    }
    undo::forget_before(transaction, floor)?;
    transaction.delete_range(schema::LOG, 0_u64.to_be_bytes(), floor.to_be_bytes());
    transaction.put(schema::META, *b"log_floor", floor.to_be_bytes().into());
    Ok(OperationResult::Count(floor - first))
}
