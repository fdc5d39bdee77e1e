//! What a store can be rebuilt from, and the rebuilding: all that is whole, zones and segments from their
//! second copies or the log, lost rows from the log, and anew whatever follows from other rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use dnsbl_types::{Listing, Name, Source, SubscriberId, UnixTime, Zone};
use rocksdb::{Options, ReadOptions, WriteBatch, WriteOptions};

use crate::{
    Actor, Document, LogEntry, Op, StoreError,
    db::{Db, StoreOptions},
    format::{
        audit, block, codec, document, document_key,
        key::{self, COPY, SegmentId, SegmentKey, ZoneId},
        log::{decode_entry, encode_entry, read_seq},
        row::{ListingRow, Provenance, Row},
        schema::{self, cf, synced},
        subscriber_key,
        value::{CopyValue, SegmentValue, StateValue, WriteStamp, ZoneValue},
    },
    head::{self, Head},
    open::{
        database::open_db,
        salvage::{LostRows, Salvage, io_at},
    },
    read::{cursor::Reading, scan::Scan, state, subscribers, view::View},
    write::{batch::Batch, state::WriterState},
};

/// Bytes of rows in one write of a rebuilt store.
const BATCH: usize = 4 << 20;
/// The most entries that stand for lost ones.
const MOST_FILLED: u64 = 1 << 20;
/// So many rows of a segment are asked who wrote them, where nothing else says whose it is.
const ASKED: usize = 16;
/// The source of rows of which nothing says whose they are.
const UNKNOWN: &str = "recovered";

/// What is left of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSurvey {
    /// The zone.
    pub origin: Name,
    /// Rows that are there: what sources say, and that they say nothing.
    pub found: u64,
    /// How many there were, if that is known.
    pub expected: Option<u64>,
}

/// What is left of a store.
pub(crate) struct Remains {
    pub(crate) salvage: Salvage,
    meta: BTreeMap<Vec<u8>, Vec<u8>>,
    zones: BTreeMap<Name, ZoneValue>,
    segments: BTreeMap<SegmentKey, SegmentValue>,
    /// Rows that are there.
    rows: BTreeMap<SegmentKey, u64>,
    pub(crate) log: LogRemains,
    /// What can't be read, in the order of families.
    pub(crate) lost: Vec<LostRows>,
    /// What is to be told beside counts.
    pub(crate) notes: Vec<String>,
}

/// What is left of the log.
#[derive(Default)]
pub(crate) struct LogRemains {
    pub(crate) floor: u64,
    pub(crate) head: u64,
    pub(crate) epoch: u64,
    /// Numbers of which no entry is left, between the floor and the head.
    pub(crate) missing: Vec<std::ops::RangeInclusive<u64>>,
    settings: BTreeMap<Name, Option<Box<Zone>>>,
    tokens: BTreeMap<String, String>,
    subscribers: BTreeMap<SubscriberId, String>,
}

/// What the log last says of each subject and source of a zone, and in which entry.
type LastListings = BTreeMap<(Name, Vec<u8>, Source), (u64, Option<Box<Listing>>)>;

/// Who wrote a change, and where.
type Writer = (Name, Source);

impl Remains {
    pub(crate) fn read(path: &Path) -> Result<Self, StoreError> {
        let salvage = Salvage::open(path)?;
        let mut remains = Self {
            salvage,
            meta: BTreeMap::new(),
            zones: BTreeMap::new(),
            segments: BTreeMap::new(),
            rows: BTreeMap::new(),
            log: LogRemains::default(),
            lost: Vec::new(),
            notes: Vec::new(),
        };
        let mut meta = BTreeMap::new();
        remains.each(schema::META, |key, value| drop(meta.insert(key, value)))?;
        remains.meta = meta;
        remains.check_format(path)?;
        remains.read_log()?;
        remains.read_zones()?;
        remains.read_rows()?;
        remains.name_segments()?;
        remains.read_others()?;
        Ok(remains)
    }

    /// Visits all rows of a family, and notes what can't be read of it.
    fn each(
        &mut self,
        family: &str,
        mut visit: impl FnMut(Vec<u8>, Vec<u8>),
    ) -> Result<(), StoreError> {
        let mut rows = self.salvage.rows(family)?;
        while let Some((key, value)) = rows.next()? {
            visit(key, value);
        }
        let lost = rows.lost;
        self.lost.extend(lost);
        Ok(())
    }

    fn has_lost(&self, family: &str) -> bool {
        self.salvage.lost_writes > 0 || self.lost.iter().any(|lost| lost.family == family)
    }

    fn check_format(&self, path: &Path) -> Result<(), StoreError> {
        let found = self.meta.get(b"format".as_slice()).and_then(|bytes| bytes.first_chunk());
        match found.map(|bytes| u32::from_be_bytes(*bytes)) {
            Some(found) if found > schema::FORMAT => {
                Err(StoreError::Newer { path: path.into(), found, known: schema::FORMAT })
            }
            _ => Ok(()),
        }
    }

