//! All that can be read of a store's files, as one state, and what can't.
//!
//! Nothing is written. Rows come in the order of their keys, block by block, whatever the size of the store.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{
    StoreError,
    format::schema,
    raw::{
        batch::{self, Write},
        manifest::{self, Manifest},
        records::{self, Found},
        table::{Piece, Row, Table},
    },
};

/// A key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);
/// A range of keys that was deleted, and the number of that write.
type Deletion = (Range<Vec<u8>>, u64);

/// The files of a store, looked through.
pub(crate) struct Salvage {
    /// Rows of the WAL by family, in the order of keys, the newest of a key first.
    logged: BTreeMap<String, Vec<Row>>,
    tables: BTreeMap<String, Vec<Source>>,
    deleted: BTreeMap<String, Vec<Deletion>>,
    /// What is damaged, for the operator.
    pub(crate) damage: Vec<String>,
    /// Rows that are lost with a whole table.
    missing: Vec<LostRows>,
    /// Writes that are lost from the WAL.
    pub(crate) lost_writes: u64,
    /// What a power failure left of the last write.
    pub(crate) torn: Option<String>,
}

/// Rows that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostRows {
    pub(crate) family: String,
    pub(crate) file: String,
    /// They lie behind this key, if there is any before them.
    pub(crate) after: Option<Vec<u8>>,
    /// None of them lies behind this key.
    pub(crate) last: Option<Vec<u8>>,
    /// How many bytes they have in the file, where that is known.
    pub(crate) bytes: u64,
}

impl LostRows {
    pub(crate) fn may_hold(&self, key: &[u8]) -> bool {
        self.after.as_deref().is_none_or(|after| after < key)
            && self.last.as_deref().is_none_or(|last| key <= last)
    }
}

/// A table and the number that all its rows have, if it came from outside.
struct Source {
    name: String,
    table: Table,
    sequence: Option<u64>,
    /// Whether no range of deleted keys is believed to be newer.
    exempt: bool,
    first: Option<Vec<u8>>,
}

impl Salvage {
    pub(crate) fn open(store: &Path) -> Result<Self, StoreError> {
        let mut salvage = Self {
            logged: BTreeMap::new(),
            tables: BTreeMap::new(),
            deleted: BTreeMap::new(),
            damage: Vec::new(),
            missing: Vec::new(),
            lost_writes: 0,
            torn: None,
        };
        let files = Files::list(store)?;
        let manifest = salvage.read_manifest(store, &files)?;
        for (number, path) in &files.tables {
            if !manifest.dropped.contains(number) {
                salvage.read_table(&manifest, *number, path)?;
            }
        }
        let absent =
            manifest.tables.iter().filter(|(number, _)| !files.tables.contains_key(number));
        for (number, table) in absent {
            salvage.miss(&manifest, *number, table, "is missing");
        }
        for (i, path) in files.logs.values().enumerate() {
            salvage.read_log(&manifest, path, i + 1 == files.logs.len())?;
        }
        for rows in salvage.logged.values_mut() {
            rows.sort_by(|a, b| (&a.key, Reverse(a.sequence)).cmp(&(&b.key, Reverse(b.sequence))));
        }
        Ok(salvage)
    }

    fn read_manifest(&mut self, store: &Path, files: &Files) -> Result<Manifest, StoreError> {
        let current = fs::read_to_string(store.join("CURRENT"));
        let named = current.ok().and_then(|name| Some(name.strip_suffix('\n')?.to_owned()));
        let named = named.map(|name| store.join(name)).filter(|path| path.is_file());
        if named.is_none() {
            self.damage.push("CURRENT is missing or damaged".into());
        }
        let newest = || files.manifests.values().next_back().cloned();
        let Some(path) = named.or_else(newest) else {
            self.damage.push("there is no MANIFEST".into());
            return Ok(self.unnamed_families(Manifest::default()));
        };
        let manifest = Manifest::read(&io_at(&path, fs::read(&path))?);
        if manifest.lost > 0 {
            let name = file_name(&path);
            self.damage.push(format!("{name}: {} records can't be read", manifest.lost));
        }
        Ok(self.unnamed_families(manifest))
    }

    /// Every release made the families in one order, so their numbers are known without a MANIFEST.
    fn unnamed_families(&self, mut manifest: Manifest) -> Manifest {
        let numbers = 1u32..;
        for (number, name) in numbers.zip(schema::FAMILIES) {
            if !manifest.families.values().any(|known| known == name) {
                manifest.families.entry(number).or_insert_with(|| name.into());
            }
        }
        manifest
    }

