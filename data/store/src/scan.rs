//! Reading one state of the database, and the rows of several segments side by side.

use dnsbl_types::UnixTime;
use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DBRawIterator, ReadOptions, Snapshot};

use crate::{
    StoreError, codec,
    key::SegmentKey,
    schema,
    state::Segment,
    value::{Row, Said},
};

/// One state of the database.
pub(crate) struct View<'a> {
    db: &'a DB,
    snapshot: Snapshot<'a>,
}

impl<'a> View<'a> {
    pub(crate) fn new(db: &'a DB) -> Self {
        Self { db, snapshot: db.snapshot() }
    }

    pub(crate) fn find(
        &self,
        family: &str,
        key: &[u8],
    ) -> Result<Option<DBPinnableSlice<'_>>, StoreError> {
        Ok(self.snapshot.get_pinned_cf(cf(self.db, family), key)?)
    }

    pub(crate) fn iter(&self, family: &str, options: ReadOptions) -> DBRawIterator<'_> {
        self.snapshot.raw_iterator_cf_opt(cf(self.db, family), options)
    }

    /// A segment's row for a subject.
    pub(crate) fn row(
        &self,
        segment: SegmentKey,
        subject: &[u8],
    ) -> Result<Option<Row>, StoreError> {
        let value = self.find(schema::LISTINGS, &segment.row(subject))?;
        value.map(|bytes| codec::decode("listing", &bytes)).transpose()
    }

    /// All rows of some segments from `from` on, up to and including `to` where given.
    pub(crate) fn scan<'s>(
        &'s self,
        segments: &'s [Segment],
        from: &[u8],
        to: Option<&[u8]>,
    ) -> Result<Scan<'s>, StoreError> {
        let cursors = segments.iter().map(|segment| {
            let mut options = ReadOptions::default();
            options.set_iterate_upper_bound(match to {
                Some(to) => [segment.key.row(to), vec![0]].concat(),
                None => segment.key.end().to_vec(),
            });
            let mut iter = self.iter(schema::LISTINGS, options);
            iter.seek(segment.key.row(from));
            Cursor { segment, iter }
        });
        Ok(Scan { cursors: cursors.collect() })
    }
}

/// A column family; all of them are there once the database is open.
pub(crate) fn cf<'a>(db: &'a DB, family: &str) -> &'a ColumnFamily {
    db.cf_handle(family).expect("every column family is created when the store is opened")
}

/// Reads the rows of several segments subject by subject.
pub(crate) struct Scan<'a> {
    /// In the order of the segments: newest first.
    cursors: Vec<Cursor<'a>>,
}

struct Cursor<'a> {
    segment: &'a Segment,
    iter: DBRawIterator<'a>,
}

/// What is said about a subject: at most one row a source, none of them a tombstone.
#[derive(Default)]
pub(crate) struct AtSubject<'a> {
    /// The subject as it stands in keys.
    pub(crate) subject: Vec<u8>,
    pub(crate) rows: Vec<(&'a Segment, Box<Said>)>,
}

impl<'a> AtSubject<'a> {
    /// Takes a segment's row, unless a newer segment of its source had one.
    pub(crate) fn add(&mut self, decided: &mut Vec<&'a Segment>, segment: &'a Segment, row: Row) {
        if decided.iter().any(|newer| newer.source == segment.source) {
            return;
        }
        decided.push(segment);
        if let Row::Says(said) = row {
            self.rows.push((segment, said));
        }
    }

    /// Leaves out what has expired.
    pub(crate) fn retain_live(&mut self, now: UnixTime) {
        self.rows.retain(|(_, said)| said.is_live(now));
    }
}

impl<'a> Scan<'a> {
    /// The next subject that has a row.
    pub(crate) fn next(&mut self) -> Result<Option<AtSubject<'a>>, StoreError> {
        let Some(subject) =
            self.cursors.iter().filter_map(Cursor::subject).min().map(<[u8]>::to_vec)
        else {
            return self.status().map(|()| None);
        };
        let mut at = AtSubject { subject, rows: Vec::new() };
        let mut decided = Vec::new();
        for cursor in &mut self.cursors {
            if cursor.subject() == Some(&at.subject) {
                at.add(&mut decided, cursor.segment, cursor.row()?);
                cursor.iter.next();
            }
        }
        Ok(Some(at))
    }

    /// The end of the rows and a read error look alike to an iterator.
    fn status(&self) -> Result<(), StoreError> {
        self.cursors.iter().try_for_each(|cursor| Ok(cursor.iter.status()?))
    }
}

impl Cursor<'_> {
    fn subject(&self) -> Option<&[u8]> {
        self.iter.key().and_then(|key| key.get(SegmentKey::LEN..))
    }

    fn row(&self) -> Result<Row, StoreError> {
        codec::decode("listing", self.iter.value().unwrap_or_default())
    }
}