    fn meta_number(&self, name: &str) -> Option<u64> {
        read_seq(self.meta.get(name.as_bytes())?).ok()
    }

    fn read_log(&mut self) -> Result<(), StoreError> {
        let mut log = LogRemains {
            floor: self.meta_number("log_floor").unwrap_or(0),
            epoch: self.meta_number("epoch").unwrap_or(1),
            ..LogRemains::default()
        };
        let mut unread = 0;
        self.each(schema::LOG, |key, value| match read_entry(&key, &value) {
            Some(entry) => log.take(entry),
            None => unread += 1,
        })?;
        let mut last_audited = 0;
        self.each(schema::AUDIT, |key, _| {
            let seq = key.first_chunk().map_or(0, |seq| u64::from_be_bytes(*seq));
            last_audited = last_audited.max(seq);
        })?;
        // A number that was given once is not given again, though its entry is lost.
        if last_audited > log.head {
            log.missing.push(log.head + 1..=last_audited);
            log.head = last_audited;
        }
        if unread > 0 {
            self.notes.push(format!("lost: {unread} entries of the log that can't be read"));
        }
        self.log = log;
        Ok(())
    }

    /// Zones and segments, where a row is lost from their second copies, else from the log.
    fn read_zones(&mut self) -> Result<(), StoreError> {
        let mut zones = BTreeMap::new();
        self.each(schema::ZONES, |_, value| {
            if let Some((origin, value)) = read_zone(&value) {
                zones.insert(origin, value);
            }
        })?;
        let mut segments = BTreeMap::new();
        self.each(schema::SEGMENTS, |key, value| {
            let value = codec::decode::<SegmentValue>("segment", &value);
            if let (Ok(key), Ok(value)) = (SegmentKey::read(&key), value) {
                segments.insert(key, value);
            }
        })?;
        (self.zones, self.segments) = (zones, segments);
        let copies = self.meta.range(COPY.to_vec()..).take_while(|(key, _)| key.starts_with(COPY));
        let copies = copies.filter_map(|(_, copy)| CopyValue::decode(copy).ok());
        let (no_zones, no_segments) =
            (self.has_lost(schema::ZONES), self.has_lost(schema::SEGMENTS));
        for CopyValue { zone, segments } in copies.collect::<Vec<_>>() {
            let Some((origin, zone)) = checked(zone) else { continue };
            let id = ZoneId(zone.id);
            if no_zones && !self.zones.contains_key(&origin) {
                self.notes.push(format!("kept: the settings of zone {origin}, from their copy"));
                self.zones.insert(origin.clone(), zone);
            }
            let is_zone = self.zones.get(&origin).is_some_and(|zone| ZoneId(zone.id) == id);
            if no_segments && is_zone {
                for (segment, value) in segments {
                    let key = SegmentKey { zone: id, segment: SegmentId(segment) };
                    self.segments.entry(key).or_insert(value);
                }
            }
        }
        if no_zones {
            self.zones_from_log()?;
        }
        Ok(())
    }

    /// Zones of which only the log knows. Their ids are those under which their sources wrote.
    fn zones_from_log(&mut self) -> Result<(), StoreError> {
        let known: BTreeSet<u32> = self.zones.values().map(|zone| zone.id).collect();
        let nameless = self.segments.iter().filter(|(key, _)| !known.contains(&key.zone.0));
        let nameless: Vec<_> = nameless.map(|(key, value)| (key.zone.0, value.stamp.seq)).collect();
        let writers = self.writers(&nameless.iter().map(|(_, seq)| *seq).collect())?;
        let mut next = known.iter().max().map_or(1, |id| id + 1);
        next = nameless.iter().map(|(id, _)| id + 1).fold(next, u32::max);
        let wanted =
            self.log.settings.iter().filter(|(origin, _)| !self.zones.contains_key(*origin));
        let wanted = wanted.filter_map(|(origin, zone)| Some((origin.clone(), zone.clone()?)));
        for (origin, zone) in wanted.collect::<Vec<_>>() {
            let of_zone = nameless
                .iter()
                .rev()
                .find(|(_, seq)| writers.get(seq).is_some_and(|(written, _)| *written == origin));
            let id = of_zone.map_or(next, |(id, _)| *id);
            next = next.max(id + 1);
            self.notes.push(format!("kept: the settings of zone {origin}, from the log"));
            self.zones.insert(origin, ZoneValue { id, settings: (&*zone).into() });
        }
        Ok(())
    }

