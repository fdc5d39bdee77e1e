//! The data sets in a body of rbldnsd: one, or those of the parts of a combined file that are for a name.

use admin_api_types::Warning;
use dnsbl_formats::rbldnsd::{
    CombinedFile, CombinedReader, Contents, Dataset, DatasetType, Entry, File, LineError, ListType,
    Part, PartName, Reader, Section, SectionEntry, Trapped,
};
use dnsbl_types::{Name, UnixTime, ZoneKind};

use crate::warning;

/// The readers of a body's data sets.
pub(super) enum Parts {
    One(ListType, Box<Reader>),
    Combined(PartName, Box<CombinedReader>),
}

/// An entry, and whose it is.
pub(super) enum PartEntry {
    One(Entry),
    Section(SectionEntry),
}

impl PartEntry {
    pub(super) fn entry(&self) -> &Entry {
        match self {
            Self::One(entry) => entry,
            Self::Section(of) => &of.entry,
        }
    }
}

/// What was read: data sets of which none has anything to do with another, and what is to be said.
pub(super) struct ReadParts {
    pub(super) files: Vec<(ListType, File)>,
    pub(super) notes: Vec<Warning>,
}

impl Parts {
    pub(super) fn one(list: ListType, strict: bool) -> Self {
        Self::One(list, Box::new(Reader::new(list, strict)))
    }

    pub(super) fn combined(part: &PartName, strict: bool) -> Self {
        let reader = CombinedReader::new(Some(part.below().clone()), strict);
        Self::Combined(part.clone(), Box::new(reader))
    }

    pub(super) fn read(&mut self, line: u64, text: &[u8]) -> Result<Option<PartEntry>, LineError> {
        Ok(match self {
            Self::One(_, reader) => reader.read(line, text)?.map(PartEntry::One),
            Self::Combined(_, reader) => reader.read(line, text)?.map(PartEntry::Section),
        })
    }

    pub(super) fn add(&mut self, entry: &PartEntry) {
        match (self, entry) {
            (Self::One(_, reader), PartEntry::One(entry)) => reader.add(entry),
            (Self::Combined(_, reader), PartEntry::Section(entry)) => reader.add(entry),
            _ => {}
        }
    }

    pub(super) fn traps(&self) -> Vec<Trapped> {
        match self {
            Self::One(_, reader) => reader.traps().to_vec(),
            Self::Combined(_, reader) => reader.traps(),
        }
    }

    /// What they say in a zone of this kind; the reason if that is nothing that one source can say.
    pub(super) fn finish(self, kind: ZoneKind, now: UnixTime) -> Result<ReadParts, String> {
        match self {
            Self::One(list, reader) => {
                let file = reader.finish(now).map_err(|err| err.to_string())?;
                Ok(ReadParts { files: vec![(list, file)], notes: Vec::new() })
            }
            Self::Combined(part, reader) => {
                let file = reader.finish(now).map_err(|err| err.to_string())?;
                select(&part, file, kind)
            }
        }
    }
}

/// The data sets that are meant.
fn select(name: &PartName, file: CombinedFile, kind: ZoneKind) -> Result<ReadParts, String> {
    let CombinedFile { settings, sections } = file;
    let all = shown_parts(&sections);
    let (ours, others): (Vec<Section>, Vec<Section>) =
        sections.into_iter().partition(|section| section.part.is_for(name.below()));
    if ours.is_empty() {
        return Err(format!("the file has nothing for {}; it has {all}", shown(name.below())));
    }
    let mut notes = Vec::new();
    if !others.is_empty() {
        notes.push(warning::other_parts(&shown_parts(&others)));
    }
    let mut files: Vec<(u64, ListType, File)> = Vec::new();
    for (number, Section { line, part, contents }) in (1..).zip(ours) {
        if name.which().is_some_and(|which| which != number) {
            notes.push(warning::part_left_out(line, "another of its parts is meant"));
            continue;
        }
        match contents {
            Contents::Skipped => {}
            Contents::Generic(_) => notes.push(warning::part_left_out(
                line,
                "its records are settings of the zone: check-rbldnsd --write-config writes them",
            )),
            Contents::List(list, _) if list.kind().has_addresses() != kind.has_addresses() => {
                notes.push(warning::part_left_out(
                    line,
                    "it is of another kind than the zone: make one for it",
                ));
            }
            Contents::List(list, mut file) => {
                if let Some((before, ..)) = files.iter().find(|(_, of, _)| of.meets(list)) {
                    return Err(format!(
                        "lines {before} and {line} begin two parts for {below} whose entries may meet; rbldnsd answers what either says: import each into a zone of its own, with dataset={name}:1, {name}:2 and so on, and include those in one zone",
                        below = shown(name.below()),
                        name = Dataset::Combined(PartName::new(name.below().clone(), None)),
                    ));
                }
                // Of the zone, not of a part.
                file.settings.soa =
                    settings.soa.clone().filter(|_| part.is_for(PartName::apex().below()));
                file.settings.ns =
                    settings.ns.clone().filter(|_| part.is_for(PartName::apex().below()));
                files.push((line, list, file));
            }
        }
    }
    let files = files.into_iter().map(|(_, list, file)| (list, file)).collect();
    Ok(ReadParts { files, notes })
}

/// The parts of a file that are named.
const MAX_SHOWN: usize = 20;

fn shown_parts(sections: &[Section]) -> String {
    let shown = sections.iter().take(MAX_SHOWN).map(|Section { line, part, .. }| {
        let Part { dataset, below, .. } = part;
        let dataset = dataset.map_or("an unknown type", DatasetType::as_str);
        let below = below.iter().map(shown).collect::<Vec<_>>().join(", ");
        let below = if below.is_empty() { "nothing".into() } else { below };
        format!("line {line}, {dataset} for {below}").chars().take(200).collect()
    });
    let shown: Vec<String> = shown.collect();
    match sections.len() {
        0 => "no parts".into(),
        count if count > MAX_SHOWN => format!("{}; and more", shown.join("; ")),
        _ => shown.join("; "),
    }
}

fn shown(below: &Name) -> String {
    if below.is_root() { "the zone itself".into() } else { below.to_string() }
}
