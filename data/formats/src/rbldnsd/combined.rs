//! Combined data sets: several in one file, each for a zone or for names below it.

use dnsbl_types::{Name, UnixTime};

use super::{
    bytes::{is_comment, trim, words},
    common::{Common, Kind},
    dataset::{DatasetType, ListType},
    directive::{self, Directives, Settings},
    entry::Entry,
    error::{FileError, LineError},
    generic::{GenericFile, GenericReader},
    name,
    reader::{File, Reader},
    trap::{Trapped, Traps},
};

/// A part of a combined data set, which begins with `$DATASET TYPE[:NAME] SUB…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its type; `None` if there is no such type, for which rbldnsd does not load the file.
    pub dataset: Option<DatasetType>,
    /// Its name for logs; may be empty.
    pub name: String,
    /// The names that it is for, relative to the zone, each once; the root is the zone itself. rbldnsd ignores a
    /// part that is for none.
    pub below: Vec<Name>,
}

impl Part {
    /// The part that begins with this line.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let text = directive::of_line(trim(line.strip_suffix(b"\r").unwrap_or(line)))?;
        let mut words = words(text);
        words.next().filter(|word| word.eq_ignore_ascii_case(b"dataset"))?;
        let dataset = String::from_utf8_lossy(words.next()?).into_owned();
        let (dataset, name) = dataset.split_once(':').unwrap_or((&dataset, ""));
        let mut below: Vec<Name> = Vec::new();
        for word in words.take_while(|word| !is_comment(word)) {
            let name = if word == b"@" { Some(name::root()) } else { name::any_or_root(word) };
            below.extend(name.filter(|name| !below.contains(name)));
        }
        Some(Self { dataset: dataset.parse().ok(), name: name.into(), below })
    }

    /// Whether it is for this name below the zone.
    pub fn is_for(&self, below: &Name) -> bool {
        self.below.contains(below)
    }
}

/// A reader of a combined file: all of its parts, or those for one name.
#[derive(Debug)]
pub struct CombinedReader {
    strict: bool,
    /// The parts that are read; all if this is `None`.
    wanted: Option<Name>,
    common: Common,
    sections: Vec<OpenSection>,
    fatal: Option<FileError>,
    lines: u64,
    is_full: bool,
}

#[derive(Debug)]
struct OpenSection {
    line: u64,
    part: Part,
    reader: SectionReader,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a file has few parts")]
enum SectionReader {
    List(ListType, Reader),
    Generic(GenericReader),
    /// It is for nobody, or not wanted: only its directives count.
    Skipped(Common),
}

/// An entry of a part.
#[derive(Debug)]
pub struct SectionEntry {
    section: usize,
    /// The entry.
    pub entry: Entry,
}

/// A combined file that was read to its end.
#[derive(Debug)]
pub struct CombinedFile {
    /// What its directives say of the zone, wherever they stand.
    pub settings: Settings,
    /// In the order of their lines, those that were not read included.
    pub sections: Vec<Section>,
}

/// A part that was read to its end.
#[derive(Debug)]
pub struct Section {
    /// The line of its `$DATASET`.
    pub line: u64,
    /// What that says.
    pub part: Part,
    /// What it says; a file's `$TIMESTAMP` holds for all of its parts.
    pub contents: Contents,
}

/// What a part says.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a file has few parts")]
pub enum Contents {
    /// What it lists.
    List(ListType, File),
    /// Its records.
    Generic(GenericFile),
    /// It was not read.
    Skipped,
}

impl CombinedReader {
    /// The most parts of a file.
    pub const MAX_SECTIONS: usize = 1000;

    /// A reader of the first line, for all parts or those for one name below the zone, of which the root is the zone
    /// itself. If it is `strict`, a line that is a trap says nothing.
    pub fn new(wanted: Option<Name>, strict: bool) -> Self {
        Self {
            strict,
            wanted,
            common: Common::new(strict, Directives::default()),
            sections: Vec::new(),
            fatal: None,
            lines: 0,
            is_full: false,
        }
    }

    /// The traps that were met, those of each part once.
    pub fn traps(&self) -> Vec<Trapped> {
        let of_sections = self.sections.iter().map(|section| section.reader.traps());
        [self.common.traps.all()].into_iter().chain(of_sections).flatten().copied().collect()
    }

    /// Reads a line, without its LF; `None` where it has no entry. Lines are counted from 1 on.
    ///
    /// # Errors
    /// As those of [`Reader::read`]; a line for which rbldnsd would not load the file is [`LineError::Fatal`], and
    /// [`finish`](Self::finish) says so again.
    pub fn read(&mut self, line: u64, text: &[u8]) -> Result<Option<SectionEntry>, LineError> {
        self.look_at_size()?;
        let read = match Part::of_line(text) {
            Some(part) => self.open(line, part).map(|()| None),
            None => self.read_within(line, text),
        };
        if let Err(LineError::Fatal(why)) = read {
            self.fatal.get_or_insert(FileError::NotLoaded { line, why });
        }
        read
    }

