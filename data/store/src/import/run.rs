//! Runs: sorted parts of an import, the last in memory, the others in files.
//!
//! A run has two files: plain addresses, four bytes each; and rows, each as the lengths of subject and
//! value and then both. Nobody reads them after a crash, so they are not synced.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    StoreError,
    import::{
        buffer::Buffer,
        folder::{Folder, io_at},
        order::Contradictions,
    },
};

/// Bytes that are read or written at once.
const CHUNK: usize = 64 << 10;

/// All runs of an import, the oldest first.
pub(crate) struct Runs {
    folder: Folder,
    /// Bytes in memory at most.
    limit: usize,
    files: Vec<Files>,
    buffer: Buffer,
}

/// The files of a run.
struct Files {
    hosts: PathBuf,
    rows: PathBuf,
}

impl Runs {
    pub(crate) fn new(folder: Folder, limit: usize) -> Self {
        let limit = limit.min(1 << 30);
        Self { folder, limit, files: Vec::new(), buffer: Buffer::default() }
    }

    /// The folder for the import's files.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn put_host(&mut self, addr: u32) -> Result<(), StoreError> {
        if self.buffer.hosts.is_empty() {
            // Takes no memory until it is filled.
            self.buffer.hosts.reserve_exact(self.limit / 4);
        }
        self.buffer.put_host(addr);
        self.spill_if_full()
    }

    pub(crate) fn put_row(&mut self, subject: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.buffer.put_row(subject, value);
        self.spill_if_full()
    }

    fn spill_if_full(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() < self.limit { Ok(()) } else { self.spill() }
    }

    /// Bytes in memory, about.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Writes what is in memory to files, and gives the memory back.
    pub(crate) fn release(&mut self) -> Result<(), StoreError> {
        self.spill()?;
        self.buffer.shrink();
        Ok(())
    }

    /// Rows that a later row of the same run contradicts.
    pub(crate) fn contradictions(&self) -> &Contradictions {
        &self.buffer.contradictions
    }

    fn spill(&mut self) -> Result<(), StoreError> {
        self.buffer.sort();
        let number = self.files.len();
        let files = Files {
            hosts: self.folder.file(&format!("{number}.hosts"))?,
            rows: self.folder.file(&format!("{number}.rows"))?,
        };
        write(&files.hosts, |out| self.buffer.write_hosts(out))?;
        write(&files.rows, |out| self.buffer.write_rows(out))?;
        self.files.push(files);
        self.buffer.clear();
        Ok(())
    }

    /// All rows are in.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.buffer.sort();
        if !self.files.is_empty() {
            self.buffer.shrink();
        }
        Ok(())
    }

    /// The addresses of each run, and the run's number; a higher one is newer.
    pub(crate) fn hosts(&self) -> Result<Vec<Hosts<'_>>, StoreError> {
        let files = self.files.iter().map(|files| HostsFrom::file(&files.hosts));
        let memory = Ok(HostsFrom::Memory(self.buffer.hosts.iter()));
        let mut all = Vec::new();
        for (run, from) in files.chain([memory]).enumerate() {
            all.extend(Hosts { run, addr: 0, from: from? }.read()?);
        }
        Ok(all)
    }

    /// The rows of each run.
    pub(crate) fn rows(&self) -> Result<Vec<Rows<'_>>, StoreError> {
        let files = self.files.iter().map(|files| RowsFrom::file(&files.rows));
        let memory = Ok(RowsFrom::Memory(&self.buffer, 0));
        let mut all = Vec::new();
        for (run, from) in files.chain([memory]).enumerate() {
            let rows = Rows { run, subject: Vec::new(), value: Vec::new(), from: from? };
            all.extend(rows.read()?);
        }
        Ok(all)
    }
}

impl Buffer {
    fn write_hosts(&self, out: &mut impl Write) -> io::Result<()> {
        self.hosts.iter().try_for_each(|addr| out.write_all(&addr.to_be_bytes()))
    }

    fn write_rows(&self, out: &mut impl Write) -> io::Result<()> {
        for (subject, value) in (0..self.count_rows()).filter_map(|index| self.row(index)) {
            out.write_all(&(subject.len() as u32).to_be_bytes())?;
            out.write_all(&(value.len() as u32).to_be_bytes())?;
            out.write_all(subject)?;
            out.write_all(value)?;
        }
        Ok(())
    }
}

fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::with_capacity(CHUNK, file);
        fill(&mut out)?;
        out.flush()
    });
    written.map_err(|err| io_at(path, err))
}

/// A file that is read from its beginning.
struct Input {
    path: PathBuf,
    file: BufReader<File>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|err| io_at(path, err))?;
        Ok(Self { path: path.into(), file: BufReader::with_capacity(CHUNK, file) })
    }

    /// Fills `bytes`; false at the end of the file.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, StoreError> {
        match self.file.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(err) => Err(io_at(&self.path, err)),
        }
    }

    /// Fills `bytes` with what must be there.
    fn whole(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.file.read_exact(bytes).map_err(|err| io_at(&self.path, err))
    }
}

/// The addresses of a run, at one of them.
pub(crate) struct Hosts<'a> {
    pub(crate) run: usize,
    pub(crate) addr: u32,
    from: HostsFrom<'a>,
}

enum HostsFrom<'a> {
    Memory(std::slice::Iter<'a, u32>),
    File(Input),
}

impl HostsFrom<'_> {
    fn file(path: &Path) -> Result<Self, StoreError> {
        Input::open(path).map(Self::File)
    }
}

impl Hosts<'_> {
    /// Goes to the next address, if there is one.
    pub(crate) fn advance(&mut self) -> Result<bool, StoreError> {
        let next = match &mut self.from {
            HostsFrom::Memory(addresses) => addresses.next().copied(),
            HostsFrom::File(input) => {
                let mut bytes = [0; 4];
                input.fill(&mut bytes)?.then(|| u32::from_be_bytes(bytes))
            }
        };
        self.addr = next.unwrap_or(self.addr);
        Ok(next.is_some())
    }

    fn read(mut self) -> Result<Option<Self>, StoreError> {
        Ok(self.advance()?.then_some(self))
    }
}

/// The rows of a run, at one of them.
pub(crate) struct Rows<'a> {
    pub(crate) run: usize,
    pub(crate) subject: Vec<u8>,
    pub(crate) value: Vec<u8>,
    from: RowsFrom<'a>,
}

enum RowsFrom<'a> {
    Memory(&'a Buffer, usize),
    File(Input),
}

impl RowsFrom<'_> {
    fn file(path: &Path) -> Result<Self, StoreError> {
        Input::open(path).map(Self::File)
    }
}

impl Rows<'_> {
    /// Goes to the next row, if there is one.
    pub(crate) fn advance(&mut self) -> Result<bool, StoreError> {
        match &mut self.from {
            RowsFrom::Memory(buffer, index) => {
                let Some((subject, value)) = buffer.row(*index) else { return Ok(false) };
                *index += 1;
                subject.clone_into(&mut self.subject);
                value.clone_into(&mut self.value);
            }
            RowsFrom::File(input) => {
                let mut lengths = [[0; 4]; 2];
                if !input.fill(lengths.as_flattened_mut())? {
                    return Ok(false);
                }
                let [subject, value] = lengths.map(|bytes| u32::from_be_bytes(bytes) as usize);
                self.subject.resize(subject, 0);
                self.value.resize(value, 0);
                input.whole(&mut self.subject)?;
                input.whole(&mut self.value)?;
            }
        }
        Ok(true)
    }

    fn read(mut self) -> Result<Option<Self>, StoreError> {
        Ok(self.advance()?.then_some(self))
    }
}
