//! What an import, a purge or an undo changes: what it wants beside what the source says, both read in the order of
//! subjects.

use std::sync::Arc;

use dnsbl_types::{MaxPrefix, Source, Subject, UnixTime};
use rocksdb::WriteBatch;

use crate::{
    ChangeError, ImportCounts, StoreError,
    db::{Db, UnnamedSegment},
    format::{
        codec,
        key::{self, SegmentKey},
        row::{ListingRow, Provenance, Row, TOMBSTONE_ROW, expiry_value},
        schema::{self, cf},
        undo::{KeptRows, UndoPart},
        value::WriteStamp,
    },
    import::{
        before::Before,
        content::Content,
        digest::Digest,
        kept::{Kept, SideWriter},
        merge::Merge,
        order::{Contradictions, ImportMode, Order},
        selection::Selection,
        tables::Tables,
    },
    read::{
        cursor::{Cursor, Reading},
        reader::Reader,
        scan::Scan,
        state::{self, Segment},
        view::View,
    },
};

/// Expiry rows in one write.
const CHUNK: usize = 4096;

/// What a change of many listings does to a source, and the segment that holds it. Dropped before it is named, the
/// segment goes.
pub(crate) struct Decided {
    /// Where its rows are; `None` for a dry run.
    pub(crate) segment: Option<UnnamedSegment>,
    /// What an undo of it will need.
    pub(crate) kept: Kept,
    /// The stamp of the segment, where it is not that of the change.
    pub(crate) stamp: Option<Arc<WriteStamp>>,
    /// Listings that are not as an undo needs them.
    pub(crate) overtaken: Overtaken,
    pub(crate) counts: ImportCounts,
    /// Rows in the segment, tombstones included.
    pub(crate) rows: u64,
    /// How the zone's counts of listings and exclusions move.
    pub(crate) listings: i64,
    pub(crate) exclusions: i64,
    /// Live listings of the source before; counted only where the import replaces them.
    pub(crate) before: u64,
    /// Subjects that the import names.
    pub(crate) distinct: u64,
    /// The last change that was taken into account.
    pub(crate) seen: u64,
    pub(crate) digest: String,
    /// Rows that a later row of the import contradicts.
    pub(crate) contradictions: Contradictions,
    /// The second in which the first of its rows expires.
    pub(crate) first_expiry: Option<u64>,
}

/// Listings that a later change has changed, so that what was before can't come back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overtaken {
    pub(crate) count: u64,
    /// The first such subject as it stands in the database, and the change that wrote what is there, if anything is.
    first: Option<(Vec<u8>, Option<u64>)>,
}

impl Overtaken {
    fn add(&mut self, subject: &[u8], by: Option<u64>) {
        self.count += 1;
        self.first.get_or_insert_with(|| (subject.to_vec(), by));
    }

    /// The first subject, and the change that wrote what is there.
    pub(crate) fn first(&self) -> Option<(Subject, Option<u64>)> {
        let (subject, by) = self.first.as_ref()?;
        Some((key::read_subject(subject).ok()?, *by))
    }
}

impl Decided {
    /// Compares what is wanted with what the source says at this moment, and writes down the difference.
    pub(crate) fn new(
        order: &Order,
        content: &Content,
        now: UnixTime,
    ) -> Result<Self, ChangeError> {
        let db = &order.db.rocks;
        let reader = Reader::new(db, now);
        let state = state::read_zone(&reader.view, &order.origin)?;
        let state = state.filter(|state| state.id == order.zone);
        let state = state.ok_or_else(|| ChangeError::NoZone(order.origin.clone()))?;
        let older: Vec<Segment> = state.segments_of(&order.source).cloned().collect();
        // A newer segment wins, so its number is taken after the look at those that are there.
        let new_segment = || UnnamedSegment::new(&order.db, schema::LISTINGS, order.zone);
        let segment = (!order.dry_run).then(new_segment);
        let options = schema::family_options(schema::LISTINGS, None);
        let of_kept = schema::family_options(schema::UNDO_ROWS, None);
        let folder = content.folder();
        let output = segment.as_ref().map(|segment| Output {
            db: &order.db,
            tables: Tables::new(schema::LISTINGS, &options, folder, segment.key()),
            expiries: WriteBatch::default(),
            first_expiry: None,
            sides: content.keeps().then(|| {
                let base = older.iter().max_by_key(|segment| segment.rows);
                [base, None]
                    .map(|base| SideWriter::new(order, order.zone, (&of_kept, folder), base))
            }),
        });
        let mut decision = Decision {
            now,
            source: &order.source,
            max_prefix: order.max_prefix,
            output,
            digest: Digest::default(),
            subject: Vec::new(),
            decided: Self {
                segment: None,
                kept: Kept::default(),
                stamp: None,
                overtaken: Overtaken::default(),
                counts: ImportCounts { rejected: order.rejected, ..ImportCounts::default() },
                rows: 0,
                listings: 0,
                exclusions: 0,
                before: 0,
                distinct: 0,
                seen: reader.head()?,
                digest: String::new(),
                contradictions: Contradictions::default(),
                first_expiry: None,
            },
        };
        let mut old = Before::new(Scan::new(&reader.view, &older, &[], None, Reading::All)?)?;
        let mut contradictions = Contradictions::default();
        match content {
            Content::Import(runs) => {
                let mut new = Merge::new(runs)?;
                decision.compare(&mut new, &mut old, order.mode != ImportMode::Upsert)?;
                contradictions = new.contradictions();
            }
            Content::Purge { selection, .. } => decision.select(selection, &mut old)?,
            Content::Undo { part, .. } => decision.go_back(&reader.view, part, &mut old)?,
        }
        drop(old);
        let mut decided = decision.finish()?;
        decided.contradictions = contradictions;
        decided.counts.unchanged += order.accepted.saturating_sub(decided.distinct) + order.ignored;
        Ok(Self { segment, ..decided })
    }
}

