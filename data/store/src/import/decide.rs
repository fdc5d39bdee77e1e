//! What an import changes: its rows beside what the source says, both read in the order of subjects.

use dnsbl_types::{MaxPrefix, Source, UnixTime};
use rocksdb::{DB, WriteBatch};

use crate::{
    ChangeError, ImportCounts, StoreError,
    db::UnnamedSegment,
    format::{
        codec, key,
        row::{ListingRow, Provenance, Row, TOMBSTONE_ROW, expiry_value},
        schema::{self, cf, synced},
    },
    import::{
        before::Before,
        digest::Digest,
        merge::Merge,
        order::{Contradictions, ImportMode, Order},
        run::Runs,
        tables::Tables,
    },
    read::{
        cursor::Reading,
        reader::Reader,
        scan::Scan,
        state::{self, Segment},
    },
};

/// Expiry rows in one write.
const CHUNK: usize = 4096;

/// What an import does, and the segment that holds it. Dropped before it is named, the segment goes.
pub(crate) struct Decided {
    /// Where its rows are; `None` for a dry run.
    pub(crate) segment: Option<UnnamedSegment>,
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

impl Decided {
    /// Compares an import with what its source says at this moment, and writes down the difference.
    pub(crate) fn new(order: &Order, runs: &Runs, now: UnixTime) -> Result<Self, ChangeError> {
        let db = &order.db.rocks;
        let reader = Reader::new(db, now);
        let state = state::read_zone(&reader.view, &order.origin)?;
        let state = state.filter(|state| state.id == order.zone);
        let state = state.ok_or_else(|| ChangeError::NoZone(order.origin.clone()))?;
        let older: Vec<Segment> = state.segments_of(&order.source).cloned().collect();
        // A newer segment wins, so its number is taken after the look at those that are there.
        let segment = (!order.dry_run).then(|| UnnamedSegment::new(&order.db, order.zone));
        let options = schema::family_options(schema::LISTINGS, None);
        let output = segment.as_ref().map(|segment| Output {
            db,
            tables: Tables::new(&options, runs.folder(), segment.key()),
            expiries: WriteBatch::default(),
            first_expiry: None,
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
        let mut new = Merge::new(runs)?;
        decision.compare(&mut new, &mut old, order.mode != ImportMode::Upsert)?;
        let mut decided = decision.finish()?;
        decided.contradictions = new.contradictions();
        decided.counts.unchanged += order.accepted - decided.distinct + order.ignored;
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
            return self.output.as_mut().map_or(Ok(()), |out| out.tables.put_host(addr));
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
                self.put(new, &listing)
            }
            Some((_, before)) if before.same_content(&listing) => {
                self.decided.counts.unchanged += 1;
                Ok(())
            }
            Some((segment, before)) => {
                self.decided.counts.updated += 1;
                let since = Provenance::ListedSince(before.provenance.listed_at(&segment.stamp));
                self.put(new, &listing.with_provenance(since))
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
        let Some((_, listing)) = old.next()? else { return Ok(()) };
        if let Some(max) = self.max_prefix {
            let subject = key::read_subject(&self.subject)?;
            if !max.admits(&subject) {
                let (by, subject) = (self.source.clone(), Box::new(subject));
                return Err(ChangeError::ImportBeyond { by, subject });
            }
        }
        let live = u64::from(listing.is_live(self.now));
        self.decided.before += live;
        self.decided.counts.removed += live;
        self.decided.rows += 1;
        if let Some(output) = &mut self.output {
            output.tables.put_row(&self.subject, TOMBSTONE_ROW)?;
        }
        self.count(listing.exclusion(), -1);
        Ok(())
    }

    fn count(&mut self, exclusion: bool, by: i64) {
        let decided = &mut self.decided;
        *if exclusion { &mut decided.exclusions } else { &mut decided.listings } += by;
    }

    fn put(&mut self, new: &Merge<'_>, listing: &ListingRow) -> Result<(), StoreError> {
        self.decided.rows += 1;
        let (Some(output), Some(subject)) = (&mut self.output, new.key()) else { return Ok(()) };
        match new.host().filter(|_| listing.is_plain_of_segment()) {
            Some(addr) => output.tables.put_host(addr),
            None => output.put_row(subject, listing),
        }
    }

    fn finish(self) -> Result<Decided, StoreError> {
        let mut first_expiry = None;
        if let Some(output) = self.output {
            first_expiry = output.first_expiry;
            output.finish()?;
        }
        Ok(Decided { digest: self.digest.finish(), first_expiry, ..self.decided })
    }
}

/// Where the rows go that change something.
struct Output<'a> {
    db: &'a DB,
    tables: Tables<'a>,
    /// WriteStamp at once: an expiry row without its listing does no harm.
    expiries: WriteBatch,
    first_expiry: Option<u64>,
}

impl Output<'_> {
    fn put_row(&mut self, subject: &[u8], listing: &ListingRow) -> Result<(), StoreError> {
        let row = codec::encode(&Row::Listing(Box::new(listing.clone())));
        let key = self.tables.put_row(subject, &row)?;
        if let Some(at) = listing.expires_at {
            let (key, value) = (key::expiry(at, key), expiry_value(listing));
            self.expiries.put_cf(cf(self.db, schema::EXPIRY), key, value);
            self.first_expiry = Some(self.first_expiry.map_or(at, |first| first.min(at)));
        }
        if self.expiries.len() < CHUNK { Ok(()) } else { self.write_expiries() }
    }

    fn write_expiries(&mut self) -> Result<(), StoreError> {
        if self.expiries.is_empty() {
            return Ok(());
        }
        Ok(self.db.write_opt(std::mem::take(&mut self.expiries), &synced())?)
    }

    fn finish(mut self) -> Result<(), StoreError> {
        self.write_expiries()?;
        self.tables.finish(self.db)
    }
}