    /// Where and for which source these changes were made, by the audit records and the log.
    fn writers(&self, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, Writer>, StoreError> {
        let mut found = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        let mut rows = self.salvage.rows(schema::AUDIT)?;
        while let Some((_, value)) = rows.next()? {
            let Ok(record) = audit::decode(&value) else { continue };
            let writer = || Some((record.zone?.parse().ok()?, record.source?.parse().ok()?));
            if wanted.contains(&record.seq)
                && let Some(writer) = writer()
            {
                found.insert(record.seq, writer);
            }
        }
        let mut rows = self.salvage.rows(schema::LOG)?;
        while let Some((key, value)) = rows.next()? {
            let Some(entry) = read_entry(&key, &value) else { continue };
            let writer = entry.ops.iter().find_map(|op| Some((op.zone()?, op.source()?)));
            if let Some((zone, source)) = writer.filter(|_| wanted.contains(&entry.seq)) {
                found.insert(entry.seq, (zone.clone(), source.clone()));
            }
        }
        Ok(found)
    }

    fn read_rows(&mut self) -> Result<(), StoreError> {
        let mut counts = BTreeMap::<SegmentKey, u64>::new();
        self.each(schema::LISTINGS, |key, value| {
            if let Ok(segment) = SegmentKey::read(&key) {
                *counts.entry(segment).or_default() += count_rows(&key, &value);
            }
        })?;
        self.rows = counts;
        Ok(())
    }

    /// Names segments that have rows and were named, where who named them is lost.
    fn name_segments(&mut self) -> Result<(), StoreError> {
        if !self.has_lost(schema::SEGMENTS) {
            return Ok(());
        }
        let zones: BTreeMap<u32, Name> =
            self.zones.iter().map(|(origin, zone)| (zone.id, origin.clone())).collect();
        let nameless = self.rows.keys().filter(|key| !self.segments.contains_key(key));
        let nameless = nameless.filter(|key| {
            // The state of a zone names its segments too; others are imports that were never committed.
            let origin = zones.get(&key.zone.0);
            let state = origin.and_then(|origin| self.state(origin));
            origin.is_some()
                && state.is_none_or(|state| state.rows.iter().any(|(id, _)| *id == key.segment.0))
        });
        let nameless: BTreeSet<SegmentKey> = nameless.copied().collect();
        if nameless.is_empty() {
            return Ok(());
        }
        let mut samples: BTreeMap<SegmentKey, Vec<u64>> = BTreeMap::new();
        let mut rows = self.salvage.rows(schema::LISTINGS)?;
        while let Some((key, value)) = rows.next()? {
            let segment = SegmentKey::read(&key)?;
            if nameless.contains(&segment)
                && let Some(Provenance::Own(stamp)) = provenance_of(&key, &value)
            {
                let samples = samples.entry(segment).or_default();
                samples.push(stamp.seq);
                samples.truncate(ASKED);
            }
        }
        drop(rows);
        let writers = self.writers(&samples.values().flatten().copied().collect())?;
        for segment in nameless {
            let seqs = samples.get(&segment).map(Vec::as_slice).unwrap_or_default();
            let source = seqs.iter().find_map(|seq| writers.get(seq)).map(|(_, s)| s.to_string());
            let named = source.clone().unwrap_or_else(|| UNKNOWN.into());
            let origin = &zones[&segment.zone.0];
            let rows = self.rows.get(&segment).copied().unwrap_or(0);
            self.notes.push(format!("kept: zone {origin}: {rows} rows as those of source {named}"));
            let stamp = WriteStamp {
                listed_at: 0,
                updated_at: 0,
                listed_by: "dnsbl-server recover".into(),
                seq: self.log.head,
            };
            self.segments.insert(segment, SegmentValue { source: named, stamp });
        }
        Ok(())
    }

    fn state(&self, origin: &Name) -> Option<StateValue> {
        codec::decode("zone state", self.meta.get(&key::state(origin))?).ok()
    }

    /// Counts what else is there, and says what is lost of it.
    fn read_others(&mut self) -> Result<(), StoreError> {
        let mut tokens = BTreeSet::new();
        self.each(schema::TOKENS, |key, _| {
            tokens.insert(String::from_utf8_lossy(&key).into_owned());
        })?;
        let mut subscribers = BTreeSet::new();
        self.each(schema::SUBSCRIBERS, |key, _| subscribers.extend(subscriber_key::read_id(&key)))?;
        let mut documents = 0;
        self.each(schema::DOCUMENTS, |_, _| documents += 1)?;
        self.notes.push(format!(
            "kept: {} tokens, {} subscribers, {documents} documents",
            tokens.len(),
            subscribers.len()
        ));
        let lost = self.log.tokens.iter().filter(|(id, _)| !tokens.contains(*id));
        let lost = lost.map(|(id, name)| format!("lost: token {id} ({name}); make another"));
        self.notes.extend(lost.collect::<Vec<_>>());
        let lost = self.log.subscribers.iter().filter(|(id, _)| !subscribers.contains(id));
        let lost = lost.map(|(id, name)| format!("lost: subscriber {id} ({name}); add it again"));
        self.notes.extend(lost.collect::<Vec<_>>());
        Ok(())
    }

    /// What there is of each zone, and what there should be.
    pub(crate) fn surveys(&self) -> Vec<ZoneSurvey> {
        let surveys = self.zones.iter().map(|(origin, zone)| {
            let of_zone = |key: &&SegmentKey| key.zone.0 == zone.id;
            let named = self.segments.keys().filter(of_zone);
            let found = named.map(|key| self.rows.get(key).copied().unwrap_or(0)).sum();
            let expected = self.state(origin).map(|state| state.rows);
            let expected = expected.map(|rows| rows.iter().map(|(_, rows)| rows).sum());
            ZoneSurvey { origin: origin.clone(), found, expected }
        });
        surveys.collect()
    }

    /// What is lost, in words.
    pub(crate) fn lost_in_words(&self) -> Vec<String> {
        let lost = self.lost.iter().map(|lost| {
            let (family, file) = (&lost.family, &lost.file);
            let what = match family.as_str() {
                schema::LISTINGS => self.listings_in_words(lost),
                // These are made anew from what they point to.
                schema::EXPIRY
                | schema::DOCUMENT_INDEX
                | schema::SUBSCRIBER_INDEX
                | schema::HISTORY => return None,
                schema::LOG => format!("entries of the log {}", seqs_in_words(lost)),
                schema::AUDIT => format!("audit records {}", seqs_in_words(lost)),
                schema::TOKENS => "tokens".into(),
                schema::SUBSCRIBERS => "subscribers".into(),
                schema::ZONES => "settings of zones".into(),
                schema::SEGMENTS => "what zones say of their sources".into(),
                schema::META => "serials and counts of zones".into(),
                schema::DOCUMENTS => format!("documents {}", texts_in_words(lost)),
                schema::USAGE => "usage of subscribers".into(),
                schema::ALLOWLIST => "allow entries".into(),
                // A rebuilt store begins without: what came before can't be undone.
                schema::UNDO | schema::UNDO_ROWS | schema::IDEMPOTENCY => return None,
                other => format!("rows of {other:?}"),
            };
            Some(format!("lost in {file} ({} bytes): {what}", lost.bytes))
        });
        lost.flatten().collect()
    }

    fn listings_in_words(&self, lost: &LostRows) -> String {
        let from = lost.after.as_deref().map(|key| self.key_in_words(key));
        let to = lost.last.as_deref().map(|key| self.key_in_words(key));
        match (from, to) {
            (Some(from), Some(to)) => format!("listings behind {from}, up to {to}"),
            (Some(from), None) => format!("listings behind {from}"),
            (None, Some(to)) => format!("listings up to {to}"),
            (None, None) => "listings".into(),
        }
    }

    /// The zone, source and subject of a row's key, which may be cut short.
    fn key_in_words(&self, key: &[u8]) -> String {
        let mut padded = key.to_vec();
        padded.resize(key.len().max(SegmentKey::LEN), 0);
        let Ok(segment) = SegmentKey::read(&padded) else { return "the first".into() };
        let zone = self.zones.iter().find(|(_, zone)| zone.id == segment.zone.0);
        let zone =
            zone.map_or_else(|| format!("number {}", segment.zone.0), |(z, _)| z.to_string());
        let source = self.segments.get(&segment);
        let source = source.map(|s| format!(", source {}", s.source)).unwrap_or_default();
        let subject = subject_in_words(&padded[SegmentKey::LEN..]);
        format!("{subject} in zone {zone}{source}")
    }
}

fn subject_in_words(subject: &[u8]) -> String {
    if let Ok(subject) = key::read_subject(subject) {
        return subject.to_string();
    }
    match subject {
        [] => "the beginning".into(),
        [3, rest @ ..] => {
            let octet = |i| rest.get(i).copied().unwrap_or(0);
            format!("{}.{}.0.0/16", octet(0), octet(1))
        }
        [4, rest @ ..] => {
            let octet = |i| rest.get(i).copied().unwrap_or(0);
            format!("{}.{}.{}.{}", octet(0), octet(1), octet(2), octet(3))
        }
        [6, rest @ ..] => {
            let mut octets = [0; 16];
            for (octet, given) in octets.iter_mut().zip(rest) {
                *octet = *given;
            }
            std::net::Ipv6Addr::from(octets).to_string()
        }
        [16, rest @ ..] => {
            let labels = rest.split(|&byte| byte == 0).filter(|label| !label.is_empty());
            let labels: Vec<_> = labels.map(|l| l.escape_ascii().to_string()).collect();
            labels.into_iter().rev().collect::<Vec<_>>().join(".")
        }
        other => format!("{other:x?}"),
    }
}

fn seqs_in_words(lost: &LostRows) -> String {
    let seq = |key: &[u8]| {
        let mut bytes = [0; 8];
        for (byte, given) in bytes.iter_mut().zip(key) {
            *byte = *given;
        }
        u64::from_be_bytes(bytes)
    };
    let from = lost.after.as_deref().map_or(0, seq);
    let to = lost.last.as_deref().map(|key| format!(" up to {}", seq(key)));
    format!("behind number {from}{}", to.unwrap_or_default())
}

fn texts_in_words(lost: &LostRows) -> String {
    let text = |key: &[u8]| key.escape_ascii().to_string();
    let from = lost.after.as_deref().map(|key| format!("behind {} ", text(key)));
    let to = lost.last.as_deref().map(|key| format!("up to {}", text(key)));
    format!("{}{}", from.unwrap_or_default(), to.unwrap_or_default())
}

impl LogRemains {
    fn take(&mut self, entry: LogEntry) {
        if self.head == 0 {
            // Where nothing says how far the log was cut, it begins with what is there.
            if self.floor == 0 {
                self.floor = if entry.seq > MOST_FILLED { entry.seq } else { 1 };
            }
            self.head = self.floor.max(1) - 1;
        }
        if entry.seq > self.head + 1 {
            self.missing.push(self.head + 1..=entry.seq - 1);
        }
        self.head = self.head.max(entry.seq);
        self.epoch = self.epoch.max(entry.epoch);
        for op in entry.ops {
            match op {
                Op::PutZone { zone, .. } => {
                    self.settings.insert(zone.origin.clone(), Some(zone));
                }
                Op::DeleteZone { previous } => {
                    self.settings.insert(previous.origin.clone(), None);
                }
                Op::PutToken { id, name, .. } => drop(self.tokens.insert(id, name)),
                Op::DeleteToken { id, .. } => drop(self.tokens.remove(&id)),
                Op::PutSubscriber { id, name, .. } => drop(self.subscribers.insert(id, name)),
                Op::DeleteSubscriber { id, .. } => drop(self.subscribers.remove(&id)),
                _ => {}
            }
        }
    }

