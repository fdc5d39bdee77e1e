//! Reading one state of the database, and the rows of several segments side by side.

use dnsbl_types::UnixTime;
use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DBRawIterator, ReadOptions, Snapshot};

use crate::{
    StoreError, codec,
    cursor::{Cursor, Reading},
    hosts,
    key::{self, SegmentKey},
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
        find_row(segment, subject, |key| self.find(schema::LISTINGS, key))
    }

    /// All rows of some segments, newest first, from `from` on, up to and including `to` where given.
    pub(crate) fn scan<'s>(
        &'s self,
        segments: &'s [Segment],
        from: &[u8],
        to: Option<&[u8]>,
        reading: Reading,
    ) -> Result<Scan<'s>, StoreError> {
        let cursors = segments.iter().map(|segment| Cursor::new(self, segment, from, reading));
        Ok(Scan {
            cursors: cursors.collect::<Result<_, _>>()?,
            bound: to.map_or(1 << 32, |to| {
                key::hosts_before(to) + u64::from(key::read_host(to).is_some())
            }),
            to: to.map(<[u8]>::to_vec),
            whole: true,
            at: AtSubject::default(),
            decided: Vec::new(),
        })
    }
}

/// Looks for a row on its own, then in the block where it would be.
pub(crate) fn find_row<V: AsRef<[u8]>>(
    segment: SegmentKey,
    subject: &[u8],
    find: impl Fn(&[u8]) -> Result<Option<V>, StoreError>,
) -> Result<Option<Row>, StoreError> {
    if let Some(value) = find(&segment.row(subject))? {
        return codec::decode("listing", value.as_ref()).map(Some);
    }
    let Some((net, low)) = key::read_host(subject).map(hosts::split) else {
        return Ok(None);
    };
    let Some(block) = find(&segment.hosts(net))? else {
        return Ok(None);
    };
    let listed = hosts::contains(block.as_ref(), low)?;
    Ok(listed.then(|| Row::Says(Box::default())))
}

/// A column family; all of them are there once the database is open.
pub(crate) fn cf<'a>(db: &'a DB, family: &str) -> &'a ColumnFamily {
    db.cf_handle(family).expect("every column family is created when the store is opened")
}

/// Reads the rows of several segments subject by subject.
pub(crate) struct Scan<'a> {
    /// In the order of the segments: newest first.
    cursors: Vec<Cursor<'a>>,
    to: Option<Vec<u8>>,
    /// The end of `to` among the addresses.
    bound: u64,
    /// Whether rows are read with who wrote them when.
    whole: bool,
    at: AtSubject<'a>,
    decided: Vec<&'a Segment>,
}

/// What is said about a subject: at most one row a source, none of them a tombstone.
#[derive(Default)]
pub(crate) struct AtSubject<'a> {
    /// The subject as it stands in keys.
    pub(crate) subject: Vec<u8>,
    pub(crate) rows: Vec<(&'a Segment, Said)>,
}

impl<'a> AtSubject<'a> {
    /// Takes a segment's row, unless a newer segment of its source had one.
    pub(crate) fn add(
        &mut self,
        decided: &mut Vec<&'a Segment>,
        segment: &'a Segment,
        said: Option<Said>,
    ) {
        if decided.iter().any(|newer| newer.source == segment.source) {
            return;
        }
        decided.push(segment);
        if let Some(said) = said {
            self.rows.push((segment, said));
        }
    }

    /// Leaves out what has expired.
    pub(crate) fn retain_live(&mut self, now: UnixTime) {
        self.rows.retain(|(_, said)| said.is_live(now));
    }
}

impl<'a> Scan<'a> {
    /// Leaves out who wrote the rows when, which is cheaper.
    pub(crate) fn without_origins(self) -> Self {
        Self { whole: false, ..self }
    }

    /// The next subject that has a row.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        let key = self.cursors.iter().filter_map(Cursor::key).min()?;
        self.to.as_deref().is_none_or(|to| key <= to).then_some(key)
    }

    /// Goes on to the first subject that is not before `from`.
    pub(crate) fn seek(&mut self, from: &[u8]) -> Result<(), StoreError> {
        self.cursors.iter_mut().try_for_each(|cursor| cursor.seek(from))
    }

    /// What is said about the next subject that has a row.
    pub(crate) fn next(&mut self) -> Result<Option<&mut AtSubject<'a>>, StoreError> {
        let mut subject = std::mem::take(&mut self.at.subject);
        subject.clear();
        let found = self.key().map(|key| subject.extend_from_slice(key)).is_some();
        self.at.subject = subject;
        if found { self.take().map(Some) } else { Ok(None) }
    }

    /// What is said about the next subject of which the segment at `lead` says something.
    pub(crate) fn next_of(
        &mut self,
        lead: usize,
    ) -> Result<Option<&mut AtSubject<'a>>, StoreError> {
        if !self.follow(lead)? {
            return Ok(None);
        }
        self.take().map(Some)
    }

    /// Takes the next addresses if they lie in a block of one segment, which it returns, and no other
    /// segment says anything of them: a quicker [`next`](Self::next).
    pub(crate) fn take_hosts(
        &mut self,
        out: &mut Vec<u32>,
    ) -> Result<Option<&'a Segment>, StoreError> {
        let keys = self.cursors.iter().enumerate();
        let keys = keys.filter_map(|(index, cursor)| Some((cursor.key()?, index)));
        match keys.min() {
            Some((_, lead)) => self.take_from(lead, out),
            None => Ok(None),
        }
    }

    /// The same for the addresses of which the segment at `lead` says something.
    pub(crate) fn take_hosts_of(
        &mut self,
        lead: usize,
        out: &mut Vec<u32>,
    ) -> Result<Option<&'a Segment>, StoreError> {
        if self.follow(lead)? { self.take_from(lead, out) } else { Ok(None) }
    }

    fn take_from(
        &mut self,
        lead: usize,
        out: &mut Vec<u32>,
    ) -> Result<Option<&'a Segment>, StoreError> {
        if !self.cursors[lead].is_on_host() {
            return Ok(None);
        }
        let others = self.cursors.iter().enumerate().filter(|(index, _)| *index != lead);
        let bounds = others.filter_map(|(_, other)| other.key().map(key::hosts_before));
        let bound = bounds.fold(self.bound, u64::min);
        let before = out.len();
        let cursor = &mut self.cursors[lead];
        cursor.take_hosts(bound, out)?;
        Ok((out.len() > before).then_some(cursor.segment))
    }

    /// Goes on to the next subject of the segment at `lead`; false if there is none.
    fn follow(&mut self, lead: usize) -> Result<bool, StoreError> {
        let to = self.to.as_deref();
        let Some(key) = self.cursors[lead].key().filter(|key| to.is_none_or(|to| *key <= to))
        else {
            return Ok(false);
        };
        self.at.subject.clear();
        self.at.subject.extend_from_slice(key);
        for cursor in &mut self.cursors {
            cursor.seek(&self.at.subject)?;
        }
        Ok(true)
    }

    /// Takes what all segments say of the subject of `at`.
    fn take(&mut self) -> Result<&mut AtSubject<'a>, StoreError> {
        let Self { cursors, at, decided, whole, .. } = self;
        at.rows.clear();
        decided.clear();
        for cursor in cursors {
            if cursor.key() == Some(&at.subject) {
                let said = cursor.said(*whole)?;
                at.add(decided, cursor.segment, said);
                cursor.next()?;
            }
        }
        Ok(at)
    }
}