/// A decision on its way.
struct Decision<'a> {
    now: UnixTime,
    source: &'a Source,
    /// The largest prefixes whose listings may go.
    max_prefix: Option<MaxPrefix>,
    /// `None` for a dry run.
    output: Option<Output<'a>>,
    digest: Digest,
    decided: Decided,
    /// The last subject that was missing.
    subject: Vec<u8>,
}

impl Decision<'_> {
    /// Walks through both sides. Where nothing is replaced, what only the source names is skipped.
    fn compare(
        &mut self,
        new: &mut Merge<'_>,
        old: &mut Before<'_>,
        replace: bool,
    ) -> Result<(), ChangeError> {
        while let Some(subject) = new.key() {
            if old.host().is_some() && old.host() == new.host() {
                self.named_the_same(new, replace);
                old.skip_host()?;
                new.advance()?;
                continue;
            }
            if replace {
                while old.key().is_some_and(|key| key < subject) {
                    self.missing(old)?;
                }
            } else {
                old.seek(subject)?;
            }
            let same = old.key() == Some(subject);
            let before = if same { old.next()? } else { None };
            if replace && before.as_ref().is_some_and(|(_, listing)| listing.is_live(self.now)) {
                self.decided.before += 1;
            }
            self.named(new, before)?;
            new.advance()?;
        }
        while replace && old.key().is_some() {
            self.missing(old)?;
        }
        Ok(())
    }

    /// A subject that the import names.
    fn named(
        &mut self,
        new: &Merge<'_>,
        before: Option<(&Segment, ListingRow)>,
    ) -> Result<(), StoreError> {
        self.decided.distinct += 1;
        self.digest.add(new);
        if let (Some(addr), None) = (new.host(), &before) {
            self.decided.counts.added += 1;
            self.decided.listings += 1;
            self.decided.rows += 1;
            return self.output.as_mut().map_or(Ok(()), |out| out.add_host(addr));
        }
        let row: Row = codec::decode("staged listing", new.value())?;
        let Some(listing) = row.into_listing() else { return Ok(()) };
        if let Some((_, before)) = &before {
            self.count(before.exclusion(), -1);
        }
        self.count(listing.exclusion(), 1);
        match before.filter(|(_, before)| before.is_live(self.now)) {
            None => {
                self.decided.counts.added += 1;
                self.put(new, None, &listing)
            }
            Some((_, before)) if before.same_content(&listing) => {
                self.decided.counts.unchanged += 1;
                Ok(())
            }
            Some((segment, before)) => {
                self.decided.counts.updated += 1;
                let since = Provenance::ListedSince(before.provenance.listed_at(&segment.stamp));
                self.put(new, Some((segment, &before)), &listing.with_provenance(since))
            }
        }
    }

    /// An address of which both say nothing but "listed".
    fn named_the_same(&mut self, new: &Merge<'_>, replace: bool) {
        self.digest.add(new);
        self.decided.distinct += 1;
        self.decided.counts.unchanged += 1;
        self.decided.before += u64::from(replace);
    }

    /// A subject that only the source names.
    fn missing(&mut self, old: &mut Before<'_>) -> Result<(), ChangeError> {
        self.subject.clear();
        self.subject.extend_from_slice(old.key().unwrap_or_default());
        let Some((segment, listing)) = old.next()? else { return Ok(()) };
        if let Some(max) = self.max_prefix {
            let subject = key::read_subject(&self.subject)?;
            if !max.admits(&subject) {
                let (by, subject) = (self.source.clone(), Box::new(subject));
                return Err(ChangeError::ImportBeyond { by, subject });
            }
        }
        self.decided.before += u64::from(listing.is_live(self.now));
        Ok(self.remove(segment, &listing)?)
    }

    /// What a source says of the subject goes, expired or not.
    fn remove(&mut self, segment: &Segment, listing: &ListingRow) -> Result<(), StoreError> {
        let is_live = listing.is_live(self.now);
        self.decided.counts.removed += u64::from(is_live);
        self.decided.rows += 1;
        self.count(listing.exclusion(), -1);
        let Some(output) = &mut self.output else { return Ok(()) };
        output.tables.put_row(&self.subject, TOMBSTONE_ROW)?;
        match &mut output.sides {
            Some([before, _]) if is_live => before.keep_old(&self.subject, segment, listing),
            _ => Ok(()),
        }
    }

    /// Removes what a purge is about.
    fn select(&mut self, selection: &Selection, old: &mut Before<'_>) -> Result<(), StoreError> {
        loop {
            let Some(subject) = old.key() else { return Ok(()) };
            self.subject.clear();
            self.subject.extend_from_slice(subject);
            let Some((segment, listing)) = old.next()? else { continue };
            if listing.is_live(self.now) && selection.admits(segment, &listing) {
                self.remove(segment, &listing)?;
            }
        }
    }

    /// Goes back to what was said before a change, where all is still as that left it.
    fn go_back(
        &mut self,
        view: &View<'_>,
        part: &UndoPart,
        old: &mut Before<'_>,
    ) -> Result<(), StoreError> {
        let segment = |kept: &KeptRows| Segment {
            key: SegmentKey { zone: part.zone, segment: kept.segment },
            source: part.source.clone(),
            stamp: kept.stamp.clone(),
            rows: 0,
            changed: 0,
        };
        let [before, after] = [&part.before, &part.after].map(|kept| kept.as_ref().map(segment));
        let mut was = Side::new(view, before.as_ref())?;
        let mut left = Side::new(view, after.as_ref())?;
        self.decided.stamp = before.as_ref().map(|segment| segment.stamp.clone());
        while let Some(subject) = was.key().into_iter().chain(left.key()).min() {
            self.subject.clear();
            self.subject.extend_from_slice(subject);
            let (was, left) = (was.take(&self.subject)?, left.take(&self.subject)?);
            old.seek(&self.subject)?;
            let is = if old.key() == Some(&self.subject) { old.next()? } else { None };
            self.restore(was, left, is)?;
        }
        Ok(())
    }

    /// Goes back to what was said of one subject: `was` before the change, `left` by it, `is` now.
    fn restore(
        &mut self,
        was: Option<(&Segment, ListingRow)>,
        left: Option<(&Segment, ListingRow)>,
        is: Option<(&Segment, ListingRow)>,
    ) -> Result<(), StoreError> {
        let now = self.now;
        let [was, left] = [was, left].map(|found| found.filter(|(_, row)| row.is_live(now)));
        let live = is.as_ref().filter(|(_, row)| row.is_live(now));
        let seq = |(segment, row): &(&Segment, ListingRow)| row.provenance.seq(&segment.stamp);
        let is_as_left = match (live, &left) {
            (None, None) => true,
            (Some(is), Some(left)) => is.1.same_content(&left.1) && seq(is) == seq(left),
            _ => false,
        };
        if !is_as_left {
            self.decided.overtaken.add(&self.subject, live.map(seq));
            return Ok(());
        }
        let Some((segment, row)) = was else {
            return is.map_or(Ok(()), |(segment, row)| self.remove(segment, &row));
        };
        let counts = &mut self.decided.counts;
        *if live.is_some() { &mut counts.updated } else { &mut counts.added } += 1;
        if let Some((_, is)) = &is {
            self.count(is.exclusion(), -1);
        }
        self.count(row.exclusion(), 1);
        let row = match row.is_plain_of_segment() {
            true => row,
            false => {
                let stamp = Provenance::Own(row.provenance.stamp(&segment.stamp));
                row.with_provenance(stamp)
            }
        };
        self.decided.rows += 1;
        let Some(output) = &mut self.output else { return Ok(()) };
        output.put(&self.subject, &row)
    }

    fn count(&mut self, exclusion: bool, by: i64) {
        let decided = &mut self.decided;
        *if exclusion { &mut decided.exclusions } else { &mut decided.listings } += by;
    }

    /// What an import says of a subject, in place of what was said before.
    fn put(
        &mut self,
        new: &Merge<'_>,
        before: Option<(&Segment, &ListingRow)>,
        listing: &ListingRow,
    ) -> Result<(), StoreError> {
        self.decided.rows += 1;
        let (Some(output), Some(subject)) = (&mut self.output, new.key()) else { return Ok(()) };
        if let Some([was, left]) = &mut output.sides {
            if let Some((segment, before)) = before {
                was.keep_old(subject, segment, before)?;
            }
            left.keep_new(subject, listing)?;
        }
        output.put(subject, listing)
    }

    fn finish(self) -> Result<Decided, StoreError> {
        let (mut first_expiry, mut kept) = (None, Kept::default());
        if let Some(output) = self.output {
            first_expiry = output.first_expiry;
            kept = output.finish()?;
        }
        Ok(Decided { digest: self.digest.finish(), first_expiry, kept, ..self.decided })
    }
}