    fn read_table(
        &mut self,
        manifest: &Manifest,
        number: u64,
        path: &Path,
    ) -> Result<(), StoreError> {
        let known = manifest.tables.get(&number);
        let Some(table) = io_at(path, Table::open(path))? else {
            match known {
                Some(known) => self.miss(manifest, number, known, "has no readable footer"),
                // What was being written when the store was last open.
                None => tracing::debug!(file = %path.display(), "no table"),
            }
            return Ok(());
        };
        let name = file_name(path);
        if !table.unread.is_empty() {
            let mut unread = table.unread.clone();
            unread.dedup();
            self.damage.push(format!("{name}: {} can't be read", unread.join(", ")));
        }
        let family = known.and_then(|known| manifest.families.get(&known.family).cloned());
        let of_ingested = || table.ingested.then(|| schema::LISTINGS.to_owned());
        let Some(family) = family.or_else(|| table.family.clone()).or_else(of_ingested) else {
            self.damage.push(format!("{name}: nothing says what it holds"));
            return Ok(());
        };
        let deleted = self.deleted.entry(family.clone()).or_default();
        deleted.extend(table.deleted.iter().cloned());
        // Without its number, nothing tells which deletions came later: those of whole segments and zones
        // show by their absence elsewhere.
        let sequence = table.ingested.then(|| known.map(|known| known.sequences.0));
        let exempt = sequence == Some(None);
        let sequence = sequence.map(|known| known.unwrap_or(0));
        let first = known.map(|known| known.keys.0.clone());
        self.tables.entry(family).or_default().push(Source {
            name,
            table,
            sequence,
            exempt,
            first,
        });
        Ok(())
    }

    /// Notes a whole table that is lost.
    fn miss(&mut self, manifest: &Manifest, number: u64, table: &manifest::Table, why: &str) {
        let file = format!("{number:06}.sst");
        self.damage.push(format!("{file} {why}"));
        let family = manifest.families.get(&table.family).cloned().unwrap_or_default();
        let (mut after, last) = (table.keys.0.clone(), Some(table.keys.1.clone()));
        // The key before the first.
        after.pop();
        let after = Some(after).filter(|key| !key.is_empty());
        self.missing.push(LostRows { family, file, after, last, bytes: table.bytes });
    }

    fn read_log(
        &mut self,
        manifest: &Manifest,
        path: &Path,
        is_last: bool,
    ) -> Result<(), StoreError> {
        let found = records::read(&io_at(path, fs::read(path))?);
        let name = file_name(path);
        let torn = if is_last { records::torn_at(&found) } else { None };
        if let Some(at) = torn {
            self.torn = Some(format!("{name}: the last write, at byte {at}, is not whole"));
        }
        let mut lost = 0;
        for found in &found {
            let batch = match found {
                Found::Record { bytes, .. } => batch::read(bytes),
                Found::Lost(at) => {
                    if torn.is_none() {
                        let at = &at.at;
                        self.damage.push(format!(
                            "{name}: nothing can be read between bytes {} and {}",
                            at.start, at.end
                        ));
                    }
                    lost += u64::from(torn.is_none());
                    continue;
                }
            };
            match batch {
                Some(batch) => self.take_batch(manifest, &batch),
                None => lost += 1,
            }
        }
        self.lost_writes += lost;
        Ok(())
    }

    fn take_batch(&mut self, manifest: &Manifest, batch: &batch::Batch<'_>) {
        for (sequence, (family, write)) in (batch.sequence..).zip(&batch.writes) {
            let Some(family) = manifest.families.get(family) else { continue };
            let mut put = |key: &[u8], value: Option<&[u8]>| {
                let row = Row { key: key.to_vec(), sequence, value: value.map(<[u8]>::to_vec) };
                self.logged.entry(family.clone()).or_default().push(row);
            };
            match write {
                Write::Put { key, value } => put(key, Some(value)),
                Write::Delete { key } => put(key, None),
                Write::DeleteRange { from, to } => {
                    let range = (from.to_vec()..to.to_vec(), sequence);
                    self.deleted.entry(family.clone()).or_default().push(range);
                }
            }
        }
    }

    /// The families of which anything is there.
    pub(crate) fn families(&self) -> std::collections::BTreeSet<String> {
        self.tables.keys().chain(self.logged.keys()).cloned().collect()
    }

    /// All rows of a family that are there, in the order of their keys.
    pub(crate) fn rows(&self, family: &str) -> Result<Rows<'_>, StoreError> {
        let tables = self.tables.get(family).into_iter().flatten();
        let mut cursors: Vec<Cursor<'_>> = tables.map(Cursor::of_table).collect();
        if let Some(rows) = self.logged.get(family) {
            cursors.push(Cursor::Log(rows.iter()));
        }
        let mut deleted = self.deleted.get(family).cloned().unwrap_or_default();
        deleted.sort_by(|a, b| b.0.start.cmp(&a.0.start));
        let missing = self.missing.iter().filter(|missing| missing.family == family).cloned();
        let mut rows = Rows {
            family: family.into(),
            cursors,
            heads: BinaryHeap::new(),
            deleted,
            covering: Vec::new(),
            last: None,
            lost: missing.collect(),
        };
        for index in 0..rows.cursors.len() {
            rows.advance(index)?;
        }
        Ok(rows)
    }
}

/// The rows of a family.
pub(crate) struct Rows<'a> {
    family: String,
    cursors: Vec<Cursor<'a>>,
    /// The next row of each cursor.
    heads: BinaryHeap<Head>,
    /// Ranges that come later, the next one last.
    deleted: Vec<(Range<Vec<u8>>, u64)>,
    covering: Vec<(Range<Vec<u8>>, u64)>,
    last: Option<Vec<u8>>,
    /// What can't be read, so far.
    pub(crate) lost: Vec<LostRows>,
}