    /// How many entries are missing.
    pub(crate) fn count_missing(&self) -> u64 {
        self.missing.iter().map(|range| range.end() - range.start() + 1).sum()
    }
}

fn read_entry(key: &[u8], value: &[u8]) -> Option<LogEntry> {
    decode_entry(read_seq(key).ok()?, value).ok()
}

fn read_zone(value: &[u8]) -> Option<(Name, ZoneValue)> {
    checked(ZoneValue::decode(value).ok()?)
}

fn checked(value: ZoneValue) -> Option<(Name, ZoneValue)> {
    let zone = Zone::try_from(value.settings.clone()).ok()?;
    Some((zone.origin.clone(), value))
}

fn count_rows(key: &[u8], value: &[u8]) -> u64 {
    if key::read_hosts(key).is_err() {
        return 1;
    }
    let mut lows = Vec::new();
    block::decode(value, &mut lows).map_or(0, |()| lows.len() as u64)
}

fn provenance_of(key: &[u8], value: &[u8]) -> Option<Provenance> {
    if key::read_hosts(key).is_ok() {
        return None;
    }
    Some(codec::decode::<Row>("listing", value).ok()?.into_listing()?.provenance)
}

/// Writes a database in batches.
struct Output {
    db: Arc<Db>,
    batch: WriteBatch,
}

impl Output {
    fn put(&mut self, family: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.batch.put_cf(cf(&self.db.rocks, family), key, value);
        if self.batch.size_in_bytes() > BATCH { self.write() } else { Ok(()) }
    }

