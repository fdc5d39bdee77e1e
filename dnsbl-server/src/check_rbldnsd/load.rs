//! Files of rbldnsd, read from disk.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use dnsbl_formats::rbldnsd::{
    AclFile, AclReader, AclRule, CombinedReader, Contents, DatasetType, FileError, GenericFile,
    GenericReader, LineError, ListType, Part, Reader, Record, Settings, Trapped,
};
use dnsbl_types::UnixTime;
use flate2::bufread::MultiGzDecoder;

use super::{
    arguments::{CommandLine, DatasetArgument},
    finding::{Dropped, Finding, Level},
    summary::{Rows, Summary},
};

/// A data set of the command line.
#[derive(Debug)]
pub(super) struct Dataset {
    pub(super) files: Vec<PathBuf>,
    /// The time of the newest file, in seconds since 1970, which is the serial where that is 0.
    pub(super) newest: u32,
    pub(super) contents: Loaded,
    pub(super) findings: Vec<Finding>,
}

/// What a data set says.
#[derive(Debug)]
pub(super) enum Loaded {
    List(Box<List>),
    Records(Settings, Vec<Record>),
    /// For all of its names.
    Combined(Settings, Vec<LoadedPart>),
    Acl(Vec<AclRule>),
    /// Nothing that could be read.
    Nothing,
}

/// A list.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) list: ListType,
    pub(super) settings: Settings,
    pub(super) summary: Summary,
    /// Its files mean the same together as one by one.
    pub(super) is_sum_of_files: bool,
}

/// A part of a combined file.
#[derive(Debug)]
pub(super) struct LoadedPart {
    pub(super) file: PathBuf,
    pub(super) line: u64,
    pub(super) part: Part,
    pub(super) contents: PartContents,
}

/// What a part says.
#[derive(Debug)]
pub(super) enum PartContents {
    List(Box<List>),
    Records(Vec<Record>),
    Nothing,
}

/// What reads lines.
trait LineReader {
    fn read_line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError>;
    fn traps(&self) -> Vec<Trapped>;
}

/// Reads a data set as it is at `now`.
pub(super) fn load(line: &CommandLine, argument: &DatasetArgument, now: UnixTime) -> Dataset {
    let files = argument.files.iter().map(|file| line.path(file));
    let files: Vec<PathBuf> =
        files.map(|file| std::path::absolute(&file).unwrap_or(file)).collect();
    let newest = files.iter().filter_map(|file| modified(file)).max().unwrap_or_default();
    let mut loading = Loading { line, now, findings: Vec::new() };
    let contents = match argument.dataset.parse() {
        Ok(DatasetType::List(list)) => loading.list(list, &files),
        Ok(DatasetType::Generic) => loading.records(&files),
        Ok(DatasetType::Combined) => loading.combined(&files),
        Ok(DatasetType::Acl) => loading.acl(&files),
        Err(err) => {
            let text = match argument.dataset.as_str() {
                "aclkey" => {
                    "aclkey of rspamd's fork (keys as labels of names) is not taken over".into()
                }
                _ => format!("{err}"),
            };
            loading.findings.push(Finding::new(Level::LeftOut, text).at(&files[0], None));
            Loaded::Nothing
        }
    };
    Dataset { files, newest, contents, findings: loading.findings }
}

fn modified(file: &Path) -> Option<u32> {
    let modified = file.metadata().ok()?.modified().ok()?;
    u32::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

struct Loading<'a> {
    line: &'a CommandLine,
    now: UnixTime,
    findings: Vec<Finding>,
}

