//! The rows of several segments side by side, subject by subject.

use dnsbl_types::{Listing, UnixTime};

use crate::{
    StoreError,
    format::{key, row::ListingRow},
    read::{
        cursor::{Cursor, Reading},
        state::Segment,
        view::View,
    },
};

/// Reads the rows of several segments subject by subject.
pub(crate) struct Scan<'a> {
    /// In the order of the segments: newest first.
    cursors: Vec<Cursor<'a>>,
    to: Option<Vec<u8>>,
    /// The end of `to` among the addresses.
    bound: u64,
    /// Whether rows are read with what does not decide answers.
    whole: bool,
    at: SubjectRows<'a>,
    decided: Vec<&'a Segment>,
}

/// What [`Scan::step`] found.
pub(crate) enum Step<'s, 'a> {
    /// Addresses of which one segment says nothing but "listed", and no other anything.
    Hosts,
    /// What is said about another subject.
    Subject(&'s mut SubjectRows<'a>),
    /// Nothing more.
    End,
}

/// The listings of a subject: at most one a source, that of its newest segment with a row.
#[derive(Default)]
pub(crate) struct SubjectRows<'a> {
    /// The subject as it stands in keys.
    pub(crate) subject: Vec<u8>,
    pub(crate) rows: Vec<(&'a Segment, ListingRow)>,
}

impl<'a> SubjectRows<'a> {
    /// Takes a segment's row, unless a newer segment of its source had one.
    pub(crate) fn add(
        &mut self,
        decided: &mut Vec<&'a Segment>,
        segment: &'a Segment,
        listing: Option<ListingRow>,
    ) {
        if decided.iter().any(|newer| newer.source == segment.source) {
            return;
        }
        decided.push(segment);
        if let Some(listing) = listing {
            self.rows.push((segment, listing));
        }
    }

    /// The listings, by source.
    pub(crate) fn listings(&self) -> Result<Vec<Listing>, StoreError> {
        let subject = key::read_subject(&self.subject)?;
        let listings = self.rows.iter().map(|(segment, row)| segment.listing(subject.clone(), row));
        let mut listings = listings.collect::<Result<Vec<_>, _>>()?;
        listings.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(listings)
    }

    /// Leaves out what has expired.
    pub(crate) fn retain_live(&mut self, now: UnixTime) {
        self.rows.retain(|(_, listing)| listing.is_live(now));
    }
}

impl<'a> Scan<'a> {
    /// The rows of some segments, newest first, from `from` on, up to and including `to` where given.
    pub(crate) fn new(
        view: &'a View<'_>,
        segments: &'a [Segment],
        from: &[u8],
        to: Option<&[u8]>,
        reading: Reading,
    ) -> Result<Self, StoreError> {
        let cursors = segments.iter().map(|segment| Cursor::new(view, segment, from, reading));
        Ok(Self {
            cursors: cursors.collect::<Result<_, _>>()?,
            bound: to.map_or(1 << 32, |to| {
                key::hosts_before(to) + u64::from(key::read_host(to).is_some())
            }),
            to: to.map(<[u8]>::to_vec),
            whole: true,
            at: SubjectRows::default(),
            decided: Vec::new(),
        })
    }

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
    pub(crate) fn next(&mut self) -> Result<Option<&mut SubjectRows<'a>>, StoreError> {
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
    fn take(&mut self) -> Result<&mut SubjectRows<'a>, StoreError> {
        let Self { cursors, at, decided, whole, .. } = self;
        at.rows.clear();
        decided.clear();
        for cursor in cursors {
            if cursor.key() == Some(&at.subject) {
                let listing = cursor.listing(*whole)?;
                at.add(decided, cursor.segment, listing);
                cursor.next()?;
            }
        }
        Ok(at)
    }
}
