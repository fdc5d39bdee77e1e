//! Reading the documents.

use dnsbl_types::UnixTime;
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        document::{self, Document, DocumentId, DocumentKind},
        document_key,
        log::read_seq,
        schema,
    },
    read::{cursor::Reading, reader::Reader},
};

impl Reader<'_> {
    /// A document.
    pub fn document(
        &self,
        kind: &DocumentKind,
        id: &DocumentId,
    ) -> Result<Option<Document>, StoreError> {
        let value = self.view.find(schema::DOCUMENTS, &document_key::of_document(kind, id))?;
        value.map(|bytes| document::decode(kind.clone(), id.clone(), &bytes)).transpose()
    }

    /// At most `limit` documents behind `after`, in the order of ids.
    pub fn documents(
        &self,
        kind: &DocumentKind,
        after: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let start = after
            .map_or_else(|| document_key::of_kind(kind), |id| document_key::of_document(kind, id));
        let mut found = Vec::new();
        let mut iter = self.view.iter(schema::DOCUMENTS, within(&document_key::of_kind(kind)));
        iter.seek(&start);
        if after.is_some() && iter.key() == Some(&start) {
            iter.next();
        }
        while let Some((key, value)) = iter.item().filter(|_| found.len() < limit) {
            found.push(document::decode(
                kind.clone(),
                document_key::read_id(key, document_key::of_kind(kind).len())?,
                value,
            )?);
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
        let ids = self.last_ids(schema::DOCUMENTS, &document_key::of_kind(kind), before, limit)?;
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
        let ids = self.last_ids(
            schema::DOCUMENT_INDEX,
            &document_key::of_group(kind, group),
            before,
            limit,
        )?;
        self.documents_with(kind, &ids)
    }

    /// At most `limit` documents that are due at `until` or were before, the longest overdue first.
    pub fn documents_due(
        &self,
        kind: &DocumentKind,
        until: UnixTime,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let prefix = document_key::of_due(kind);
        let mut ids = Vec::new();
        let mut iter = self.view.iter(schema::DOCUMENT_INDEX, within(&prefix));
        iter.seek(&prefix);
        while let Some(key) = iter.key().filter(|_| ids.len() < limit) {
            let at = key.get(prefix.len()..prefix.len() + 8).unwrap_or_default();
            if read_seq(at)? > until.0 {
                break;
            }
            ids.push(document_key::read_id(key, prefix.len() + 8)?);
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
            ids.push(document_key::read_id(key, prefix.len())?);
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