    /// Makes an entry count.
    pub fn add(&mut self, entry: &SectionEntry) {
        if let SectionReader::List(_, reader) = &mut self.sections[entry.section].reader {
            reader.add(&entry.entry);
        }
    }

    /// All lines are in.
    ///
    /// # Errors
    /// rbldnsd would not serve the file at `now`.
    pub fn finish(self, now: UnixTime) -> Result<CombinedFile, FileError> {
        self.fatal.map_or(Ok(()), Err)?;
        let mut settings = self.common.directives.settings.clone();
        for section in &self.sections {
            settings.merge(&section.reader.common().directives.settings);
        }
        settings.check(now)?;
        let mut sections = Vec::with_capacity(self.sections.len());
        for OpenSection { line, part, reader } in self.sections {
            let mut contents = match reader {
                SectionReader::List(list, reader) => Contents::List(list, reader.finish(now)?),
                SectionReader::Generic(reader) => Contents::Generic(reader.finish(now)?),
                SectionReader::Skipped(_) => Contents::Skipped,
            };
            if let Contents::List(_, file) = &mut contents {
                file.settings.expires = settings.expires.clone();
            }
            sections.push(Section { line, part, contents });
        }
        Ok(CombinedFile { settings, sections })
    }

    fn open(&mut self, line: u64, part: Part) -> Result<(), LineError> {
        if self.sections.len() == Self::MAX_SECTIONS {
            return Err(LineError::Fatal("a combined file has at most 1000 parts here"));
        }
        let max_range4 = match self.sections.last() {
            Some(section) => section.reader.common().directives.max_range4,
            None => self.common.directives.max_range4,
        };
        let directives = self.common.directives.of_part(max_range4);
        let mut common = Common::new(self.strict, directives);
        common.line = line;
        let is_wanted = match &self.wanted {
            Some(wanted) => part.is_for(wanted),
            None => !part.below.is_empty(),
        };
        let reader = match part.dataset {
            None => return Err(LineError::Fatal("there is no such type of data set")),
            Some(DatasetType::Combined | DatasetType::Acl) => {
                return Err(LineError::Fatal("a part is neither combined nor acl"));
            }
            Some(_) if !is_wanted => SectionReader::Skipped(common),
            Some(DatasetType::List(list)) => {
                SectionReader::List(list, Reader::within(list, common))
            }
            Some(DatasetType::Generic) => SectionReader::Generic(GenericReader::within(common)),
        };
        let is_for_nobody = part.below.is_empty();
        self.sections.push(OpenSection { line, part, reader });
        if is_for_nobody { Err(LineError::NoSub) } else { Ok(()) }
    }

    fn read_within(&mut self, line: u64, text: &[u8]) -> Result<Option<SectionEntry>, LineError> {
        let Some(last) = self.sections.len().checked_sub(1) else {
            return match self.common.begin(line, text)? {
                Kind::Done => Ok(None),
                Kind::Text(_) => Err(LineError::Fatal("a line with data stands before $DATASET")),
            };
        };
        match &mut self.sections[last].reader {
            SectionReader::List(_, reader) => {
                let entry = reader.read(line, text)?;
                Ok(entry.map(|entry| SectionEntry { section: last, entry }))
            }
            SectionReader::Generic(reader) => reader.read(line, text).map(|()| None),
            SectionReader::Skipped(common) => {
                // What its lines say is for others to judge; their comments and directives are like all.
                match common.begin(line, text) {
                    Err(LineError::Trap(_)) | Ok(_) => Ok(None),
                    Err(wrong) => Err(wrong),
                }
            }
        }
    }

    fn look_at_size(&mut self) -> Result<(), LineError> {
        self.lines += 1;
        if self.lines.is_multiple_of(1024) {
            let held: usize = self.sections.iter().map(|section| section.reader.held()).sum();
            self.is_full = held > Reader::MAX_HELD;
        }
        if self.is_full { Err(LineError::TooMuch(Reader::MAX_HELD)) } else { Ok(()) }
    }
}

impl SectionReader {
    fn common(&self) -> &Common {
        match self {
            Self::List(_, reader) => reader.common(),
            Self::Generic(reader) => reader.common(),
            Self::Skipped(common) => common,
        }
    }

    fn traps(&self) -> &[Trapped] {
        let traps: &Traps = &self.common().traps;
        traps.all()
    }

