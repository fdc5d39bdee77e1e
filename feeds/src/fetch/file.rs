//! Files and folders.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::fs::OFlags;
use tokio::io::BufReader;

use super::{
    error::FetchError, fetched::Fetched, limits::FetchLimits, spool::spool, unpack::unpacked,
};
use crate::{content::Content, import::Body};

/// Reads a file, or all regular files of a folder in the order of their names.
pub(super) async fn read(
    path: &Path,
    folders: Option<&[PathBuf]>,
    spool_folder: &Path,
    limits: &FetchLimits,
) -> Result<Fetched, FetchError> {
    let (at, allowed, most) = (path.to_owned(), folders.map(<[_]>::to_vec), limits.files);
    let opened = tokio::task::spawn_blocking(move || open_all(&at, allowed.as_deref(), most));
    let files = opened.await.map_err(|err| FetchError::Spool(io::Error::other(err)))??;
    let (mut digest, mut bodies, mut bytes) = (blake3::Hasher::new(), Vec::new(), 0);
    for Opened { path, name, file, before } in files {
        // The same rows in other files are something else, as a file may be of rows that mean something together.
        let name_bytes = name.as_deref().unwrap_or_default().as_bytes();
        digest.update(&(name_bytes.len() as u64).to_le_bytes()).update(name_bytes);
        let packed = AtomicU64::new(0);
        packed.fetch_add(before.len(), Ordering::Relaxed);
        let again = file.try_clone().map_err(|err| FetchError::File { path: path.clone(), err })?;
        let raw = BufReader::with_capacity(256 << 10, tokio::fs::File::from_std(file));
        let raw = unpacked(None, raw).await;
        let raw = raw.map_err(|err| FetchError::File { path: path.clone(), err })?;
        let spooled = spool(raw, &packed, bytes, &mut digest, spool_folder, limits).await?;
        let after = again.metadata().map_err(|err| FetchError::File { path: path.clone(), err })?;
        if stamp(&before) != stamp(&after) {
            return Err(FetchError::Changing(path));
        }
        bytes += spooled.bytes;
        digest.update(&spooled.bytes.to_le_bytes());
        bodies.push(Body { name, file: spooled.file });
    }
    let content = Content { digest: *digest.finalize().as_bytes(), bytes, ..Content::default() };
    Ok(Fetched::Bodies(bodies, content))
}

/// A file before it is read.
struct Opened {
    path: PathBuf,
    name: Option<String>,
    file: File,
    before: Metadata,
}

fn open_all(
    path: &Path,
    folders: Option<&[PathBuf]>,
    most: usize,
) -> Result<Vec<Opened>, FetchError> {
    let failed = |err| FetchError::File { path: path.into(), err };
    if !path.metadata().map_err(failed)?.is_dir() {
        return Ok(vec![open(path, None, folders)?]);
    }
    let mut names = Vec::new();
    for entry in path.read_dir().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Programs write files under such names before they give them their own.
        let is_file = !name.starts_with('.') && entry.path().is_file();
        names.extend(is_file.then_some((name, entry.path())));
        if names.len() > most {
            return Err(FetchError::TooManyFiles { path: path.into(), most });
        }
    }
    names.sort();
    names.into_iter().map(|(name, path)| open(&path, Some(name), folders)).collect()
}

fn open(
    path: &Path,
    name: Option<String>,
    folders: Option<&[PathBuf]>,
) -> Result<Opened, FetchError> {
    let failed = |err| FetchError::File { path: path.into(), err };
    if let Some(folders) = folders {
        let real = path.canonicalize().map_err(failed)?;
        let mut real_folders = folders.iter().filter_map(|folder| folder.canonicalize().ok());
        if !real_folders.any(|folder| real.starts_with(folder)) {
            return Err(FetchError::Outside(path.into()));
        }
    }
    // A pipe that nobody writes to would never open.
    let nonblock = OFlags::NONBLOCK.bits() as i32;
    let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(FetchError::NoFile(path.into()));
    }
    Ok(Opened { path: path.into(), name, file, before })
}

/// What changes when somebody writes.
fn stamp(metadata: &Metadata) -> (u64, i64, i64) {
    (metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read as _, os::unix::fs::symlink};

    use async_compression::tokio::bufread::GzipEncoder;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn fetch(
        path: &Path,
        folders: Option<&[PathBuf]>,
    ) -> Result<(Vec<(String, String)>, Content), String> {
        let spool = tempfile::tempdir().unwrap();
        match read(path, folders, spool.path(), &FetchLimits { files: 3, ..FetchLimits::default() })
            .await
        {
            Ok(Fetched::Bodies(bodies, content)) => {
                let text = |mut body: Body| {
                    let mut text = String::new();
                    body.file.read_to_string(&mut text).unwrap();
                    (body.name.unwrap_or_default(), text)
                };
                assert_eq!(
                    fs::read_dir(spool.path()).unwrap().count(),
                    0,
                    "nothing is left behind"
                );
                Ok((bodies.into_iter().map(text).collect(), content))
            }
            Ok(Fetched::Same) => panic!("a file says nothing of itself"),
            Err(err) => Err(format!("{}: {err}", err.word())),
        }
    }

    #[tokio::test]
    async fn a_file_is_read_unpacked_and_known_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        fs::write(&path, "192.0.2.1\n").unwrap();
        let (bodies, plain) = fetch(&path, None).await.unwrap();
        assert_eq!(bodies, [(String::new(), "192.0.2.1\n".into())]);
        let mut packed = Vec::new();
        GzipEncoder::new(&b"192.0.2.1\n"[..]).read_to_end(&mut packed).await.unwrap();
        fs::write(&path, &packed).unwrap();
        let (bodies, unpacked) = fetch(&path, None).await.unwrap();
        assert_eq!((bodies[0].1.as_str(), unpacked), ("192.0.2.1\n", plain));
        fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        assert!(fetch(&path, None).await.unwrap_err().starts_with("packed"), "it is cut off");
        fs::remove_file(&path).unwrap();
        assert!(fetch(&path, None).await.unwrap_err().starts_with("file"));
    }

    #[tokio::test]
    async fn a_folder_is_its_regular_files_in_the_order_of_names() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("b", "2\n"), ("a", "1\n"), (".a.Xy12", "half")] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        fs::create_dir(dir.path().join("c")).unwrap();
        let (bodies, content) = fetch(dir.path(), None).await.unwrap();
        assert_eq!(bodies, [("a".into(), "1\n".into()), ("b".into(), "2\n".into())]);
        fs::write(dir.path().join("b"), "").unwrap();
        fs::write(dir.path().join("a"), "1\n2\n").unwrap();
        assert_ne!(fetch(dir.path(), None).await.unwrap().1.digest, content.digest);
        for name in ["d", "e", "f"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert!(fetch(dir.path(), None).await.unwrap_err().contains("more than 3 files"));
    }

    #[tokio::test]
    async fn a_link_does_not_lead_out_of_the_folders() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = other.path().join("secret");
        fs::write(&secret, "secret\n").unwrap();
        let link = dir.path().join("link");
        symlink(&secret, &link).unwrap();
        let folders = [dir.path().to_owned()];
        assert!(fetch(&link, Some(&folders)).await.unwrap_err().starts_with("outside"));
        assert!(fetch(dir.path(), Some(&folders)).await.unwrap_err().starts_with("outside"));
        assert!(fetch(&link, None).await.is_ok());
        assert!(fetch(Path::new("/dev/null"), None).await.unwrap_err().contains("no regular file"));
    }
}
