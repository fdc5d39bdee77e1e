//! Reading allow entries.

use dnsbl_types::{Name, Subject};
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        allow_entry::{self, AllowRecord},
        schema,
    },
    read::{reader::Reader, view::View},
};

impl Reader<'_> {
    /// An allow entry: of a zone, or of all.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn allow_entry(
        &self,
        zone: Option<&Name>,
        subject: &Subject,
    ) -> Result<Option<AllowRecord>, StoreError> {
        find(&self.view, zone, subject)
    }

    /// At most `limit` allow entries behind `after`: those of all zones first, then those of each zone, in the order of
    /// their subjects. Those that have expired are there until they are swept.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn allow_entries(
        &self,
        after: Option<(Option<&Name>, &Subject)>,
        limit: usize,
    ) -> Result<Vec<AllowRecord>, StoreError> {
        let after = after.map(|(zone, subject)| allow_entry::key(zone, subject));
        let mut found = Vec::new();
        let mut iter = self.view.iter(schema::ALLOWLIST, ReadOptions::default());
        iter.seek(after.as_deref().unwrap_or_default());
        while let Some((key, value)) = iter.item().filter(|_| found.len() < limit) {
            if Some(key) != after.as_deref() {
                found.push(AllowRecord::decode(value)?);
            }
            iter.next();
        }
        iter.status()?;
        Ok(found)
    }
}

/// An allow entry.
pub(crate) fn find(
    view: &View<'_>,
    zone: Option<&Name>,
    subject: &Subject,
) -> Result<Option<AllowRecord>, StoreError> {
    let value = view.find(schema::ALLOWLIST, &allow_entry::key(zone, subject))?;
    value.map(|bytes| AllowRecord::decode(&bytes)).transpose()
}

/// All entries whose keys begin so.
pub(crate) fn below(view: &View<'_>, start: &[u8]) -> Result<Vec<AllowRecord>, StoreError> {
    let mut found = Vec::new();
    let mut iter = view.iter(schema::ALLOWLIST, ReadOptions::default());
    iter.seek(start);
    while let Some((_, value)) = iter.item().filter(|(key, _)| key.starts_with(start)) {
        found.push(AllowRecord::decode(value)?);
        iter.next();
    }
    iter.status()?;
    Ok(found)
}