    /// Past the WAL, since nothing counts before all of it is there.
    fn write(&mut self) -> Result<(), StoreError> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        Ok(self.db.rocks.write_opt(std::mem::take(&mut self.batch), &options)?)
    }

    fn finish(mut self, families: &[String]) -> Result<(), StoreError> {
        self.write()?;
        for family in families {
            self.db.rocks.flush_cf(cf(&self.db.rocks, family))?;
        }
        Ok(())
    }
}

impl Remains {
    /// Writes a store of what is left into an empty folder; returns what was set right from the log.
    pub(crate) fn write(&self, path: &Path) -> Result<Vec<String>, StoreError> {
        let mut rocks = open_db(path, &schema::db_options())?;
        let is_foreign =
            |family: &String| family != "default" && !schema::FAMILIES.contains(&family.as_str());
        let foreign: Vec<String> = self.salvage.families().into_iter().filter(is_foreign).collect();
        for family in &foreign {
            rocks.create_cf(family, &Options::default())?;
        }
        let db = Db::new(rocks, path.into(), StoreOptions::default(), SegmentId(0), None);
        let mut output = Output { db: Arc::new(db), batch: WriteBatch::default() };
        self.write_zones(&mut output)?;
        self.write_rows(&mut output)?;
        self.write_log(&mut output)?;
        let whole = [
            schema::AUDIT,
            schema::TOKENS,
            schema::SUBSCRIBERS,
            schema::DOCUMENTS,
            schema::USAGE,
            schema::ALLOWLIST,
        ];
        let whole = whole.into_iter();
        for family in whole.chain(foreign.iter().map(String::as_str)) {
            self.copy(&mut output, family)?;
        }
        output.write()?;
        let mut notes = self.restore_listings(&output.db)?;
        notes.extend(self.restore_documents(&mut output)?);
        output.write()?;
        write_document_index(&mut output)?;
        write_subscriber_index(&mut output)?;
        self.count(&mut output)?;
        let families = schema::FAMILIES.into_iter().map(Into::into).chain(foreign);
        output.finish(&families.collect::<Vec<String>>())?;
        let head = Head { epoch: self.log.epoch + 1, seq: self.log.head, ..Head::default() };
        io_at(path, head::create(path, head))?;
        Ok(notes)
    }

