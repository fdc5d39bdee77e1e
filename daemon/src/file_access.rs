//! Warnings of files and folders that others on this machine can get at.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Logs a warning where others may read a secret.
pub fn warn_of_secret(file: &Path) {
    if let Some(mode) = open_to_others(file, 0o007) {
        tracing::warn!(file = %file.display(), mode, "others may read this secret: chmod o-rwx it");
    }
}

/// Logs a warning where others may write into a folder of ours.
pub fn warn_of_folder(folder: &Path) {
    if let Some(mode) = open_to_others(folder, 0o022) {
        tracing::warn!(folder = %folder.display(), mode, "others may write into the data folder: chmod go-w it");
    }
}

/// The mode in octal, if it has any of these bits.
fn open_to_others(path: &Path, bits: u32) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & bits != 0).then(|| format!("{mode:04o}"))
}
