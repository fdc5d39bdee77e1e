//! The secrets by which mail servers that can't send a token are known.

use std::path::{Path, PathBuf};

use constant_time_eq::constant_time_eq_32;

/// The secrets that are valid. Only digests are kept.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<[u8; 32]>);

/// The reason why there is no secret in a file. It never shows what stands there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// What stands there is no secret.
    #[error(
        "{}: its only line is not {min} to {max} of A-Z, a-z, 0-9, '-', '_', '.' and '~'; `openssl rand -hex 16` makes one",
        path.display(), min = Secrets::MIN_LEN, max = Secrets::MAX_LEN
    )]
    Form {
        /// The file.
        path: PathBuf,
    },
}

impl Secrets {
    /// The shortest secret, in characters.
    pub const MIN_LEN: usize = 16;
    /// The longest one.
    pub const MAX_LEN: usize = 128;

    /// The secrets in these files, one in each.
    ///
    /// # Errors
    /// A file can't be read, or holds something else.
    pub fn read(files: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Self, SecretError> {
        files.into_iter().map(|file| read(file.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none, so that nobody is known by one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is one of them. How long that takes says nothing about which.
    pub fn holds(&self, text: &str) -> bool {
        let digest = *blake3::hash(text.as_bytes()).as_bytes();
        self.0.iter().fold(false, |found, known| found | constant_time_eq_32(known, &digest))
    }
}

fn read(path: &Path) -> Result<[u8; 32], SecretError> {
    let text = std::fs::read_to_string(path)
        .map_err(|reason| SecretError::Io { path: path.into(), reason })?;
    let secret = text.trim_end();
    // What stands in a URL as it is: Dovecot 2.3 can send it no other way.
    let admits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let fits = (Secrets::MIN_LEN..=Secrets::MAX_LEN).contains(&secret.len());
    match fits && secret.bytes().all(admits) {
        true => Ok(*blake3::hash(secret.as_bytes()).as_bytes()),
        false => Err(SecretError::Form { path: path.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_of_a_file_and_no_error_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (old, new) = (file("old", "0123456789abcdef\n"), file("new", "fedcba9876543210"));
        let secrets = Secrets::read([&old, &new]).unwrap();
        assert!(secrets.holds("0123456789abcdef") && secrets.holds("fedcba9876543210"));
        for wrong in ["", "0123456789abcdef\n", "0123456789ABCDEF", "0123456789abcde"] {
            assert!(!secrets.holds(wrong), "{wrong:?}");
        }
        assert!(!Secrets::default().holds(""));
        for wrong in
            ["", "short-secret", "two lines of\nsecrets-in-a-file", "a/secret/with/slashes"]
        {
            let err = Secrets::read([file("wrong", wrong)]).unwrap_err().to_string();
            assert!(err.contains("wrong") && !err.contains("secret-"), "{err}");
        }
        assert!(Secrets::read([folder.path().join("none")]).is_err());
    }
}