    fn copy(&self, output: &mut Output, family: &str) -> Result<(), StoreError> {
        let mut rows = self.salvage.rows(family)?;
        while let Some((key, value)) = rows.next()? {
            output.put(family, &key, &value)?;
        }
        Ok(())
    }

    fn write_zones(&self, output: &mut Output) -> Result<(), StoreError> {
        // Second copies are written anew, and so is what leads to audit records, when the store is opened.
        let is_kept = |key: &[u8]| !key.starts_with(COPY) && key != schema::HISTORY_WHOLE;
        for (key, value) in self.meta.iter().filter(|(key, _)| is_kept(key)) {
            output.put(schema::META, key, value)?;
        }
        output.put(schema::META, b"format", &schema::FORMAT.to_be_bytes())?;
        output.put(schema::META, b"epoch", &(self.log.epoch + 1).to_be_bytes())?;
        output.put(schema::META, b"log_floor", &self.log.floor.max(1).to_be_bytes())?;
        for (origin, zone) in &self.zones {
            output.put(schema::ZONES, origin.wire(), &zone.encode())?;
            let rows = self
                .rows
                .iter()
                .filter(|(key, _)| key.zone.0 == zone.id && self.segments.contains_key(key));
            let rows = rows.map(|(key, rows)| (key.segment.0, *rows)).collect();
            let state = self.state(origin);
            let state = StateValue {
                rows,
                serial: self.serial(state.as_ref()),
                ..state.unwrap_or_default()
            };
            output.put(schema::META, &key::state(origin), &codec::encode(&state))?;
        }
        for (key, segment) in &self.segments {
            output.put(schema::SEGMENTS, &key.bytes(), &codec::encode(segment))?;
        }
        Ok(())
    }

    /// A serial that is not behind the one that was, as far as that can be known: a change moves it by one.
    fn serial(&self, state: Option<&StateValue>) -> u32 {
        match state {
            Some(state) if !self.has_lost(schema::META) => state.serial,
            Some(state) => state.serial.wrapping_add(self.log.head as u32),
            None => (self.log.head as u32).max(UnixTime::now().0 as u32),
        }
    }

    fn write_rows(&self, output: &mut Output) -> Result<(), StoreError> {
        let mut rows = self.salvage.rows(schema::LISTINGS)?;
        while let Some((key, value)) = rows.next()? {
            if !SegmentKey::read(&key).is_ok_and(|key| self.segments.contains_key(&key)) {
                continue;
            }
            output.put(schema::LISTINGS, &key, &value)?;
            let is_row = key::read_hosts(&key).is_err();
            let row = is_row.then(|| codec::decode::<Row>("listing", &value).ok()).flatten();
            let listing = row.as_ref().and_then(Row::listing);
            if let Some(at) = listing.and_then(|listing| listing.expires_at) {
                output.put(schema::EXPIRY, &key::expiry(at, &key), &[])?;
            }
        }
        Ok(())
    }

    /// The log stays dense: an entry without operations stands for one that is lost.
    fn write_log(&self, output: &mut Output) -> Result<(), StoreError> {
        self.copy(output, schema::LOG)?;
        if self.log.count_missing() > MOST_FILLED {
            return Ok(());
        }
        for seq in self.log.missing.iter().cloned().flatten() {
            let entry = LogEntry {
                seq,
                epoch: self.log.epoch,
                at: UnixTime(0),
                actor: "dnsbl-server recover".into(),
                token: None,
                ops: Vec::new(),
            };
            output.put(schema::LOG, &seq.to_be_bytes(), &encode_entry(&entry))?;
        }
        Ok(())
    }

