//! The rows of documents, and reading them.
//!
//! A row has the key kind · 0 · id. Its index rows are keys only: by group, and by due time. Neither kinds
//! nor ids have a zero byte and a group's length stands before it, so no key of one kind or group begins
//! like those of another.

use std::collections::BTreeMap;

use dnsbl_types::UnixTime;
use rocksdb::{DB, ReadOptions, WriteBatch, WriteOptions};

use crate::{
    Document, DocumentId, DocumentKind, Reader, StoreError, codec,
    cursor::Reading,
    document::{self, DocumentValue},
    log::read_seq,
    scan::{View, cf},
    schema,
};

/// Index rows that count the documents of a kind.
const COUNT: u8 = 1;
/// Index rows by group.
const GROUP: u8 = 2;
/// Index rows by due time.
const DUE: u8 = 3;

/// Index rows in one batch when they are rebuilt.
const REBUILT: usize = 10_000;

/// What all keys of a kind begin with.
fn of_kind(kind: &DocumentKind) -> Vec<u8> {
    [kind.as_str().as_bytes(), &[0]].concat()
}

/// The key of a document.
pub(crate) fn row(kind: &DocumentKind, id: &DocumentId) -> Vec<u8> {
    [&of_kind(kind), id.as_str().as_bytes()].concat()
}

fn count_key(kind: &DocumentKind) -> Vec<u8> {
    [&[COUNT], kind.as_str().as_bytes()].concat()
}

/// What all index rows of a group begin with.
fn of_group(kind: &DocumentKind, group: &[u8]) -> Vec<u8> {
    [&[GROUP], of_kind(kind).as_slice(), &[group.len() as u8], group].concat()
}

/// What all index rows by due time of a kind begin with; then comes the time, then the id.
fn of_due(kind: &DocumentKind) -> Vec<u8> {
    [&[DUE], of_kind(kind).as_slice()].concat()
}

/// The keys of a document's index rows.
fn index_keys(document: &Document) -> impl Iterator<Item = Vec<u8>> {
    let (kind, id) = (document.kind(), document.id().as_str().as_bytes());
    let by_group = [&of_group(kind, document.group()), id].concat();
    let due = document.due();
    let by_due = due.map(|at| [&of_due(kind), at.0.to_be_bytes().as_slice(), id].concat());
    [by_group].into_iter().chain(by_due)
}

/// Writes a document over `old`, with its index rows.
pub(crate) fn put(db: &DB, batch: &mut WriteBatch, old: Option<&Document>, document: &Document) {
    remove_index(db, batch, old);
    for key in index_keys(document) {
        batch.put_cf(cf(db, schema::DOCUMENT_INDEX), key, []);
    }
    let (key, value) = (row(document.kind(), document.id()), DocumentValue::from(document));
    batch.put_cf(cf(db, schema::DOCUMENTS), key, codec::encode(&value));
}

/// The revision of a document as it stands in the database.
pub(crate) fn revision(bytes: &[u8]) -> Option<u64> {
    Some(codec::decode::<DocumentValue>("document", bytes).ok()?.revision())
}

/// Deletes a document that is there, with its index rows.
pub(crate) fn delete(db: &DB, batch: &mut WriteBatch, old: &Document) {
    remove_index(db, batch, Some(old));
    batch.delete_cf(cf(db, schema::DOCUMENTS), row(old.kind(), old.id()));
}

fn remove_index(db: &DB, batch: &mut WriteBatch, old: Option<&Document>) {
    for key in old.into_iter().flat_map(index_keys) {
        batch.delete_cf(cf(db, schema::DOCUMENT_INDEX), key);
    }
}

/// Writes how many documents of a kind there are.
pub(crate) fn put_count(db: &DB, batch: &mut WriteBatch, kind: &DocumentKind, count: u64) {
    batch.put_cf(cf(db, schema::DOCUMENT_INDEX), count_key(kind), count.to_be_bytes());
}

