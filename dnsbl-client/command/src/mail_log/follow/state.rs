//! Where a log was left, and files that keep such things.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A file of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// The place up to which a log was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Saved {
    /// The log, which may have another name by now.
    #[serde(flatten)]
    pub(super) file: FileId,
    /// Octets from its start.
    pub(super) offset: u64,
}

/// Where a log is begun that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At its first line.
    Start,
    /// Behind its last line.
    End,
    /// Where it was left; at the first line if it is another file now.
    At(Saved),
}

impl FileId {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Reads what was kept in a file; `None`: there is none yet.
///
/// # Errors
/// The file can't be read, or holds something else.
pub(crate) fn load_state<T: DeserializeOwned>(file: &Path) -> io::Result<Option<T>> {
    match fs::read(file) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

/// Keeps something in a file, whole or not at all.
///
/// # Errors
/// The file or its neighbour `….new` can't be written.
pub(crate) fn save_state(state: &impl Serialize, file: &Path) -> io::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut options = fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    serde_json::to_writer(opened, state)?;
    fs::rename(new, file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{FileId, Saved, load_state, save_state};

    #[test]
    fn a_place_is_kept_and_something_else_is_told() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("state");
        assert_eq!(load_state::<Saved>(&file).unwrap(), None);
        let saved = Saved { file: FileId { device: 1, inode: u64::MAX }, offset: 77 };
        save_state(&saved, &file).unwrap();
        assert_eq!(load_state(&file).unwrap(), Some(saved));
        for text in ["", "{}", "{\"device\":1,\"inode\":2,\"offset\":-1}"] {
            fs::write(&file, text).unwrap();
            assert!(load_state::<Saved>(&file).is_err(), "{text}");
        }
    }
}