    /// Sets listings right that may have been lost, or whose deletion may have been, by what the log says
    /// of them.
    fn restore_listings(&self, db: &Arc<Db>) -> Result<Vec<String>, StoreError> {
        if !self.has_lost(schema::LISTINGS) {
            return Ok(Vec::new());
        }
        let mut state = WriterState::read(&db.rocks)?;
        let mut batch = Batch::new(db, &mut state, UnixTime(0));
        let (actor, view, mut notes) = (Actor::server(), View::latest(&db.rocks), Vec::new());
        let mut transaction = batch.transaction(&view, &actor);
        for ((origin, subject, source), (seq, listing)) in self.last_listings()? {
            let Some(mut zone) = transaction.find_zone(&origin).cloned() else { continue };
            let keys: Vec<SegmentKey> = zone.segments_of(&source).map(|s| s.key).collect();
            let may_be_lost = |key: &SegmentKey| self.may_be_lost(&key.row(&subject));
            if !keys.iter().any(may_be_lost) {
                continue;
            }
            let mut rows = Vec::new();
            for key in &keys {
                rows.extend(transaction.row(*key, &subject)?.map(|row| (*key, row)));
            }
            let found = rows.first().and_then(|(key, found)| Some((*key, found.row.listing()?)));
            let name = || format!("{} in zone {origin} by {source}", subject_in_words(&subject));
            match (listing, found) {
                (Some(listing), found) => {
                    let provenance = Provenance::Own(WriteStamp::of(&listing));
                    let row = ListingRow::new(&listing.body, provenance);
                    if found.is_some_and(|(_, found)| found.same_content(&row)) {
                        continue;
                    }
                    let newest = keys.first().and_then(|key| zone.segment_mut(*key));
                    let Some(segment) = newest else { continue };
                    let old = transaction.row(segment.key, &subject)?;
                    let row = Row::Listing(Box::new(row));
                    transaction.put_row(segment, &subject, old.as_ref(), row)?;
                    notes.push(format!("kept: {}, from the log", name()));
                }
                (None, Some((key, found))) => {
                    let stamp = zone.segment(key).map(|s| found.provenance.stamp(&s.stamp));
                    if stamp.is_some_and(|stamp| stamp.seq >= seq) {
                        continue;
                    }
                    for (key, row) in &rows {
                        if let Some(segment) = zone.segment_mut(*key) {
                            transaction.delete_row(segment, &subject, row)?;
                        }
                    }
                    notes.push(format!("deleted: {}, as the log says", name()));
                }
                (None, None) => {}
            }
            transaction.set_zone(zone);
        }
        let plan = transaction.into_plan();
        batch.apply(&actor, plan);
        db.rocks.write_opt(batch.finish().writes, &synced())?;
        Ok(notes)
    }

    fn may_be_lost(&self, key: &[u8]) -> bool {
        let mut of_listings = self.lost.iter().filter(|lost| lost.family == schema::LISTINGS);
        self.salvage.lost_writes > 0 || of_listings.any(|lost| lost.may_hold(key))
    }

    /// What the log last says of each listing, where no import may have said something else since.
    fn last_listings(&self) -> Result<LastListings, StoreError> {
        let mut last = BTreeMap::new();
        let mut rows = self.salvage.rows(schema::LOG)?;
        while let Some((key, value)) = rows.next()? {
            let Some(entry) = read_entry(&key, &value) else { continue };
            for op in entry.ops {
                let mut note = |zone: Name, listing: &Listing, now: Option<Box<Listing>>| {
                    let subject = key::subject(&listing.subject);
                    last.insert((zone, subject, listing.source.clone()), (entry.seq, now));
                };
                match op {
                    Op::Put { zone, listing, .. } => note(zone, &listing.clone(), Some(listing)),
                    Op::Delete { zone, previous, .. } => note(zone, &previous, None),
                    Op::Import { zone, import } => forget(&mut last, &zone, &import.source),
                    Op::Purge { zone, purge } => forget(&mut last, &zone, &purge.source),
                    Op::Undo { part: Some(part), .. } => {
                        forget(&mut last, &part.zone, &part.done.source);
                    }
                    Op::DeleteZone { previous } => {
                        last.retain(|(z, _, _), _| *z != previous.origin)
                    }
                    _ => {}
                }
            }
        }
        Ok(last)
    }

