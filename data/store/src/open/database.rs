//! Opening RocksDB itself, and what its errors mean.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rocksdb::{ColumnFamilyDescriptor, DB, ErrorKind, Options};

use crate::{StoreError, format::schema};

/// Opens the database with every column family that it has, also those of a newer release.
pub(crate) fn open_db(path: &Path, options: &Options) -> Result<DB, StoreError> {
    let there =
        if path.join("CURRENT").exists() { DB::list_cf(options, path) } else { Ok(Vec::new()) };
    let there = there.map_err(|err| classify(path, err))?;
    let families = schema::families().into_iter().chain(foreign_families(&there));
    DB::open_cf_descriptors(options, path, families).map_err(|err| classify(path, err))
}

/// Those of these column families that are not ours.
pub(crate) fn foreign_families(there: &[String]) -> Vec<ColumnFamilyDescriptor> {
    let foreign = there.iter().filter(|name| !schema::FAMILIES.contains(&name.as_str()));
    foreign.map(|name| ColumnFamilyDescriptor::new(name, Options::default())).collect()
}

/// Tells a store in use and a damaged one from other failures.
pub(crate) fn classify(path: &Path, err: rocksdb::Error) -> StoreError {
    let text = err.to_string();
    let is_lock = text.contains("While lock file") || text.contains("lock hold by current process");
    let err = StoreError::Rocks(err);
    if is_lock && !err.is_out_of_files() {
        return StoreError::Locked { path: path.into(), holder: holder(path) };
    }
    let missing =
        text.contains("No such file") && (text.contains(".sst") || text.contains("MANIFEST"));
    let is_corrupt = matches!(&err, StoreError::Rocks(err) if err.kind() == ErrorKind::Corruption);
    if is_corrupt || missing {
        return StoreError::Damaged { path: damaged_file(path, &text), detail: text };
    }
    err
}

/// An error in reading a store, named as damage of the store where it is.
pub(crate) fn damage(store: &Path) -> impl Fn(StoreError) -> StoreError {
    move |err| match err {
        StoreError::Rocks(err) => classify(store, err),
        other => other,
    }
}

/// The error that says who has a store open, if somebody has.
pub(crate) fn locked(path: &Path) -> Option<StoreError> {
    lock_holder(path)?;
    Some(StoreError::Locked { path: path.into(), holder: holder(path) })
}

/// The file that RocksDB complains about; where its error names none, the last one from which its own
/// log says that something was dropped; else the folder.
fn damaged_file(path: &Path, text: &str) -> PathBuf {
    let of_log = || {
        let log = fs::read(path.join("LOG")).ok()?;
        let log = String::from_utf8_lossy(&log).into_owned();
        file_name(log.lines().rfind(|line| line.contains(": dropping "))?)
    };
    file_name(text).or_else(of_log).map_or_else(|| path.into(), |name| path.join(name))
}

fn file_name(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '"' | '\''));
    let mut names = words.filter_map(|word| word.trim_end_matches('.').rsplit('/').next());
    let is_file = |name: &&str| {
        name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST-")
    };
    names.find(is_file).map(Into::into)
}

/// Who holds the lock of a store, as far as the system tells.
fn holder(path: &Path) -> String {
    match lock_holder(path) {
        Some(pid) => format!(
            "process {pid}{}",
            command(pid).map(|name| format!(" ({name})")).unwrap_or_default()
        ),
        None => "another process".into(),
    }
}

/// The process that holds RocksDB's lock, from `/proc/locks`.
pub(crate) fn lock_holder(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{}", fs::metadata(path.join("LOCK")).ok()?.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let line = locks
        .lines()
        .find(|line| line.split_whitespace().nth(5).is_some_and(|id| id.ends_with(&inode)))?;
    line.split_whitespace().nth(4)?.parse().ok()
}

fn command(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().into())
}
