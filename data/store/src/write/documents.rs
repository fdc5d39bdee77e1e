//! Changes of documents.

use crate::{
    ChangeError, Op,
    format::{
        document::{Document, DocumentId, DocumentKind},
        document_key,
    },
    write::{
        operation::{OperationResult, Precondition},
        transaction::Transaction,
    },
};

pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    document: Document,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let old = expected(transaction, document.kind(), document.id(), precondition)?;
    if let Some(old) = old.as_ref().filter(|old| old.same_content(&document)) {
        return Ok(OperationResult::Document { revision: old.revision() });
    }
    let revision = transaction.seq();
    let document = document.with_revision(revision);
    let key = document_key::of_document(document.kind(), document.id());
    transaction.set_document(key, old.as_ref(), Some(&document));
    transaction.log(Op::PutDocument { document: Box::new(document) });
    Ok(OperationResult::Document { revision })
}

pub(crate) fn delete(
    transaction: &mut Transaction<'_>,
    kind: DocumentKind,
    id: DocumentId,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let Some(old) = expected(transaction, &kind, &id, precondition)? else {
        return Ok(OperationResult::Count(0));
    };
    transaction.set_document(document_key::of_document(&kind, &id), Some(&old), None);
    transaction.log(Op::DeleteDocument { kind, id });
    Ok(OperationResult::Count(1))
}

/// A document as the operations so far leave it, if the condition holds for it.
fn expected(
    transaction: &Transaction<'_>,
    kind: &DocumentKind,
    id: &DocumentId,
    precondition: &Precondition,
) -> Result<Option<Document>, ChangeError> {
    let document = transaction.document(kind, id)?;
    let found = document.as_ref().map(Document::revision);
    if precondition.holds(found) {
        return Ok(document);
    }
    Err(ChangeError::Stale { kind: kind.clone(), id: id.clone(), found })
}