    fn held(&self) -> usize {
        match self {
            Self::List(_, reader) => reader.held(),
            Self::Generic(reader) => reader.held(),
            Self::Skipped(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbldnsd::ValueId;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn read(wanted: Option<&str>, text: &str) -> (Result<CombinedFile, FileError>, Vec<LineError>) {
        let wanted =
            wanted.map(|name| if name == "@" { name::root() } else { name.parse().unwrap() });
        let mut reader = CombinedReader::new(wanted, false);
        let mut wrong = Vec::new();
        for (number, line) in (1..).zip(text.split('\n')) {
            match reader.read(number, line.as_bytes()) {
                Ok(entry) => entry.iter().for_each(|entry| reader.add(entry)),
                Err(err) => wrong.push(err),
            }
        }
        (reader.finish(NOW), wrong)
    }

    /// Each part that was read: for whom, and what it says.
    fn shown(file: CombinedFile) -> Vec<String> {
        let mut shown = Vec::new();
        for Section { part, contents, .. } in file.sections {
            let below: Vec<String> = part.below.iter().map(ToString::to_string).collect();
            let below = below.join(" ");
            match contents {
                Contents::Skipped => {}
                Contents::Generic(file) => {
                    let count = file.records.len();
                    shown.push(format!("{below}: {count} records"));
                }
                Contents::List(list, File { values, rows, settings }) => {
                    let ttl = settings.ttl.map_or(0, |at| at.value);
                    let put = |subject, ids: &[ValueId]| {
                        let place = ids[0].place().unwrap();
                        let (code, text) = values[place].says.clone().unwrap();
                        let text = text.map_or("-".into(), |text| text.template().to_owned());
                        let list = list.as_str();
                        shown.push(format!("{below}: {list} {subject} {code} {text} {ttl}"));
                        Ok::<(), ()>(())
                    };
                    rows.for_each(put).unwrap();
                }
            }
        }
        shown
    }

    const FILE: &str = "\
$1 common
$TTL 50
$DATASET ip4set:rel rel @ # c
$1 own
1.2.3.4 :5:$1 x
$TTL 70
$SOA 7 a. b. 0 1 2 3 4
$MAXRANGE4 /32
$DATASET dnset dom
foo.com :6:$1 y
$2 z
$DATASET generic @
www A 9.9.9.9
$DATASET ip4trie rel
1.2.3.0/24 :9:t
1.2.3.9 :9:$2";

    #[test]
    fn each_part_is_for_its_names_and_has_settings_of_its_own() {
        let (file, wrong) = read(None, FILE);
        assert!(matches!(wrong[..], [LineError::TooWide { .. }]), "{wrong:?}");
        let file = file.unwrap();
        assert_eq!(file.settings.soa.as_ref().map(|at| at.line), Some(7));
        assert_eq!(
            shown(file),
            [
                "rel .: ip4set 1.2.3.4 127.0.0.5 common x 70",
                "dom: dnset foo.com 127.0.0.6 common y 50",
                ".: 1 records",
                "rel: ip4trie 1.2.3.9 127.0.0.9 $$2 50",
            ]
        );
        assert_eq!(shown(read(Some("DOM"), FILE).0.unwrap()).len(), 1);
        assert_eq!(shown(read(Some("@"), FILE).0.unwrap()).len(), 2);
        assert_eq!(shown(read(Some("other"), FILE).0.unwrap()).len(), 0);
    }

    #[test]
    fn what_stops_rbldnsd_stops_the_file() {
        for (text, at) in [
            ("1.2.3.4\n$DATASET ip4set @", 1),
            (":5:x\n$DATASET ip4set @", 1),
            ("$DATASET foo @", 1),
            ("$DATASET IP4SET @", 1),
            ("$DATASET ip4set @\n$DATASET acl @", 2),
            ("$DATASET combined @", 1),
            ("$DATASET generic @\nw 5x A 1.2.3.4", 2),
            ("$DATASET\n1.2.3.4", 2),
        ] {
            let wrong = read(None, text).0.unwrap_err();
            assert!(matches!(wrong, FileError::NotLoaded { line, .. } if line == at), "{wrong:?}");
        }
        let expired = read(None, "$DATASET ip4set @\n$TIMESTAMP 0 2020-01-01\n").0;
        assert!(matches!(expired, Err(FileError::Expired { line: 2, .. })));
    }

    #[test]
    fn a_part_has_a_type_and_names_that_it_is_for() {
        let part = Part::of_line(b"$DATASET ip4set:relays Relays @ relays. . # x").unwrap();
        assert_eq!(part.dataset, Some(DatasetType::List(ListType::Ip4Set)));
        assert_eq!(
            (part.name.as_str(), part.below),
            ("relays", vec!["relays".parse().unwrap(), name::root()])
        );
        assert_eq!(Part::of_line(b"#$dataset x y\r").unwrap().dataset, None);
        for line in [&b"$TTL 5"[..], b"# $DATASET ip4set @", b"1.2.3.4", b"$DATASET"] {
            assert_eq!(Part::of_line(line), None);
        }
        let (file, wrong) =
            read(None, "$DATASET ip4set\n1.2.3.4\n$DATASET ip4set a\\256 b\n1.2.3.5");
        assert_eq!(wrong, [LineError::NoSub]);
        assert_eq!(shown(file.unwrap()), ["b: ip4set 1.2.3.5 127.0.0.2 - 0"]);
    }
}
