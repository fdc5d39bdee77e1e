//! The keys of documents and of their index rows.
//!
//! A document has the key kind · 0 · id. Its index rows are keys only: by group, and by due time. Neither kinds
//! nor ids have a zero byte and a group's length stands before it, so no key of one kind or group begins
//! like those of another. Older releases kept the number of documents of each kind among the index rows,
//! under keys that begin with 1.

use crate::{
    StoreError,
    format::document::{self, Document, DocumentId, DocumentKind},
};

/// Index rows by group.
const GROUP: u8 = 2;
/// Index rows by due time.
const DUE: u8 = 3;

/// The start of the keys of all documents of a kind.
pub(crate) fn of_kind(kind: &DocumentKind) -> Vec<u8> {
    [kind.as_str().as_bytes(), &[0]].concat()
}

/// The key of a document.
pub(crate) fn of_document(kind: &DocumentKind, id: &DocumentId) -> Vec<u8> {
    [&of_kind(kind), id.as_str().as_bytes()].concat()
}

/// The start of the keys of all index rows of a group; then comes the id.
pub(crate) fn of_group(kind: &DocumentKind, group: &[u8]) -> Vec<u8> {
    [&[GROUP], of_kind(kind).as_slice(), &[group.len() as u8], group].concat()
}

/// The start of the keys of all index rows by due time of a kind; then comes the time, then the id.
pub(crate) fn of_due(kind: &DocumentKind) -> Vec<u8> {
    [&[DUE], of_kind(kind).as_slice()].concat()
}

/// The keys of a document's index rows.
pub(crate) fn of_index(document: &Document) -> impl Iterator<Item = Vec<u8>> {
    let (kind, id) = (document.kind(), document.id().as_str().as_bytes());
    let by_group = [&of_group(kind, document.group()), id].concat();
    let due = document.due();
    let by_due = due.map(|at| [&of_due(kind), at.0.to_be_bytes().as_slice(), id].concat());
    [by_group].into_iter().chain(by_due)
}

/// Kind and id in the key of a document.
pub(crate) fn read(key: &[u8]) -> Result<(DocumentKind, DocumentId), StoreError> {
    let unreadable = || StoreError::unreadable("document key", format!("{key:x?}"));
    let end = key.iter().position(|&byte| byte == 0).ok_or_else(unreadable)?;
    let kind = std::str::from_utf8(&key[..end]).map_err(|_| unreadable())?;
    Ok((document::kind(kind)?, read_id(key, end + 1)?))
}

/// The id at the end of a key.
pub(crate) fn read_id(key: &[u8], from: usize) -> Result<DocumentId, StoreError> {
    let id = key.get(from..).and_then(|id| std::str::from_utf8(id).ok());
    document::id(id.ok_or_else(|| StoreError::unreadable("document key", format!("{key:x?}")))?)
}
