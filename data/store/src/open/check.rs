//! What is looked at before a store is opened: whether there is one, whether it is whole, and whether it
//! has all that was acknowledged. Only [`mend_manifest`] changes anything.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use dnsbl_types::UnixTime;
use rocksdb::{DB, DBRecoveryMode, Options, ReadOptions};

use crate::{
    Reader, StoreError,
    format::schema::{self, cf},
    head::{self, Head},
    open::{
        database::{classify, damage, foreign_families},
        salvage::{Files, io_at},
    },
    raw::records::{self, Found},
};

/// A file that says that a store is being made: nothing of it counts yet.
const NEW: &str = "NEW";
/// Bytes of tables that are read to their end before a start; of what is larger, the log, the audit
/// records and the usage are not, since it would take long.
const READ_AT_START: u64 = 128 << 20;

/// What lies in a folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Nothing.
    Nothing,
    /// A store whose making was cut off before anything was written to it.
    Begun,
    /// A store.
    Store,
}

/// Looks for a store. Where there is something else, or a part of one, that is an error.
pub(crate) fn presence(path: &Path) -> Result<Presence, StoreError> {
    let mut names = match fs::read_dir(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => {
            let names = io_at(path, read)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
            io_at(path, names.collect::<io::Result<Vec<_>>>())?
        }
    };
    // Neither a lock, nor RocksDB's own messages, nor files of imports say that there was a store.
    let says_nothing =
        |name: &str| matches!(name, "LOCK" | "staging" | "lost+found") || name.starts_with("LOG");
    names.retain(|name| !says_nothing(name));
    names.sort();
    if names.is_empty() {
        return match unfinished_recovery(path) {
            Some(detail) => Err(StoreError::Damaged { path: path.into(), detail }),
            None => Ok(Presence::Nothing),
        };
    }
    let has = |name: &str| names.iter().any(|found| found == name);
    let ends = |end: &str| names.iter().any(|found| found.ends_with(end));
    if has(NEW) && !has("HEAD") && !ends(".sst") {
        return Ok(Presence::Begun);
    }
    if head::current_manifest(path).is_some_and(|(_, manifest)| manifest.is_file()) {
        return Ok(Presence::Store);
    }
    let parts = names.iter().filter(|name| is_of_store(name));
    let parts: Vec<&str> = parts.map(String::as_str).collect();
    if parts.is_empty() {
        return Err(StoreError::NotEmpty { path: path.into(), found: some_of(&names) });
    }
    let what = if !has("CURRENT") {
        "CURRENT is missing"
    } else if head::current_manifest(path).is_some() {
        "the MANIFEST that CURRENT names is missing"
    } else {
        "CURRENT names no MANIFEST"
    };
    let detail =
        format!("{what}, but there are {}; nothing was created or removed", some_of(&parts));
    Err(StoreError::Damaged { path: path.into(), detail })
}

fn is_of_store(name: &str) -> bool {
    matches!(name, "CURRENT" | "IDENTITY" | "HEAD" | NEW)
        || name.starts_with("MANIFEST-")
        || name.starts_with("OPTIONS-")
        || name.ends_with(".sst")
        || name.ends_with(".log")
}

fn some_of(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(4).map(AsRef::as_ref).collect();
    let more = names.len() - shown.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more files") };
    format!("{}{more}", shown.join(", "))
}

/// A recovered copy that was not put in place, where there is no store.
fn unfinished_recovery(path: &Path) -> Option<String> {
    let copy = sibling(path, "recovered");
    copy.is_dir().then(|| {
        format!(
            "a recovery was cut off: move {} to {} to finish it",
            copy.display(),
            path.display()
        )
    })
}

/// Says that a store is about to be made here, so that it can be made again where that is cut off.
pub(crate) fn begin(path: &Path) -> Result<(), StoreError> {
    let file = path.join(NEW);
    io_at(&file, File::create(&file).and_then(|file| file.sync_all()))?;
    io_at(path, File::open(path).and_then(|folder| folder.sync_all()))
}

/// Removes what the making of a store has left that was cut off.
pub(crate) fn clear_begun(path: &Path) -> Result<(), StoreError> {
    for entry in io_at(path, fs::read_dir(path))? {
        let entry = io_at(path, entry)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_part = is_of_store(&name) || name.ends_with(".dbtmp") || name == "HEAD.part";
        if is_part && name != NEW {
            io_at(&entry.path(), fs::remove_file(entry.path()))?;
        }
    }
    Ok(())
}

/// The store is made; from now on all of it counts.
pub(crate) fn end(path: &Path) -> Result<(), StoreError> {
    let file = path.join(NEW);
    match fs::remove_file(&file) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => {
            io_at(&file, removed)?;
            io_at(path, File::open(path).and_then(|folder| folder.sync_all()))
        }
    }
}

/// A store that is whole, as far as can be seen without writing.
pub(crate) struct Sound {
    /// How its WAL is to be read.
    pub(crate) mode: DBRecoveryMode,
    /// What is dropped of it, if a power failure cut off the last write.
    pub(crate) torn: Option<String>,
}

/// Looks at everything that can be looked at without writing.
pub(crate) fn inspect(path: &Path) -> Result<Sound, StoreError> {
    let expected = io_at(path, head::read(path))?;
    check_manifest(path, expected)?;
    let strict = schema::RECOVERY;
    let (db, sound) = match open_read_only(path, strict) {
        Err(StoreError::Damaged { path: file, detail }) => match torn_log(path)? {
            // Each write is synced before the next begins, so only the last can be torn, and nobody was
            // told that it was made.
            Some(torn) => {
                let mode = DBRecoveryMode::PointInTime;
                (open_read_only(path, mode)?, Sound { mode, torn: Some(torn) })
            }
            None => {
                let path = if file == path { damaged_log(path)?.unwrap_or(file) } else { file };
                return Err(StoreError::Damaged { path, detail });
            }
        },
        opened => (opened?, Sound { mode: strict, torn: None }),
    };
    check_head(&db, path, expected)?;
    read_families(&db).map_err(damage(path))?;
    Ok(sound)
}

