//! What a purge removed.

use admin_api_types as api;
use dnsbl_store::PurgedSource;

/// How many there are in all, and of which sources.
pub(crate) fn write(sources: &[PurgedSource]) -> (u64, Vec<api::PurgedSource>) {
    let count = sources.iter().map(|source| source.listings + source.exclusions).sum();
    let sources = sources.iter().map(|purged| api::PurgedSource {
        zone: purged.zone.to_string(),
        source: purged.source.to_string(),
        listings: purged.listings,
        exclusions: purged.exclusions,
    });
    (count, sources.collect())
}