/// Rows that were kept, at one of them.
struct Side<'a> {
    cursor: Option<Cursor<'a>>,
}

impl<'a> Side<'a> {
    fn new(view: &'a View<'_>, segment: Option<&'a Segment>) -> Result<Self, StoreError> {
        let cursor = segment
            .map(|segment| Cursor::in_family(schema::UNDO_ROWS, view, segment, &[], Reading::All));
        Ok(Self { cursor: cursor.transpose()? })
    }

    fn key(&self) -> Option<&[u8]> {
        self.cursor.as_ref().and_then(Cursor::key)
    }

    /// What was kept of a subject. Goes to the next one.
    fn take(&mut self, subject: &[u8]) -> Result<Option<(&'a Segment, ListingRow)>, StoreError> {
        let Some(cursor) = self.cursor.as_mut().filter(|cursor| cursor.key() == Some(subject))
        else {
            return Ok(None);
        };
        let row = cursor.listing(true)?;
        cursor.next()?;
        Ok(row.map(|row| (cursor.segment, row)))
    }
}

/// Where the rows go that change something.
struct Output<'a> {
    db: &'a Db,
    tables: Tables<'a>,
    /// Written at once: an expiry row without its listing does no harm.
    expiries: WriteBatch,
    first_expiry: Option<u64>,
    /// What was said before, and what is said after; `None` where that is kept already.
    sides: Option<[SideWriter<'a>; 2]>,
}