/// Writes all index rows anew, where tables were lost and rows may be missing.
pub(crate) fn rebuild_index(db: &DB) -> Result<(), StoreError> {
    let view = View::new(db);
    let mut batch = WriteBatch::default();
    batch.delete_range_cf(cf(db, schema::DOCUMENT_INDEX), [0], [u8::MAX]);
    let mut counts: BTreeMap<DocumentKind, u64> = BTreeMap::new();
    let mut iter = view.iter(schema::DOCUMENTS, ReadOptions::default());
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        let (kind, id) = read_row(key)?;
        *counts.entry(kind.clone()).or_default() += 1;
        for key in index_keys(&decode(kind, id, value)?) {
            batch.put_cf(cf(db, schema::DOCUMENT_INDEX), key, []);
        }
        if batch.len() >= REBUILT {
            db.write(std::mem::take(&mut batch))?;
        }
        iter.next();
    }
    iter.status()?;
    for (kind, count) in counts {
        put_count(db, &mut batch, &kind, count);
    }
    let mut options = WriteOptions::default();
    options.set_sync(true);
    Ok(db.write_opt(batch, &options)?)
}

impl Reader<'_> {
    /// A document.
    pub fn document(
        &self,
        kind: &DocumentKind,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        let value = self.view.find(schema::DOCUMENTS, &row(kind, id))?;
        value.map(|bytes| decode(kind.clone(), id.clone(), &bytes)).transpose()
    }

    /// How many documents of a kind there are.
    pub fn count_documents(&self, kind: &DocumentKind) -> Result<u64, StoreError> {
        let value = self.view.find(schema::DOCUMENT_INDEX, &count_key(kind))?;
        value.map_or(Ok(0), |bytes| read_seq(&bytes))
    }

    /// At most `limit` documents behind `after`, in the order of ids.
    pub fn documents(
        &self,
        kind: &DocumentKind,
        after: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let start = after.map_or_else(|| of_kind(kind), |id| row(kind, id));
        let mut found = Vec::new();
        let mut iter = self.view.iter(schema::DOCUMENTS, within(&of_kind(kind)));
        iter.seek(&start);
        if after.is_some() && iter.key() == Some(&start) {
            iter.next();
        }
        while let Some((key, value)) = iter.item().filter(|_| found.len() < limit) {
            found.push(decode(kind.clone(), read_id(key, of_kind(kind).len())?, value)?);
            iter.next();
        }
        iter.status()?;
        Ok(found)
    }

    /// At most `limit` documents before `before`, the last id first: where ids begin with a time, the newest.
    pub fn last_documents(
        &self,
        kind: &DocumentKind,
        before: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let ids = self.last_ids(schema::DOCUMENTS, &of_kind(kind), before, limit)?;
        self.documents_with(kind, &ids)
    }

    /// At most `limit` documents of a group before `before`, the last id first.
    pub fn documents_of_group(
        &self,
        kind: &DocumentKind,
        group: &[u8],
        before: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        if group.len() > Document::MAX_GROUP {
            return Ok(Vec::new());
        }
        let ids = self.last_ids(schema::DOCUMENT_INDEX, &of_group(kind, group), before, limit)?;
        self.documents_with(kind, &ids)
    }

    /// At most `limit` documents that are due at `until` or were before, the longest overdue first.
    pub fn documents_due(
        &self,
        kind: &DocumentKind,
        until: UnixTime,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let prefix = of_due(kind);
        let mut ids = Vec::new();
        let mut iter = self.view.iter(schema::DOCUMENT_INDEX, within(&prefix));
        iter.seek(&prefix);
        while let Some(key) = iter.key().filter(|_| ids.len() < limit) {
            let at = key.get(prefix.len()..prefix.len() + 8).unwrap_or_default();
            if read_seq(at)? > until.0 {
                break;
            }
            ids.push(read_id(key, prefix.len() + 8)?);
            iter.next();
        }
        iter.status()?;
        self.documents_with(kind, &ids)
    }

    /// The last ids behind a prefix and before `before`, last first.
    fn last_ids(
        &self,
        family: &str,
        prefix: &[u8],
        before: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let mut ids = Vec::new();
        let mut options = within(prefix);
        if let Some(before) = before {
            options.set_iterate_upper_bound([prefix, before.as_str().as_bytes()].concat());
        }
        let mut iter = self.view.iter(family, options);
        iter.seek_to_last();
        while let Some(key) = iter.key().filter(|_| ids.len() < limit) {
            ids.push(read_id(key, prefix.len())?);
            iter.prev();
        }
        iter.status()?;
        Ok(ids)
    }

    fn documents_with(
        &self,
        kind: &DocumentKind,
        ids: &[DocumentId],
    ) -> Result<Vec<Document>, StoreError> {
        let found = ids.iter().map(|id| {
            let missing = || StoreError::unreadable("document", format!("{kind} {id} is missing"));
            self.document(kind, id)?.ok_or_else(missing)
        });
        found.collect()
    }
}

