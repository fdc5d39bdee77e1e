//! What an import did.

use admin_api_types::ImportCounts;
use dnsbl_store::ImportCounts as StoreCounts;

/// The counts as they are shown.
pub(crate) fn write_counts(counts: StoreCounts) -> ImportCounts {
    let StoreCounts { added, updated, unchanged, removed, rejected } = counts;
    ImportCounts { added, updated, unchanged, removed, rejected }
}