    fn restore_documents(&self, output: &mut Output) -> Result<Vec<String>, StoreError> {
        if !self.has_lost(schema::DOCUMENTS) {
            return Ok(Vec::new());
        }
        let mut last = BTreeMap::<Vec<u8>, (u64, Option<Box<Document>>)>::new();
        let mut rows = self.salvage.rows(schema::LOG)?;
        while let Some((key, value)) = rows.next()? {
            let Some(entry) = read_entry(&key, &value) else { continue };
            for op in entry.ops {
                match op {
                    Op::PutDocument { document } => {
                        let key = document_key::of_document(document.kind(), document.id());
                        last.insert(key, (entry.seq, Some(document)));
                    }
                    Op::DeleteDocument { kind, id } => {
                        last.insert(document_key::of_document(&kind, &id), (entry.seq, None));
                    }
                    _ => {}
                }
            }
        }
        let mut notes = Vec::new();
        for (key, (seq, document)) in last {
            let there =
                output.db.rocks.get_pinned_cf(cf(&output.db.rocks, schema::DOCUMENTS), &key)?;
            let revision = there.and_then(|bytes| document::revision(&bytes));
            match document {
                Some(document) if revision != Some(document.revision()) => {
                    notes.push(format!(
                        "kept: {} {}, from the log",
                        document.kind(),
                        document.id()
                    ));
                    output.put(schema::DOCUMENTS, &key, &document::encode(&document))?;
                }
                None if revision.is_some_and(|revision| revision < seq) => {
                    output.batch.delete_cf(cf(&output.db.rocks, schema::DOCUMENTS), &key);
                }
                _ => {}
            }
        }
        Ok(notes)
    }

    /// Counts listings anew, since what was counted may be lost.
    fn count(&self, output: &mut Output) -> Result<(), StoreError> {
        let mut states = Vec::new();
        {
            let view = View::latest(&output.db.rocks);
            for (origin, mut state) in state::read_zones(&view)? {
                (state.listings, state.exclusions) = (0, 0);
                let segments = state.segments.clone();
                let mut scan = Scan::new(&view, &segments, &[], None, Reading::All)?;
                while let Some(at) = scan.next()? {
                    for (_, listing) in &at.rows {
                        state.count(listing.exclusion(), 1);
                    }
                }
                states.push((origin, state));
            }
        }
        for (origin, state) in states {
            let (value, copy) = (codec::encode(&state.state_value()), state.copy_value().encode());
            output.put(schema::META, &key::state(&origin), &value)?;
            output.put(schema::META, &key::copy(&origin), &copy)?;
        }
        Ok(())
    }
}

/// Forgets what is said of the listings of a source: a change of many may have said something else.
fn forget(last: &mut LastListings, zone: &Name, source: &Source) {
    last.retain(|(of, _, by), _| of != zone || by != source);
}

/// Writes the index rows of all documents.
fn write_document_index(output: &mut Output) -> Result<(), StoreError> {
    let db = output.db.clone();
    let view = View::latest(&db.rocks);
    let mut iter = view.iter(schema::DOCUMENTS, ReadOptions::default());
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        let (kind, id) = document_key::read(key)?;
        for key in document_key::of_index(&document::decode(kind, id, value)?) {
            output.put(schema::DOCUMENT_INDEX, &key, &[])?;
        }
        iter.next();
    }
    iter.status()
}

/// Writes the index rows of all subscribers.
fn write_subscriber_index(output: &mut Output) -> Result<(), StoreError> {
    let mut keys = Vec::new();
    subscribers::each(&View::latest(&output.db.rocks), |record| {
        keys.extend(subscriber_key::of_index(&record.subscriber));
    })?;
    keys.iter().try_for_each(|key| output.put(schema::SUBSCRIBER_INDEX, key, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reader;

    #[test]
    fn an_index_that_was_lost_is_made_anew_from_the_documents() {
        let dir = tempfile::tempdir().unwrap();
        let rocks = open_db(dir.path(), &schema::db_options()).unwrap();
        let options = StoreOptions::default();
        let db = Arc::new(Db::new(rocks, dir.path().into(), options, SegmentId(0), None));
        let mut output = Output { db: db.clone(), batch: WriteBatch::default() };
        let document = |kind: &str, id: &str, due| {
            let (kind, id) = (kind.parse().unwrap(), id.parse().unwrap());
            Document::new(kind, id, b"g".to_vec(), due, vec![]).unwrap()
        };
        let due = document("a", "1", Some(UnixTime(5)));
        let (other, of_other_kind) = (document("a", "2", None), document("b", "1", None));
        for document in [&due, &other, &of_other_kind] {
            let key = document_key::of_document(document.kind(), document.id());
            output.put(schema::DOCUMENTS, &key, &document::encode(document)).unwrap();
        }
        output.write().unwrap();

        write_document_index(&mut output).unwrap();
        output.write().unwrap();
        let reader = Reader::new(&db.rocks, UnixTime(0));
        let found = reader.documents_due(due.kind(), UnixTime(5), 9).unwrap();
        assert_eq!(found, std::slice::from_ref(&due));
        let of_group = reader.documents_of_group(due.kind(), b"g", None, 9).unwrap();
        assert_eq!(of_group, [other, due]);
    }
}
