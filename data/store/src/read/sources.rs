//! Reading the sources of zones: which there are, and which take no writes.

use dnsbl_types::{Name, Source};

use crate::{
    Freeze, StoreError,
    read::{reader::Reader, state},
};

/// A source of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRecord {
    /// Its name.
    pub source: Source,
    /// About how many rows it has; some may say nothing any more.
    pub rows: u64,
    /// How it is frozen, if it is.
    pub frozen: Option<Freeze>,
}

impl Reader<'_> {
    /// The sources of a zone that have listings, or are frozen, by name; `None` without such a zone.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn sources(&self, origin: &Name) -> Result<Option<Vec<SourceRecord>>, StoreError> {
        let Some(zone) = state::read_zone(&self.view, origin)? else { return Ok(None) };
        let mut sources: Vec<&Source> = zone.segments.iter().map(|s| &s.source).collect();
        sources.extend(zone.frozen.keys());
        sources.sort_unstable();
        sources.dedup();
        let records = sources.into_iter().map(|source| SourceRecord {
            source: source.clone(),
            rows: zone.segments_of(source).map(|segment| segment.rows).sum(),
            frozen: zone.frozen.get(source).cloned(),
        });
        Ok(Some(records.collect()))
    }
}
