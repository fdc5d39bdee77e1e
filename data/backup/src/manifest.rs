//! What a backup is of, and which files are in it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::BackupError;

/// The form that this release writes, and the newest that it reads.
const FORM: u32 = 1;
/// The longest name of a file, in octets.
const LONGEST_NAME: usize = 99;
/// The most files.
const MOST_FILES: usize = 100_000;
/// Octets that are read at once.
const PIECE: usize = 256 << 10;
/// What RocksDB keeps for itself and a store needs not.
const NOT_COPIED: [&str; 2] = ["LOCK", "LOG"];

/// What a backup is of, and which files are in it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the backup.
    pub form: u32,
    /// The release that made it.
    pub release: String,
    /// When it was made, in seconds since 1970.
    pub made_at: u64,
    /// The history that the copy is of.
    pub epoch: u64,
    /// The last change that it has; it has all before it.
    pub seq: u64,
    /// The files, in the order in which they come.
    pub files: Vec<FileEntry>,
}

/// A file of a backup.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name; no path.
    pub name: String,
    /// Its octets.
    pub size: u64,
    /// BLAKE3 of these, hexadecimal.
    pub blake3: String,
}

impl Manifest {
    /// The manifest of the files in a folder.
    ///
    /// # Errors
    /// One can't be read, or has a name that no file of a store has.
    pub fn of_folder(
        folder: &Path,
        release: &str,
        made_at: u64,
        (epoch, seq): (u64, u64),
    ) -> io::Result<Self> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_copied = !NOT_COPIED.contains(&name.as_str()) && !name.starts_with("LOG.old");
            if is_copied && entry.file_type()?.is_file() {
                names.push(name);
            }
        }
        names.sort();
        let files = names.into_iter().map(|name| FileEntry::of_file(folder, name));
        let files = files.collect::<io::Result<Vec<_>>>()?;
        let manifest = Self { form: FORM, release: release.into(), made_at, epoch, seq, files };
        match manifest.check() {
            Ok(()) => Ok(manifest),
            Err(err) => Err(io::Error::other(err)),
        }
    }

    /// The octets of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).fold(0, u64::saturating_add)
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, BackupError> {
        serde_json::to_vec(self).map_err(|err| io::Error::other(err).into())
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BackupError> {
        /// The part that every form has.
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let damaged = BackupError::Damaged("its manifest can't be read");
        let Ok(Form { form: found }) = serde_json::from_slice(bytes) else { return Err(damaged) };
        if found > FORM {
            return Err(BackupError::Newer { found, known: FORM });
        }
        let Ok(manifest) = serde_json::from_slice::<Self>(bytes) else { return Err(damaged) };
        manifest.check()?;
        Ok(manifest)
    }

    /// Names lead nowhere else, and no two are the same.
    fn check(&self) -> Result<(), BackupError> {
        let names: BTreeSet<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let is_sound = names.len() == self.files.len() && names.len() <= MOST_FILES;
        match is_sound && names.into_iter().all(is_plain) {
            true => Ok(()),
            false => Err(BackupError::Damaged("its manifest names files that no store has")),
        }
    }
}

/// Whether a name is one of a file in one folder, and not that of the manifest.
fn is_plain(name: &str) -> bool {
    name != crate::tar::MANIFEST
        && name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

impl FileEntry {
    fn of_file(folder: &Path, name: String) -> io::Result<Self> {
        let mut file = File::open(folder.join(&name))?;
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece)? {
                0 => break,
                read => {
                    hasher.update(&piece[..read]);
                    size += read as u64;
                }
            }
        }
        Ok(Self { name, size, blake3: hasher.finalize().to_hex().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::{FileEntry, Manifest};

    fn manifest(names: &[&str]) -> Manifest {
        let entry =
            |name: &&str| FileEntry { name: (*name).into(), size: 0, blake3: String::new() };
        let files = names.iter().map(entry).collect();
        Manifest { form: 1, release: "x".into(), made_at: 1, epoch: 1, seq: 1, files }
    }

    #[test]
    fn a_name_leads_nowhere() {
        assert!(manifest(&["CURRENT", "MANIFEST-000005", "000012.sst"]).check().is_ok());
        for name in [
            "",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "a/b",
            "a\\b",
            ".hidden",
            "-x",
            "a\0",
            "backup.json",
            "é",
        ] {
            assert!(manifest(&[name]).check().is_err(), "{name:?}");
        }
        assert!(manifest(&["a", "a"]).check().is_err());
        assert!(manifest(&["x".repeat(100).as_str()]).check().is_err());
    }
}
