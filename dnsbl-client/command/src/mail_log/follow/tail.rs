//! One open log, and how far it was read.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path};

use super::{
    cut::Place,
    state::{Begin, FileId, Saved},
};

/// How much is read at once, in octets; more than the longest line.
const CHUNK: usize = 64 << 10;

/// An open log.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    id: FileId,
    place: Place,
    /// Lines that begin before this were there before anybody watched.
    known_from: u64,
}

impl Tail {
    /// Opens a log.
    ///
    /// # Errors
    /// It can't be read, or is no file such as logs are.
    pub(super) fn open(path: &Path, begin: Begin) -> io::Result<Self> {
        // To open a named pipe would wait for somebody who writes to it.
        if !path.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let (id, size) = (FileId::of(&metadata), metadata.len());
        let offset = match begin {
            Begin::End => size,
            Begin::At(saved) if saved.file == id && saved.offset <= size => saved.offset,
            Begin::At(_) | Begin::Start => 0,
        };
        let mut tail =
            Self { file, id, place: Place { offset, is_within_line: false }, known_from: size };
        tail.place.is_within_line = !tail.is_at_line_start()?;
        Ok(tail)
    }

    /// Which file it is.
    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// How far it was read.
    pub(super) fn saved(&self) -> Saved {
        Saved { file: self.id, offset: self.place.offset }
    }

    /// Reads on, and hands over each line and whether it was written while somebody watched. Gives whether
    /// there may be more.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) fn read(&mut self, take: &mut dyn FnMut(&[u8], bool)) -> io::Result<bool> {
        let size = self.file.metadata()?.len();
        if size < self.place.offset || !(self.place.is_within_line || self.is_at_line_start()?) {
            // It was emptied or written anew. What is in it now may be old.
            self.place = Place::default();
            self.known_from = size;
        }
        if size == self.place.offset {
            return Ok(false);
        }
        let mut chunk = vec![0; CHUNK];
        let read = self.file.read_at(&mut chunk, self.place.offset)?;
        let (lines, next) = self.place.cut(&chunk[..read]);
        lines.into_iter().for_each(|line| take(line.text, line.offset >= self.known_from));
        let has_more = next != self.place;
        self.place = next;
        Ok(has_more)
    }

    /// Whether the place is the start of a line.
    fn is_at_line_start(&self) -> io::Result<bool> {
        let Some(before) = self.place.offset.checked_sub(1) else { return Ok(true) };
        let mut octet = [0];
        let read = self.file.read_at(&mut octet, before)?;
        Ok(read == 1 && octet == *b"\n")
    }
}
