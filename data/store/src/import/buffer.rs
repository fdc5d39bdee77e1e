//! The rows that an import keeps in memory.

use std::collections::HashSet;

use crate::{
    format::{key, row},
    import::order::Contradictions,
};

/// Staged rows in the order in which they came, until they are sorted.
///
/// A row here wins over an address of the same subject in `hosts`, and a later row over an earlier one.
#[derive(Default)]
pub(crate) struct Buffer {
    /// Plain IPv4 addresses.
    pub(crate) hosts: Vec<u32>,
    /// All other rows.
    rows: Vec<Place>,
    /// Their subjects and values, one behind the other.
    bytes: Vec<u8>,
    /// Addresses among the rows, which therefore can't go to `hosts` any more.
    host_rows: HashSet<u32>,
    /// Rows that a later one contradicts, as far as sorting showed; kept when all else is forgotten.
    pub(crate) contradictions: Contradictions,
}

/// Where a row lies.
#[derive(Clone, Copy)]
struct Place {
    at: u32,
    subject: u32,
    value: u32,
}

impl Buffer {
    /// The bytes that it takes, about.
    pub(crate) fn len(&self) -> usize {
        self.hosts.len() * 4 + self.bytes.len() + self.rows.len() * 16 + self.host_rows.len() * 8
    }

    /// Adds a plain address.
    pub(crate) fn put_host(&mut self, addr: u32) {
        if !self.host_rows.is_empty() && self.host_rows.contains(&addr) {
            self.push(&key::host(addr), row::PLAIN_ROW);
        } else {
            self.hosts.push(addr);
        }
    }

    /// Adds a row.
    pub(crate) fn put_row(&mut self, subject: &[u8], value: &[u8]) {
        if let Some(addr) = key::read_host(subject) {
            self.host_rows.insert(addr);
        }
        self.push(subject, value);
    }

    fn push(&mut self, subject: &[u8], value: &[u8]) {
        self.rows.push(Place {
            at: self.bytes.len() as u32,
            subject: subject.len() as u32,
            value: value.len() as u32,
        });
        self.bytes.extend_from_slice(subject);
        self.bytes.extend_from_slice(value);
    }

    /// Sorts by subject and leaves the last row of each.
    pub(crate) fn sort(&mut self) {
        self.hosts.sort_unstable();
        self.hosts.dedup();
        let mut rows = std::mem::take(&mut self.rows);
        // Stable, so that the last one stays last among those of a subject.
        rows.sort_by(|a, b| self.subject(*a).cmp(self.subject(*b)));
        rows.reverse();
        let mut found = std::mem::take(&mut self.contradictions);
        rows.dedup_by(|earlier, later| {
            let same = self.subject(*earlier) == self.subject(*later);
            if same && self.value(*earlier) != self.value(*later) {
                found.add(self.subject(*earlier));
            }
            same
        });
        rows.reverse();
        self.contradictions = found;
        self.rows = rows;
        self.host_rows = HashSet::new();
    }

    /// Forgets all rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.hosts.clear();
        self.rows.clear();
        self.bytes.clear();
        self.host_rows.clear();
    }

    /// Gives back the memory that it does not need.
    pub(crate) fn shrink(&mut self) {
        self.hosts.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    /// How many rows there are beside the plain addresses.
    pub(crate) fn count_rows(&self) -> usize {
        self.rows.len()
    }

    /// A row's subject and value.
    pub(crate) fn row(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let place = *self.rows.get(index)?;
        Some((self.subject(place), self.value(place)))
    }

    fn value(&self, place: Place) -> &[u8] {
        let from = place.at + place.subject;
        &self.bytes[from as usize..(from + place.value) as usize]
    }

    fn subject(&self, place: Place) -> &[u8] {
        &self.bytes[place.at as usize..(place.at + place.subject) as usize]
    }
}
