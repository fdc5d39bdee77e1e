//! Our reading of a file, judged by the real index.

use std::{collections::BTreeMap, sync::Arc};

use dnsbl_formats::rbldnsd::{File, ListType, Reader, Value, ValueId};
use dnsbl_index::{Index, IndexWriter};
use dnsbl_types::{
    DomainSubject, Entry, EntryWriter as _, Follower as _, Serial, Subject, UnixTime, Zone,
    ZoneSpec,
};

use crate::question::{Answers, Question, origin};

/// A file in the index.
pub(crate) struct Ours {
    /// The lines of the file that we do not refuse to tell, without CR and byte order mark.
    pub(crate) file: Vec<u8>,
    index: Arc<Index>,
    zone: Zone,
    entries: BTreeMap<Subject, Vec<Entry>>,
}

/// What stands where an entry has no text.
const NO_TEXT: &str = "no text";

impl Ours {
    /// Reads a file; `None` where some value of it can't be told.
    pub(crate) fn read(list: ListType, lines: &[Vec<u8>]) -> Option<Self> {
        let mut reader = Reader::new(list, false);
        let mut kept: Vec<&[u8]> = Vec::new();
        for (number, line) in (1..).zip(lines) {
            let is_kept = match reader.read(number, line) {
                Ok(Some(entry)) => {
                    reader.add(&entry);
                    true
                }
                Ok(None) => true,
                // rbldnsd drops it as well, or it is a default value that others are told to have.
                Err(wrong) => !wrong.differs() || line.starts_with(b":"),
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
            kept.extend(is_kept.then_some(line));
        }
        Self::of(list, reader.finish(UnixTime::now()).unwrap(), kept.join(&b'\n'))
    }

    /// What a file says; `None` where some value of it can't be told.
    pub(crate) fn of(list: ListType, read: File, file: Vec<u8>) -> Option<Self> {
        let File { values, rows, .. } = read;
        let mut entries = BTreeMap::new();
        let put = |subject: Subject, said: &[ValueId]| {
            let said: Option<Vec<Entry>> = said.iter().map(|id| entry(&values, *id)).collect();
            let before = entries.insert(subject.clone(), said.ok_or(())?);
            assert_eq!(before, None, "{subject} has two rows");
            Ok::<(), ()>(())
        };
        rows.for_each(put).ok()?;
        let zone = zone(list);
        let index = Arc::new(Index::default());
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        for (subject, entries) in &entries {
            writer.set_entries(&zone.origin, subject, entries);
        }
        writer.publish(1, std::time::Instant::now());
        Some(Self { file, index, zone, entries })
    }

    /// What the index answers; `None` where it denies.
    pub(crate) fn ask(&self, question: &Question) -> Option<Answers> {
        let snapshot = self.index.load();
        let zone = snapshot.zone(&self.zone.origin).unwrap();
        let verdict = match question {
            Question::Addr(addr) => zone.judge_address(*addr, UnixTime(0)),
            Question::Name(name) => zone.judge_domain(name.labels(), UnixTime(0)),
        };
        let listed = verdict.listed()?;
        let codes = listed.return_codes(&self.zone).iter().map(ToString::to_string).collect();
        let texts = match listed.by() {
            Some(Subject::Domain(domain)) => self.texts(&domain),
            _ => listed.reasons(&self.zone),
        };
        let texts = texts.into_iter().filter(|text| text != NO_TEXT).collect();
        Some(Answers { codes, texts })
    }

    /// The texts with the name that is listed filled in, as rbldnsd does.
    fn texts(&self, domain: &DomainSubject) -> Vec<String> {
        let entries = &self.entries[&Subject::Domain(domain.clone())];
        let texts = entries.iter().filter_map(|entry| entry.reason.as_ref());
        texts.map(|reason| reason.render(domain.name())).collect()
    }
}

/// What a value says; `None` where that can't be told.
fn entry(values: &[Value], id: ValueId) -> Option<Entry> {
    let Some(place) = id.place() else {
        return Some(Entry { exclusion: true, ..Entry::default() });
    };
    let (code, reason) = values[place].says.clone().ok()?;
    Some(Entry { return_codes: vec![code], reason, ..Entry::default() })
}

fn zone(list: ListType) -> Zone {
    let ns = vec!["ns.example.net".parse().unwrap()];
    ZoneSpec::new(origin(), list.kind(), ns, NO_TEXT.parse().unwrap()).check().unwrap()
}