#[derive(PartialEq, Eq)]
struct Head {
    row: Row,
    index: usize,
}

impl Ord for Head {
    /// The first key, and of those the newest, is the greatest.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |head: &Self| (head.row.sequence, head.index);
        other.row.key.cmp(&self.row.key).then(rank(self).cmp(&rank(other)))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Rows<'_> {
    /// The next key and its value.
    pub(crate) fn next(&mut self) -> Result<Option<Pair>, StoreError> {
        while let Some(Head { row, index }) = self.heads.pop() {
            self.advance(index)?;
            if self.last.as_ref() == Some(&row.key) {
                continue;
            }
            self.last = Some(row.key.clone());
            let is_deleted = self.is_deleted(&row) && !self.cursors[index].is_exempt();
            if let Some(value) = row.value.filter(|_| !is_deleted) {
                return Ok(Some((row.key, value)));
            }
        }
        Ok(None)
    }

    fn is_deleted(&mut self, row: &Row) -> bool {
        while let Some(next) = self.deleted.pop_if(|(range, _)| range.start <= row.key) {
            self.covering.push(next);
        }
        self.covering.retain(|(range, _)| row.key < range.end);
        self.covering.iter().any(|(_, sequence)| row.sequence < *sequence)
    }

    fn advance(&mut self, index: usize) -> Result<(), StoreError> {
        if let Some(row) = self.cursors[index].next(&self.family, &mut self.lost)? {
            self.heads.push(Head { row, index });
        }
        Ok(())
    }
}

enum Cursor<'a> {
    Log(std::slice::Iter<'a, Row>),
    Table {
        source: &'a Source,
        pieces: std::slice::Iter<'a, Piece>,
        rows: std::vec::IntoIter<Row>,
        last: Option<Vec<u8>>,
    },
}

impl<'a> Cursor<'a> {
    fn of_table(source: &'a Source) -> Self {
        let pieces = source.table.pieces.iter();
        Self::Table { source, pieces, rows: Vec::new().into_iter(), last: None }
    }

    fn is_exempt(&self) -> bool {
        matches!(self, Self::Table { source, .. } if source.exempt)
    }

    fn next(&mut self, family: &str, lost: &mut Vec<LostRows>) -> Result<Option<Row>, StoreError> {
        let (source, pieces, rows, last) = match self {
            Self::Log(rows) => return Ok(rows.next().cloned()),
            Self::Table { source, pieces, rows, last } => (source, pieces, rows, last),
        };
        // What is lost ends before the next row that is there, if the index does not say where.
        let mut open = None;
        loop {
            if let Some(mut row) = rows.next() {
                if let Some(mut range) = open.take() {
                    let LostRows { last, .. } = &mut range;
                    last.get_or_insert_with(|| row.key.clone());
                    lost.push(range);
                }
                *last = Some(row.key.clone());
                row.sequence = source.sequence.unwrap_or(row.sequence);
                return Ok(Some(row));
            }
            let Some(piece) = pieces.next() else {
                lost.extend(open);
                return Ok(None);
            };
            let read = io_at(Path::new(&source.name), source.table.rows(piece))?;
            if let Some(read) = read {
                *rows = read.into_iter();
                continue;
            }
            let end = match piece {
                Piece::Block { last, .. } => last.clone(),
                Piece::Gap(_) => None,
            };
            lost.extend(open.take());
            let before_first = || {
                let mut first = source.first.clone()?;
                first.pop();
                Some(first).filter(|first| !first.is_empty())
            };
            open = Some(LostRows {
                family: family.into(),
                file: source.name.clone(),
                after: last.clone().or_else(before_first),
                last: end.clone(),
                bytes: piece.bytes(),
            });
            if end.is_some() {
                *last = end;
            }
        }
    }
}

/// The files of a store by kind and number.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) tables: BTreeMap<u64, PathBuf>,
    pub(crate) logs: BTreeMap<u64, PathBuf>,
    pub(crate) manifests: BTreeMap<u64, PathBuf>,
}

impl Files {
    pub(crate) fn list(store: &Path) -> Result<Self, StoreError> {
        let mut files = Self::default();
        for entry in io_at(store, fs::read_dir(store))? {
            let path = io_at(store, entry)?.path();
            let name = file_name(&path);
            let number = |text: &str| text.parse::<u64>().ok();
            if let Some(number) = name.strip_suffix(".sst").and_then(number) {
                files.tables.insert(number, path);
            } else if let Some(number) = name.strip_suffix(".log").and_then(number) {
                files.logs.insert(number, path);
            } else if let Some(number) = name.strip_prefix("MANIFEST-").and_then(number) {
                files.manifests.insert(number, path);
            }
        }
        Ok(files)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn io_at<T>(path: &Path, result: io::Result<T>) -> Result<T, StoreError> {
    result.map_err(|reason| StoreError::Io { path: path.into(), reason })
}
