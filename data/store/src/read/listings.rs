//! Reading zones with their counts, and what is said of a subject.

use std::{cmp::Ordering, collections::HashMap};

use dnsbl_types::{Listing, Name, Subject, Zone};

use crate::{
    StoreError,
    format::{
        key::{self, Expiry, ZoneId},
        row, schema,
    },
    read::{
        reader::Reader,
        scan::SubjectRows,
        state::{self, ZoneRecord, ZoneState},
        view::Iter,
    },
};

impl Reader<'_> {
    /// A zone.
    pub fn zone(&self, origin: &Name) -> Result<Option<ZoneRecord>, StoreError> {
        let Some(state) = self.state(origin)? else {
            return Ok(None);
        };
        let due = self.due_in(&state)?;
        Ok(Some(record(&state, due)))
    }

    /// The settings of a zone, without its counts.
    pub fn settings(&self, origin: &Name) -> Result<Option<Zone>, StoreError> {
        Ok(self.state(origin)?.map(|state| state.zone.as_ref().clone()))
    }

    /// All zones, by name.
    pub fn zones(&self) -> Result<Vec<ZoneRecord>, StoreError> {
        let zones: Vec<ZoneState> = state::read_zones(&self.view)?.into_values().collect();
        let due = self.due_in_each(&zones)?;
        let due = |state: &ZoneState| due.get(&state.id).copied().unwrap_or_default();
        Ok(zones.iter().map(|state| record(state, due(state))).collect())
    }

    /// What each source says of a subject.
    pub fn listings_of(
        &self,
        origin: &Name,
        subject: &Subject,
    ) -> Result<Vec<Listing>, StoreError> {
        let Some(state) = self.state(origin)? else {
            return Ok(Vec::new());
        };
        self.rows_at(&state, subject)?.listings()
    }

    /// What is said of a subject now.
    pub(crate) fn rows_at<'s>(
        &self,
        state: &'s ZoneState,
        subject: &Subject,
    ) -> Result<SubjectRows<'s>, StoreError> {
        let mut at = SubjectRows { subject: key::subject(subject), rows: Vec::new() };
        let mut decided = Vec::new();
        for segment in &state.segments {
            if let Some(found) = self.view.row(segment.key, &at.subject)? {
                at.add(&mut decided, segment, found.row.into_listing());
            }
        }
        at.retain_live(self.now);
        Ok(at)
    }

    pub(crate) fn state(&self, origin: &Name) -> Result<Option<ZoneState>, StoreError> {
        state::read_zone(&self.view, origin)
    }

    /// Rows of a zone that have expired and were not swept yet.
    fn due_in(&self, state: &ZoneState) -> Result<Due, StoreError> {
        let mut due = Due::default();
        let mut iter = self.expiries()?;
        while let Some((key, value)) = iter.item() {
            let expiry = key::read_expiry(key)?;
            let at = expiry.at.0;
            match expiry.segment.zone.cmp(&state.id) {
                Ordering::Equal => {
                    due.add(self.expired(state, &expiry, value)?);
                    iter.next();
                }
                // The rows of a second lie by zone.
                Ordering::Less => iter.seek(key::expiry_in(at, state.id)),
                Ordering::Greater => iter.seek(key::expiry_in(at.saturating_add(1), state.id)),
            }
        }
        iter.status()?;
        Ok(due)
    }

    /// The same for all zones.
    fn due_in_each(&self, zones: &[ZoneState]) -> Result<HashMap<ZoneId, Due>, StoreError> {
        let mut iter = self.expiries()?;
        let mut due = HashMap::new();
        if iter.key().is_none() {
            iter.status()?;
            return Ok(due);
        }
        let states: HashMap<ZoneId, &ZoneState> =
            zones.iter().map(|state| (state.id, state)).collect();
        while let Some((key, value)) = iter.item() {
            let expiry = key::read_expiry(key)?;
            if let Some(state) = states.get(&expiry.segment.zone) {
                let expired = self.expired(state, &expiry, value)?;
                due.entry(state.id).or_insert_with(Due::default).add(expired);
            }
            iter.next();
        }
        iter.status()?;
        Ok(due)
    }

    /// A walk through what has expired and was not swept yet.
    fn expiries(&self) -> Result<Iter<'_>, StoreError> {
        let mut options = rocksdb::ReadOptions::default();
        options.set_iterate_upper_bound(key::expiry_after(self.now));
        let mut iter = self.view.iter(schema::EXPIRY, options);
        iter.seek(state::read_swept(&self.view)?);
        Ok(iter)
    }

    /// Whether a row that has expired is what its source says; true for an exclusion.
    fn expired(
        &self,
        state: &ZoneState,
        expiry: &Expiry<'_>,
        value: &[u8],
    ) -> Result<Option<bool>, StoreError> {
        let Some(segment) = state.segments.iter().find(|s| s.key == expiry.segment) else {
            return Ok(None);
        };
        let newer = state.segments_of(&segment.source).take_while(|s| s.key != segment.key);
        for newer in newer {
            if self.view.row(newer.key, expiry.subject)?.is_some() {
                return Ok(None);
            }
        }
        if let Some(exclusion) = row::read_expiry_value(value) {
            return Ok(Some(exclusion));
        }
        let row = self.view.row(segment.key, expiry.subject)?;
        let listing = row.and_then(|found| found.row.into_listing());
        Ok(listing.filter(|row| !row.is_live(self.now)).map(|row| row.exclusion()))
    }
}

/// A zone without what is due.
fn record(state: &ZoneState, due: Due) -> ZoneRecord {
    ZoneRecord {
        listings: state.listings.saturating_sub(due.listings),
        exclusions: state.exclusions.saturating_sub(due.exclusions),
        serial: state.serial,
        zone: state.zone.as_ref().clone(),
        frozen: state.frozen.keys().cloned().collect(),
    }
}

/// How many rows have expired and were not swept yet.
#[derive(Clone, Copy, Default)]
struct Due {
    listings: u64,
    exclusions: u64,
}

impl Due {
    /// Counts one; true for an exclusion.
    fn add(&mut self, expired: Option<bool>) {
        match expired {
            Some(true) => self.exclusions += 1,
            Some(false) => self.listings += 1,
            None => {}
        }
    }
}