/// Opens a store so that nothing is written.
pub(crate) fn open_read_only(path: &Path, mode: DBRecoveryMode) -> Result<DB, StoreError> {
    let mut options = schema::db_options();
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    options.set_wal_recovery_mode(mode);
    let there = DB::list_cf(&options, path).map_err(|err| classify(path, err))?;
    let mut families = schema::families();
    families.retain(|family| there.iter().any(|name| name == family.name()));
    families.extend(foreign_families(&there));
    let db = DB::open_cf_descriptors_read_only(&options, path, families, false);
    db.map_err(|err| classify(path, err))
}

/// The MANIFEST has at least the bytes that it had when it was last synced.
fn check_manifest(path: &Path, expected: Option<Head>) -> Result<(), StoreError> {
    let Some((number, manifest)) = head::current_manifest(path) else { return Ok(()) };
    let expected = expected.map(|head| head.manifest).filter(|(named, _)| *named == number);
    let len = io_at(&manifest, fs::metadata(&manifest))?.len();
    match expected {
        Some((_, synced)) if len < synced => {
            let detail = format!("it has {len} bytes of the {synced} that were written");
            Err(StoreError::Damaged { path: manifest, detail })
        }
        _ => Ok(()),
    }
}

fn check_head(db: &DB, path: &Path, expected: Option<Head>) -> Result<(), StoreError> {
    if db.cf_handle(schema::LOG).is_none() || db.cf_handle(schema::META).is_none() {
        return Ok(());
    }
    let reader = Reader::new(db, UnixTime(0));
    let found = reader.epoch().and_then(|epoch| Ok((epoch, reader.head()?)));
    let found = found.map_err(damage(path))?;
    match expected.map(|head| (head.epoch, head.seq)) {
        Some(expected) if found < expected => {
            Err(StoreError::Behind { path: path.into(), found: found.1, expected: expected.1 })
        }
        _ => Ok(()),
    }
}

/// Reads what a start does not read anyway, so that damage shows before anything rests on it.
fn read_families(db: &DB) -> Result<(), StoreError> {
    let bytes = |family: &str| {
        let family = cf(db, family);
        let bytes = db.property_int_value_cf(family, "rocksdb.total-sst-files-size");
        bytes.ok().flatten().unwrap_or(0)
    };
    let there = schema::FAMILIES.into_iter().filter(|family| db.cf_handle(family).is_some());
    for family in there.filter(|family| ![schema::LISTINGS, schema::UNDO_ROWS].contains(family)) {
        let may_be_large =
            [schema::LOG, schema::AUDIT, schema::HISTORY, schema::USAGE].contains(&family);
        if may_be_large && bytes(family) > READ_AT_START {
            continue;
        }
        read_family(db, family)?;
    }
    Ok(())
}

/// Reads every row of a family.
pub(crate) fn read_family(db: &DB, family: &str) -> Result<(), StoreError> {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options.set_readahead_size(256 << 10);
    let mut iter = db.raw_iterator_cf_opt(cf(db, family), options);
    iter.seek_to_first();
    while iter.valid() {
        iter.next();
    }
    Ok(iter.status()?)
}

/// What is torn of the WAL, if it is its last write and nothing follows.
fn torn_log(path: &Path) -> Result<Option<String>, StoreError> {
    let files = Files::list(path)?;
    let mut torn = None;
    for file in files.logs.values() {
        let found = records::read(&io_at(file, fs::read(file))?);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_empty = found.is_empty();
        match records::torn_at(&found) {
            Some(at) => torn = Some(format!("{name} from byte {at} on")),
            None if is_empty => {}
            // What follows was written later, so what is before it was synced.
            None => torn = None,
        }
    }
    Ok(torn)
}

/// The file of the WAL of which something can't be read; RocksDB does not say which.
fn damaged_log(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    for file in Files::list(path)?.logs.into_values() {
        let found = records::read(&io_at(&file, fs::read(&file))?);
        if found.iter().any(|found| matches!(found, Found::Lost(_))) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Cuts the last entry off the MANIFEST if a power failure left only parts of it, and says so.
pub(crate) fn mend_manifest(path: &Path) -> Result<Option<String>, StoreError> {
    let Some((number, manifest)) = head::current_manifest(path) else { return Ok(None) };
    let found = records::read(&io_at(&manifest, fs::read(&manifest))?);
    let Some(at) = records::torn_at(&found) else { return Ok(None) };
    let synced = io_at(path, head::read(path))?.map(|head| head.manifest);
    if at == 0 || synced.is_some_and(|(named, bytes)| named == number && (at as u64) < bytes) {
        return Ok(None);
    }
    let file = io_at(&manifest, File::options().write(true).open(&manifest))?;
    io_at(&manifest, file.set_len(at as u64).and_then(|()| file.sync_all()))?;
    let name = manifest.file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(format!("{name} from byte {at} on")))
}

/// Options to open a store for writing.
pub(crate) fn options(mode: DBRecoveryMode) -> Options {
    let mut options = schema::db_options();
    options.set_wal_recovery_mode(mode);
    options
}

/// A folder beside the store.
pub(crate) fn sibling(store: &Path, suffix: &str) -> PathBuf {
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    store.with_file_name(format!("{name}.{suffix}"))
}
