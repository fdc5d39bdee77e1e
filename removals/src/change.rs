//! Changes of the store, and waiting for them.

use std::sync::Arc;

use dnsbl_store::{Actor, Change, ChangeError, Document, Operation, Precondition, Store};
use dnsbl_types::UnixTime;
use tokio::sync::oneshot;

/// The reason why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The store refused it, or failed.
    #[error(transparent)]
    Change(Arc<ChangeError>),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl WriteError {
    /// Whether something has changed meanwhile that the change rests on.
    pub(crate) fn is_stale(&self) -> bool {
        let Self::Change(err) = self else { return false };
        matches!(**err, ChangeError::Stale { .. } | ChangeError::Precondition)
    }

    /// Whether the store refuses such a change, and takes others.
    pub(crate) fn is_refusal(&self) -> bool {
        let Self::Change(err) = self else { return false };
        !matches!(**err, ChangeError::Busy | ChangeError::Unwritable { .. } | ChangeError::Store(_))
    }
}

/// Makes a change, and returns its number once it is durable and visible.
pub(crate) async fn commit(
    store: &Store,
    actor: Actor,
    operations: Vec<Operation>,
    now: UnixTime,
) -> Result<u64, WriteError> {
    let (tx, rx) = oneshot::channel();
    let change = Change { actor, operations };
    store.submit(change, now, move |done: Result<_, ChangeError>| drop(tx.send(done)));
    let done = rx.await.map_err(|_| WriteError::Stopping)?;
    done.map(|done| done.seq).map_err(|err| WriteError::Change(Arc::new(err)))
}

/// Writes a document, whatever is there.
pub(crate) fn put(document: Document) -> Operation {
    Operation::PutDocument { document: Box::new(document), precondition: Precondition::None }
}

/// Writes a document in the place of one that is still as it was read.
pub(crate) fn replace(document: Document, read: &Document) -> Operation {
    let precondition = Precondition::matches(read.revision());
    Operation::PutDocument { document: Box::new(document), precondition }
}

/// Deletes a document that is still as it was read.
pub(crate) fn delete(read: &Document) -> Operation {
    Operation::DeleteDocument {
        kind: read.kind().clone(),
        id: read.id().clone(),
        precondition: Precondition::matches(read.revision()),
    }
}
