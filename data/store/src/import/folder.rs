//! The files of imports.

use std::path::{Path, PathBuf};

use crate::StoreError;

/// The folder for files of imports, in the store's folder.
const FOLDER: &str = "staging";

/// Removes what imports have left in the staging folder when the server was killed.
pub(crate) fn clear(store: &Path) -> Result<(), StoreError> {
    let folder = store.join(FOLDER);
    match std::fs::remove_dir_all(&folder) {
        Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::Io { path: folder, reason })
        }
        _ => Ok(()),
    }
}

/// The folder of one import; it goes with all that is in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder of the import with an id, in the folder of its store. It is made when it is needed.
    pub(crate) fn new(store: &Path, id: &str) -> Self {
        Self(store.join(FOLDER).join(id))
    }

    /// The path of a new file.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf, StoreError> {
        std::fs::create_dir_all(&self.0).map_err(|err| io_at(&self.0, err))?;
        Ok(self.0.join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.0) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                // The next start removes it.
                tracing::warn!(folder = %self.0.display(), %err, "could not remove files of an import");
            }
            _ => {}
        }
    }
}

pub(crate) fn io_at(path: &Path, reason: std::io::Error) -> StoreError {
    StoreError::Io { path: path.into(), reason }
}
