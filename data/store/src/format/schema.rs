//! Column families, options and the format version.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB,
    DBCompressionType, DBRecoveryMode, Options, WriteOptions,
};

/// The format this release writes, and the newest that it reads.
///
/// 1 had no blocks of addresses and no [`Provenance::ListedSince`](crate::format::row::Provenance); it is read as it is.
/// 2 had no documents, so its log has no operations on them; it is read as it is.
/// 3 had no sources and parents of tokens, and named them in the log and in audit records without
/// their ids; it is read as it is.
/// 4 had no settings of zones beside those of the first release; it is read as it is.
/// 5 had no subscribers, so its log has no operations on them; it is read as it is.
/// 6 kept nothing for an undo, froze no source, remembered no answers, and had no allow entries and no phases of zones; it is
/// read as it is.
pub(crate) const FORMAT: u32 = 7;

/// `format`, `epoch`, `log_floor`, `last_backup`, `history_whole`, `swept` (where the sweep goes on), `free-segment` and `free-zone` (below which ids
/// are not given again), `frozen/ORIGIN SOURCE` for each source that takes no writes, `state/ORIGIN` for each zone there ever
/// was, `import/ORIGIN SOURCE` for each source that was imported, and `copy/ORIGIN`: a second copy of what
/// `zones` and `segments` say of a zone, so that no damaged block takes a zone with it.
pub(crate) const META: &str = "meta";
/// Provenance in wire form → the zone's id and settings.
pub(crate) const ZONES: &str = "zones";
/// Zone id · segment id → what the segment's rows have in common.
pub(crate) const SEGMENTS: &str = "segments";
/// Zone id · segment id · subject → row; before those, for plain IPv4 addresses that came with their
/// segment, zone id · segment id · /16 → the addresses (`block.rs`).
pub(crate) const LISTINGS: &str = "listings";
/// Time · zone id · segment id · subject → whether it is an exclusion: rows that expire, soonest first.
pub(crate) const EXPIRY: &str = "expiry";
/// Sequence number → log entry.
pub(crate) const LOG: &str = "log";
/// Sequence number → audit record; kept when the log is compacted.
pub(crate) const AUDIT: &str = "audit";
/// Token id → token.
pub(crate) const TOKENS: &str = "tokens";

/// Kind · id → document.
pub(crate) const DOCUMENTS: &str = "documents";
/// Where documents are found by group and due time (`document_key.rs`).
pub(crate) const DOCUMENT_INDEX: &str = "document-index";

/// Subscriber id → subscriber.
pub(crate) const SUBSCRIBERS: &str = "subscribers";
/// Where subscribers are found by name, network and zone (`subscriber_key.rs`).
pub(crate) const SUBSCRIBER_INDEX: &str = "subscriber-index";

/// What subscribers asked by day and zone, and what is spent of daily quotas (`usage.rs`); no part of the log.
pub(crate) const USAGE: &str = "usage";

/// Scope · subject → allow entry (`allow_entry.rs`).
pub(crate) const ALLOWLIST: &str = "allowlist";

/// Sequence number → what an undo of that change needs (`undo.rs`).
pub(crate) const UNDO: &str = "undo";
/// Zone id · segment id · subject → row, and blocks, as in `listings`: what was said before and after such a change.
pub(crate) const UNDO_ROWS: &str = "undo-rows";

/// Token id · digest of an `Idempotency-Key` → the change that was made for it, and the answer.
pub(crate) const IDEMPOTENCY: &str = "idempotency";

/// Subject · sequence number · operation → nothing: which audit records are about a subject (`history_key.rs`).
pub(crate) const HISTORY: &str = "history";

/// The key in `meta` that stands there once [`HISTORY`] has all audit records that older releases wrote.
pub(crate) const HISTORY_WHOLE: &[u8] = b"history_whole";

/// The key in `meta` of the time of the last backup that was handed over whole.
pub(crate) const LAST_BACKUP: &[u8] = b"last_backup";

/// New ones come at the end, in which the database numbers them.
pub(crate) const FAMILIES: [&str; 18] = [
    META,
    ZONES,
    SEGMENTS,
    LISTINGS,
    EXPIRY,
    LOG,
    AUDIT,
    TOKENS,
    DOCUMENTS,
    DOCUMENT_INDEX,
    SUBSCRIBERS,
    SUBSCRIBER_INDEX,
    USAGE,
    ALLOWLIST,
    UNDO,
    UNDO_ROWS,
    IDEMPOTENCY,
    HISTORY,
];

/// A column family; all of them are there once the database is open.
pub(crate) fn cf<'a>(db: &'a DB, family: &str) -> &'a ColumnFamily {
    db.cf_handle(family).expect("every column family is created when the store is opened")
}

// The memory that RocksDB takes, whatever the size of the store: the cache, which has the indexes and
// filters of the tables too, the write buffers, and some megabytes for open tables, compaction and
// the buffers of its files. Queries never come here and bulk reads bypass the cache, so it serves
// single writes, which ask for rows that mostly are not there, and the API.

/// Block cache for all families together, in bytes.
const BLOCK_CACHE: usize = 12 << 20;
/// Write buffers of all families together, in bytes; also bounds what a start reads back from the WAL.
const WRITE_BUFFERS: usize = 16 << 20;
/// The most tables that are held open; all but those of a very large store.
const OPEN_FILES: i32 = 512;
/// Bytes of a block of listings before compression: what a single read decompresses.
const BLOCK: usize = 16 << 10;

/// A last record that ends too early is what a crash leaves; a damaged one must not be skipped. `check.rs`
/// tells what a power failure leaves of a last write from other damage.
pub(crate) const RECOVERY: DBRecoveryMode = DBRecoveryMode::TolerateCorruptedTailRecords;

/// Options of the whole database.
pub(crate) fn db_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(RECOVERY);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_recycle_log_file_num(0);
    options.set_db_write_buffer_size(WRITE_BUFFERS);
    options.set_max_total_wal_size(64 << 20);
    options.set_max_open_files(OPEN_FILES);
    options.set_keep_log_file_num(4);
    options.set_max_background_jobs(2);
    options
}

/// How everything is written: where no write begins before the one before it is on the disk, a loss of
/// power can only tear the last.
pub(crate) fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
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
        table.set_block_size(BLOCK);
        // Writes ask whether a row exists, and mostly it does not. The filter of a large list does not fit
        // into the cache, so it is read in parts, like the index.
        table.set_bloom_filter(10.0, false);
        table.set_partition_filters(true);
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_pin_top_level_index_and_filter(true);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(WRITE_BUFFERS / 2);
    if name == LISTINGS {
        options.set_memtable_whole_key_filtering(true);
        options.set_memtable_prefix_bloom_ratio(0.02);
    }
    options
}
