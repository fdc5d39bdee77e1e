//! Column families, options and the format version.

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options,
};

/// The format this release writes, and the newest that it reads.
pub(crate) const FORMAT: u32 = 2;

/// `format`, `epoch`, `log_floor`, and `state/ORIGIN` for each zone there ever was.
pub(crate) const META: &str = "meta";
/// Origin in wire form → the zone's id and settings.
pub(crate) const ZONES: &str = "zones";
/// Zone id · segment id → what the segment's rows have in common.
pub(crate) const SEGMENTS: &str = "segments";
/// Zone id · segment id · subject → row.
pub(crate) const LISTINGS: &str = "listings";
/// Time · zone id · segment id · subject → nothing: rows that expire, soonest first.
pub(crate) const EXPIRY: &str = "expiry";
/// Sequence number → log entry.
pub(crate) const LOG: &str = "log";
/// Sequence number → audit record; kept when the log is compacted.
pub(crate) const AUDIT: &str = "audit";
/// Token id → token.
pub(crate) const TOKENS: &str = "tokens";

pub(crate) const FAMILIES: [&str; 8] =
    [META, ZONES, SEGMENTS, LISTINGS, EXPIRY, LOG, AUDIT, TOKENS];

/// Block cache for all families together, in bytes.
const BLOCK_CACHE: usize = 16 << 20;
/// Write buffers of all families together, in bytes.
const WRITE_BUFFERS: usize = 32 << 20;

/// Options of the whole database.
pub(crate) fn db_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    // A torn last record is what a crash leaves; a damaged one in the middle must not be skipped.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_recycle_log_file_num(0);
    options.set_db_write_buffer_size(WRITE_BUFFERS);
    options.set_max_total_wal_size(64 << 20);
    options.set_max_open_files(512);
    options.set_keep_log_file_num(4);
    options.set_max_background_jobs(2);
    options
}

/// One descriptor for each family.
pub(crate) fn families() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(BLOCK_CACHE);
    let descriptor = |name| ColumnFamilyDescriptor::new(name, family_options(name, Some(&cache)));
    FAMILIES.into_iter().map(descriptor).collect()
}

/// Options of a column family; tables that are written outside the database need no cache.
pub(crate) fn family_options(name: &str, cache: Option<&Cache>) -> Options {
    let mut table = BlockBasedOptions::default();
    if let Some(cache) = cache {
        table.set_block_cache(cache);
    }
    table.set_cache_index_and_filter_blocks(true);
    if name == LISTINGS {
        // Writes ask whether a row exists, and mostly it does not.
        table.set_bloom_filter(10.0, false);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(16 << 20);
    options
}
