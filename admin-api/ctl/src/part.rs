//! A file that appears whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader, ErrorKind, Seek as _, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

/// The beginning of a file, under a name of its own; removed unless it is finished.
pub(crate) struct Part {
    file: File,
    /// Where it is written.
    part: PathBuf,
    /// Where it will stand.
    target: PathBuf,
    finished: bool,
}

impl Part {
    /// Begins a file that others may read.
    pub(crate) fn create(target: &Path) -> anyhow::Result<Self> {
        Self::with_mode(target, 0o666)
    }

    /// Begins a file that is its owner's alone.
    pub(crate) fn create_private(target: &Path) -> anyhow::Result<Self> {
        Self::with_mode(target, 0o600)
    }

    fn with_mode(target: &Path, mode: u32) -> anyhow::Result<Self> {
        let shown = target.display();
        // Devices, pipes and directories are not for renaming over.
        let other = fs::metadata(target).is_ok_and(|there| !there.is_file());
        ensure!(!other, "{shown} is not a regular file");
        let mut part = target.as_os_str().to_owned();
        part.push(".part");
        let mut options = OpenOptions::new();
        // Read back by whoever verifies it.
        options.read(true).write(true).create(true).truncate(true).mode(mode);
        let file = options.open(&part).with_context(|| format!("cannot write {shown}.part"))?;
        Ok(Self { file, part: part.into(), target: target.to_owned(), finished: false })
    }

    /// Writes on.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.file.write_all(bytes);
        written.with_context(|| format!("cannot write {}", self.part.display()))
    }

    /// What was written, from its beginning.
    pub(crate) fn written(&mut self) -> anyhow::Result<&File> {
        let rewound = self.file.rewind();
        rewound.with_context(|| format!("cannot read {}", self.part.display()))?;
        Ok(&self.file)
    }

    /// Whether the file that stands there has the same content.
    pub(crate) fn is_same_as_before(&self) -> anyhow::Result<bool> {
        let shown = self.target.display();
        has_same_content(&self.part, &self.target).with_context(|| format!("cannot read {shown}"))
    }

    /// Makes it last, and gives it its name.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let shown = self.target.display().to_string();
        let settle = || {
            self.file.sync_all()?;
            fs::rename(&self.part, &self.target)?;
            directory(&self.target).and_then(|directory| directory.sync_all())
        };
        settle().with_context(|| format!("cannot write {shown}"))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn has_same_content(one: &Path, other: &Path) -> std::io::Result<bool> {
    let other = match File::open(other) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    let one = File::open(one)?;
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let len = a.len().min(b.len());
        if a[..len] != b[..len] {
            return Ok(false);
        }
        if len == 0 {
            return Ok(a.len() == b.len());
        }
        one.consume(len);
        other.consume(len);
    }
}

/// The directory that a file stands in.
fn directory(file: &Path) -> std::io::Result<File> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(".".as_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Part;

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("bl.txt");
        fs::write(&target, "old").unwrap();
        let mut part = Part::create(&target).unwrap();
        part.write(b"new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        part.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_with_the_same_content_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("bl.txt");
        let is_same = |content: &str| {
            let mut part = Part::create(&target).unwrap();
            part.write(content.as_bytes()).unwrap();
            part.is_same_as_before().unwrap()
        };
        assert!(!is_same("a"));
        let long = "x".repeat(100_000);
        fs::write(&target, &long).unwrap();
        assert!(is_same(&long) && !is_same(&long[1..]));
        assert!(!is_same(&format!("{}y", &long[1..])));
    }

    #[test]
    fn nothing_is_left_of_one_that_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let mut part = Part::create(&directory.path().join("bl.txt")).unwrap();
        part.write(b"half").unwrap();
        drop(part);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_files_are_replaced() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Part::create(directory.path()).is_err());
        assert!(Part::create("/dev/null".as_ref()).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
