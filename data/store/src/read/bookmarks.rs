//! Reading bookmarks.

use crate::{
    StoreError,
    format::{
        document::{DocumentId, DocumentKind},
        schema,
        usage::bookmark_key,
    },
    read::reader::Reader,
};

impl Reader<'_> {
    /// The bookmark of who follows the change log as a document says, if there is one.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn bookmark(
        &self,
        kind: &DocumentKind,
        id: &DocumentId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.view.find(schema::USAGE, &bookmark_key(kind, id))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }
}