/// Options to read the keys with a prefix.
fn within(prefix: &[u8]) -> ReadOptions {
    // A due time may be all 0xff, what follows it is not.
    let mut options = Reading::Some.options([prefix, &[u8::MAX; 9]].concat());
    options.set_iterate_lower_bound(prefix);
    options
}

fn read_row(key: &[u8]) -> Result<(DocumentKind, DocumentId), StoreError> {
    let unreadable = || StoreError::unreadable("document key", format!("{key:x?}"));
    let end = key.iter().position(|&byte| byte == 0).ok_or_else(unreadable)?;
    let kind = std::str::from_utf8(&key[..end]).map_err(|_| unreadable())?;
    Ok((document::kind(kind)?, read_id(key, end + 1)?))
}

fn read_id(key: &[u8], from: usize) -> Result<DocumentId, StoreError> {
    let id = key.get(from..).and_then(|id| std::str::from_utf8(id).ok());
    document::id(id.ok_or_else(|| StoreError::unreadable("document key", format!("{key:x?}")))?)
}

fn decode(kind: DocumentKind, id: DocumentId, bytes: &[u8]) -> Result<Document, StoreError> {
    codec::decode::<DocumentValue>("document", bytes)?.document(kind, id)
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;
    use rocksdb::WriteBatch;

    use super::{delete, put, put_count, rebuild_index};
    use crate::{
        Document, Reader,
        open::open_db,
        scan::{View, cf},
        schema,
    };

    #[test]
    fn an_index_that_was_lost_is_made_anew_from_the_documents() {
        let dir = tempfile::tempdir().unwrap();
        let db = open_db(dir.path(), &schema::db_options()).unwrap();
        let document = |kind: &str, id: &str, due| {
            let (kind, id) = (kind.parse().unwrap(), id.parse().unwrap());
            Document::new(kind, id, b"g".to_vec(), due, vec![]).unwrap()
        };
        let kept = document("a", "1", Some(UnixTime(5)));
        let (lost, other) = (document("a", "2", None), document("b", "1", None));
        let mut batch = WriteBatch::default();
        for document in [&kept, &lost, &other] {
            put(&db, &mut batch, None, document);
        }
        put_count(&db, &mut batch, kept.kind(), 2);
        db.write(batch).unwrap();
        let mut batch = WriteBatch::default();
        delete(&db, &mut batch, &kept);
        batch.delete_cf(cf(&db, schema::DOCUMENTS), super::row(lost.kind(), lost.id()));
        let value = super::DocumentValue::from(&kept);
        let key = super::row(kept.kind(), kept.id());
        batch.put_cf(cf(&db, schema::DOCUMENTS), key, crate::codec::encode(&value));
        db.write(batch).unwrap();

        rebuild_index(&db).unwrap();
        let reader = Reader { view: View::new(&db), now: UnixTime(0) };
        let due = reader.documents_due(kept.kind(), UnixTime(5), 9).unwrap();
        assert_eq!(due, std::slice::from_ref(&kept));
        let of_group = reader.documents_of_group(kept.kind(), b"g", None, 9).unwrap();
        assert_eq!(of_group, due);
        assert_eq!(reader.count_documents(kept.kind()).unwrap(), 1);
        assert_eq!(reader.count_documents(other.kind()).unwrap(), 1);
    }
}
