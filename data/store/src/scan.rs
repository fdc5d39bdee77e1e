//! Reading one state of the database, and the rows of several segments side by side.

use dnsbl_types::UnixTime;
use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DBRawIterator, ReadOptions, Snapshot};

use crate::{
    StoreError, codec,
    cursor::{Cursor, Reading},
    hosts,
    key::{self, SegmentKey},
    row::{Row, Said},
    schema,
    state::Segment,
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
    /// Whether rows are read with what does not decide answers.
    whole: bool,
    at: AtSubject<'a>,
    decided: Vec<&'a Segment>,
}

/// What [`Scan::step`] found.
pub(crate) enum Step<'s, 'a> {
    /// Addresses of which one segment says nothing but "listed", and no other anything.
    Hosts,
    /// What is said about another subject.
    Subject(&'s mut AtSubject<'a>),
    /// Nothing more.
    End,
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
    /// Leaves out what does not decide answers, which is cheaper.
    pub(crate) fn of_answers(self) -> Self {
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
        match self.first() {
            Some(first) if self.stand_at(first) => self.take().map(Some),
            _ => Ok(None),
        }
    }

    /// The next addresses or the next subject, whichever comes first; given `lead`, only those of which
    /// the segment at that place says something.
    pub(crate) fn step(
        &mut self,
        lead: Option<usize>,
        hosts: &mut Vec<u32>,
    ) -> Result<Step<'_, 'a>, StoreError> {
        let Some(first) = lead.or_else(|| self.first()) else { return Ok(Step::End) };
        if !self.stand_at(first) {
            return Ok(Step::End);
        }
        if lead.is_some() {
            for cursor in &mut self.cursors {
                cursor.seek(&self.at.subject)?;
            }
        }
        if self.take_from(first, hosts)?.is_some() {
            return Ok(Step::Hosts);
        }
        self.take().map(Step::Subject)
    }

    /// Takes the next addresses if they lie in a block of one segment, which it returns, and no other
    /// segment says anything of them: a quicker [`next`](Self::next).
    pub(crate) fn take_hosts(
        &mut self,
        out: &mut Vec<u32>,
    ) -> Result<Option<&'a Segment>, StoreError> {
        self.first().map_or(Ok(None), |first| self.take_from(first, out))
    }

    /// The place of a segment that has the next subject.
    fn first(&self) -> Option<usize> {
        let keys = self.cursors.iter().enumerate();
        keys.filter_map(|(index, cursor)| Some((cursor.key()?, index)))
            .min()
            .map(|(_, index)| index)
    }

    /// Makes the next subject of a segment that of `at`; false if there is none.
    fn stand_at(&mut self, index: usize) -> bool {
        let to = self.to.as_deref();
        let key = self.cursors[index].key().filter(|key| to.is_none_or(|to| *key <= to));
        let Some(key) = key else { return false };
        self.at.subject.clear();
        self.at.subject.extend_from_slice(key);
        true
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
