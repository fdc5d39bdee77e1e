//! Allow entries in files for other servers, which have exclusions only: what an entry covers is left out, and the entry
//! excludes it from what is wider.

use dnsbl_index::Allowing;
use dnsbl_store::{AllowRecord, Filter, Reader, StoreError, Visited, compare_subjects};
use dnsbl_types::{Listing, ListingBody, Name, Source, Subject, UnixTime, Zone};

/// Whose exclusions they are made.
const SOURCE: &str = "allowlist";

/// What an export leaves out because it is allowed.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    allowing: Allowing,
    at: UnixTime,
    /// An exclusion for each entry, in the order of the store.
    exclusions: Vec<Listing>,
    /// The last change of an entry that counts, and how many there are.
    pub(crate) state: (u64, usize),
}

impl Allowed {
    /// The entries that hold for a zone.
    pub(crate) fn read(reader: &Reader<'_>, zone: &Zone, at: UnixTime) -> Result<Self, StoreError> {
        let mut records = reader.allow_entries(None, usize::MAX)?;
        records.retain(|AllowRecord { entry, .. }| {
            let is_address = !matches!(entry.subject, Subject::Domain(_));
            entry.is_live(at)
                && entry.zone.as_ref().is_none_or(|of| *of == zone.origin)
                && is_address == zone.kind.has_addresses()
        });
        let source: Source = SOURCE.parse().expect("a good name");
        let mut exclusions: Vec<Listing> = records
            .iter()
            .map(|record| Listing {
                subject: record.entry.subject.clone(),
                source: source.clone(),
                body: ListingBody {
                    exclusion: true,
                    expires_at: record.entry.expires_at,
                    ..ListingBody::default()
                },
                listed_at: record.entry.created_at,
                updated_at: record.entry.created_at,
                listed_by: record.entry.owner.clone(),
                seq: record.revision,
            })
            .collect();
        exclusions.sort_by(|one, other| compare_subjects(&one.subject, &other.subject));
        let last = records.iter().map(|record| record.revision).max().unwrap_or(0);
        let allowing = Allowing::of(&zone.origin, records.iter().map(|record| &record.entry));
        Ok(Self { allowing, at, state: (last, records.len()), exclusions })
    }

    /// Visits what is to be answered by another server, in the order of the store: exclusions in place of entries,
    /// and all listings that no entry covers.
    pub(crate) fn each(
        &self,
        reader: &Reader<'_>,
        zone: &Name,
        filter: &Filter,
        stop: impl FnMut() -> bool,
        mut visit: impl FnMut(&Listing) -> bool,
    ) -> Result<Visited, StoreError> {
        let of_part = |listing: &&Listing| filter.subject.admits(&listing.subject);
        let mut exclusions = self.exclusions.iter().filter(of_part).peekable();
        let visited = reader.each(zone, filter, stop, |listing| {
            let is_before =
                |one: &&Listing| compare_subjects(&one.subject, &listing.subject).is_le();
            while let Some(exclusion) = exclusions.next_if(is_before) {
                if !visit(exclusion) {
                    return false;
                }
            }
            let is_allowed = |subject: &Subject| self.allowing.by(subject, self.at).is_some();
            if !listing.body.exclusion && is_allowed(&listing.subject) {
                return true;
            }
            visit(&listing)
        })?;
        if let Visited::All = visited {
            exclusions.all(visit);
        }
        Ok(visited)
    }
}
