//! Keeping bookmarks, beside the change log: one in it would be a change that moves all the others.

use rocksdb::WriteBatch;

use crate::{
    StoreError,
    db::Db,
    format::{
        document::{DocumentId, DocumentKind},
        schema::{self, cf},
        usage::bookmark_key,
    },
};

/// Puts a bookmark in the place of the one before; `None` takes it away.
pub(crate) fn keep(
    db: &Db,
    kind: &DocumentKind,
    id: &DocumentId,
    bookmark: Option<&[u8]>,
) -> Result<(), StoreError> {
    let (family, key) = (cf(&db.rocks, schema::USAGE), bookmark_key(kind, id));
    let mut batch = WriteBatch::default();
    match bookmark {
        Some(bookmark) => batch.put_cf(family, key, bookmark),
        None => batch.delete_cf(family, key),
    }
    db.write_beside(batch)
}