impl Output<'_> {
    /// Adds a plain address of which nothing was said.
    fn add_host(&mut self, addr: u32) -> Result<(), StoreError> {
        if let Some([_, left]) = &mut self.sides {
            left.keep_host(addr)?;
        }
        self.tables.put_host(addr)
    }

    fn put(&mut self, subject: &[u8], listing: &ListingRow) -> Result<(), StoreError> {
        match key::read_host(subject).filter(|_| listing.is_plain_of_segment()) {
            Some(addr) => self.tables.put_host(addr),
            None => self.put_row(subject, listing),
        }
    }

    fn put_row(&mut self, subject: &[u8], listing: &ListingRow) -> Result<(), StoreError> {
        let row = codec::encode(&Row::Listing(Box::new(listing.clone())));
        let key = self.tables.put_row(subject, &row)?;
        if let Some(at) = listing.expires_at {
            let (key, value) = (key::expiry(at, key), expiry_value(listing));
            self.expiries.put_cf(cf(&self.db.rocks, schema::EXPIRY), key, value);
            self.first_expiry = Some(self.first_expiry.map_or(at, |first| first.min(at)));
        }
        if self.expiries.len() < CHUNK { Ok(()) } else { self.write_expiries() }
    }

    fn write_expiries(&mut self) -> Result<(), StoreError> {
        if self.expiries.is_empty() {
            return Ok(());
        }
        self.db.write_expiries(std::mem::take(&mut self.expiries))
    }

    fn finish(mut self) -> Result<Kept, StoreError> {
        self.write_expiries()?;
        let db = &self.db.rocks;
        self.tables.finish(db)?;
        let Some([before, after]) = self.sides else { return Ok(Kept::default()) };
        Ok(Kept { before: before.finish(db)?, after: after.finish(db)? })
    }
}