impl Loading<'_> {
    fn list(&mut self, list: ListType, files: &[PathBuf]) -> Loaded {
        let mut all = Reader::new(list, false);
        if let [file] = files {
            if !self.lines(file, &mut all, true) {
                return Loaded::Nothing;
            }
            return self.finished(file, all.finish(self.now)).map_or(Loaded::Nothing, |file| {
                let settings = file.settings.clone();
                let summary = Summary::of(list, file, None);
                Loaded::List(Box::new(List { list, settings, summary, is_sum_of_files: true }))
            });
        }
        let mut one_by_one = Rows::default();
        for file in files {
            let mut reader = Reader::new(list, false);
            if !self.lines(file, &mut reader, true) || !self.lines(file, &mut all, false) {
                return Loaded::Nothing;
            }
            all.next_file();
            let Some(read) = self.finished(file, reader.finish(self.now)) else {
                return Loaded::Nothing;
            };
            Summary::of(list, read, Some(&mut one_by_one));
        }
        let Some(file) = self.finished(&files[0], all.finish(self.now)) else {
            return Loaded::Nothing;
        };
        let settings = file.settings.clone();
        let mut together = Rows::default();
        let summary = Summary::of(list, file, Some(&mut together));
        let is_sum_of_files = together.adds_up_to(one_by_one);
        Loaded::List(Box::new(List { list, settings, summary, is_sum_of_files }))
    }

    fn records(&mut self, files: &[PathBuf]) -> Loaded {
        let (mut settings, mut records) = (Settings::default(), Vec::new());
        for file in files {
            let mut reader = GenericReader::new(false);
            if !self.lines(file, &mut reader, true) {
                return Loaded::Nothing;
            }
            let Some(read) = self.finished(file, reader.finish(self.now)) else {
                return Loaded::Nothing;
            };
            let GenericFile { settings: own, records: of_file } = read;
            merge(&mut settings, own);
            records.extend(of_file);
        }
        Loaded::Records(settings, records)
    }

    fn combined(&mut self, files: &[PathBuf]) -> Loaded {
        let (mut settings, mut parts) = (Settings::default(), Vec::new());
        for path in files {
            let mut reader = CombinedReader::new(None, false);
            if !self.lines(path, &mut reader, true) {
                return Loaded::Nothing;
            }
            let Some(file) = self.finished(path, reader.finish(self.now)) else {
                return Loaded::Nothing;
            };
            merge(&mut settings, file.settings);
            for section in file.sections {
                let contents = match section.contents {
                    Contents::List(list, file) => {
                        let settings = file.settings.clone();
                        let summary = Summary::of(list, file, None);
                        PartContents::List(Box::new(List {
                            list,
                            settings,
                            summary,
                            is_sum_of_files: true,
                        }))
                    }
                    Contents::Generic(file) => PartContents::Records(file.records),
                    Contents::Skipped => PartContents::Nothing,
                };
                let file = path.clone();
                parts.push(LoadedPart { file, line: section.line, part: section.part, contents });
            }
        }
        Loaded::Combined(settings, parts)
    }

    fn acl(&mut self, files: &[PathBuf]) -> Loaded {
        let mut reader = AclReader::new(false);
        for file in files {
            if !self.lines(file, &mut reader, true) {
                return Loaded::Nothing;
            }
            reader.next_file();
        }
        match self.finished(&files[0], reader.finish(self.now)) {
            Some(AclFile { rules, .. }) => Loaded::Acl(rules),
            None => Loaded::Nothing,
        }
    }

    fn finished<T>(&mut self, file: &Path, finished: Result<T, FileError>) -> Option<T> {
        let told = finished.map_err(|err| {
            self.findings.push(Finding::new(Level::Broken, err.to_string()).at(file, None));
        });
        told.ok()
    }

    /// Reads all lines, and tells of them if it is the first time; whether that went well.
    fn lines(&mut self, file: &Path, reader: &mut impl LineReader, tells: bool) -> bool {
        let known = reader.traps().len();
        let mut dropped = Dropped::default();
        let read = self.each_line(file, |number, line| match reader.read_line(number, line) {
            Ok(()) => true,
            Err(LineError::TooMuch(_)) => false,
            Err(wrong) => {
                dropped.add(file, number, &wrong, self.line.cuts_host_bits);
                true
            }
        });
        if tells {
            self.findings.extend(dropped.into_findings());
            let traps = reader.traps();
            self.findings.extend(traps[known..].iter().map(|trap| Finding::of_trap(file, trap)));
        }
        match read {
            Ok(true) => true,
            Ok(false) => {
                let text = "it is too large to be read at once here";
                self.findings.push(Finding::new(Level::LeftOut, text).at(file, None));
                false
            }
            Err(err) => {
                self.findings.push(Finding::new(Level::Broken, err.to_string()).at(file, None));
                false
            }
        }
    }

    /// Hands over each line until it is refused; whether none was.
    fn each_line(&self, file: &Path, mut take: impl FnMut(u64, &[u8]) -> bool) -> io::Result<bool> {
        let mut body = BufReader::with_capacity(1 << 16, File::open(file)?);
        let is_packed = body.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let mut body: Box<dyn BufRead> = match is_packed {
            true if self.line.no_gzip => {
                return Err(io::Error::other("it is packed, and -C says not to unpack it"));
            }
            true => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(body))),
            false => Box::new(body),
        };
        let (mut number, mut line) = (0, Vec::new());
        loop {
            line.clear();
            if body.read_until(b'\n', &mut line)? == 0 {
                return Ok(true);
            }
            number += 1;
            if !take(number, line.strip_suffix(b"\n").unwrap_or(&line)) {
                return Ok(false);
            }
        }
    }
}

/// The first that is said counts, as in rbldnsd, but for times of expiry.
fn merge(settings: &mut Settings, other: Settings) {
    settings.soa = settings.soa.take().or(other.soa);
    settings.ns = settings.ns.take().or(other.ns);
    settings.ttl = other.ttl.or(settings.ttl.take());
    let expires = settings.expires.take().into_iter().chain(other.expires);
    settings.expires = expires.min_by_key(|at| at.value);
}

impl LineReader for Reader {
    fn read_line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError> {
        if let Some(entry) = self.read(number, line)? {
            self.add(&entry);
        }
        Ok(())
    }

    fn traps(&self) -> Vec<Trapped> {
        Self::traps(self).to_vec()
    }
}

impl LineReader for CombinedReader {
    fn read_line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError> {
        if let Some(entry) = self.read(number, line)? {
            self.add(&entry);
        }
        Ok(())
    }

    fn traps(&self) -> Vec<Trapped> {
        Self::traps(self)
    }
}

impl LineReader for GenericReader {
    fn read_line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError> {
        self.read(number, line)
    }

    fn traps(&self) -> Vec<Trapped> {
        Self::traps(self).to_vec()
    }
}

impl LineReader for AclReader {
    fn read_line(&mut self, number: u64, line: &[u8]) -> Result<(), LineError> {
        self.read(number, line)
    }

    fn traps(&self) -> Vec<Trapped> {
        Self::traps(self).to_vec()
    }
}
