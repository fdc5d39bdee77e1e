//! What an import is to do, for each of its sources.

use std::sync::Arc;

use dnsbl_types::{MaxPrefix, Name, Source, Subject, Zone, ZoneKind};

use crate::{
    db::Db,
    format::key::{self, SegmentId, ZoneId},
};

/// What an import does to the source's listings that it does not name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ImportMode {
    /// They stay.
    Upsert,
    /// They go, within these limits.
    ReplaceSource(ImportLimits),
}

/// When an import that replaces a source is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportLimits {
    /// Rows may have been rejected.
    pub allow_rejected: bool,
    /// The share of the source's listings that may go, 0 to 1. Unless it is 0, four may go in any case,
    /// as long as the import names a listing.
    pub max_removed: f64,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { allow_rejected: false, max_removed: 0.2 }
    }
}

/// Where rows of an import go, and what is counted on the way.
pub(crate) struct Order {
    pub(crate) db: Arc<Db>,
    /// The zone of that name when the import began; a later one is another zone.
    pub(crate) zone: ZoneId,
    /// Its kind then. A zone without listings may get another.
    pub(crate) kind: ZoneKind,
    pub(crate) origin: Name,
    pub(crate) source: Source,
    id: SegmentId,
    pub(crate) mode: ImportMode,
    pub(crate) dry_run: bool,
    /// The largest prefixes whose listings may go; `None`: any.
    pub(crate) max_prefix: Option<MaxPrefix>,
    /// Rows that were accepted, repetitions included.
    pub(crate) accepted: u64,
    /// Rows that change nothing by their nature, such as test entries.
    pub(crate) ignored: u64,
    pub(crate) rejected: u64,
}

impl Order {
    /// An import of a source into the zone of that id, which has these settings now.
    pub(crate) fn new(db: &Arc<Db>, zone: ZoneId, settings: &Zone, source: Source) -> Self {
        Self {
            db: db.clone(),
            zone,
            kind: settings.kind,
            origin: settings.origin.clone(),
            source,
            id: db.next_segment(),
            mode: ImportMode::Upsert,
            dry_run: false,
            max_prefix: None,
            accepted: 0,
            ignored: 0,
            rejected: 0,
        }
    }

    /// The import's id, eight hexadecimal digits.
    pub(crate) fn id(&self) -> String {
        format!("{:08x}", self.id.0)
    }
}

/// Rows of an import that a later row of it contradicts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contradictions {
    pub(crate) count: u64,
    /// The first such subject, as it stands in the database.
    first: Option<Vec<u8>>,
}

impl Contradictions {
    pub(crate) fn add(&mut self, subject: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| subject.to_vec());
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.count += other.count;
        self.first = self.first.or(other.first);
        self
    }

    pub(crate) fn subject(&self) -> Option<Subject> {
        key::read_subject(self.first.as_deref()?).ok()
    }
}
