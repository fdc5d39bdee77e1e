//! Resource records (RFC 1035 section 4.1.3).

use super::names::{self, Owner};

/// The records of a message, one after the other.
#[derive(Clone)]
pub(super) struct Records<'a> {
    message: &'a [u8],
    at: usize,
}

/// One record.
pub(super) struct Record<'a> {
    owner_at: usize,
    pub(super) rtype: u16,
    pub(super) class: u16,
    /// As it stands there; OPT records have other things in it.
    pub(super) ttl: u32,
    pub(super) data: &'a [u8],
    data_at: usize,
}

impl Record<'_> {
    /// Seconds; with the top bit set it counts as 0 (RFC 2181 section 8).
    pub(super) fn ttl(&self) -> u32 {
        if self.ttl >> 31 == 0 { self.ttl } else { 0 }
    }
}

impl<'a> Records<'a> {
    /// Those from `at` on.
    pub(super) fn new(message: &'a [u8], at: usize) -> Self {
        Self { message, at }
    }

    /// The next one; `None` if the message ends before it does.
    pub(super) fn next(&mut self) -> Option<Record<'a>> {
        let owner_at = self.at;
        let fields_at = names::end(self.message, owner_at)?;
        let fields: &[u8; 10] = self.message.get(fields_at..)?.first_chunk()?;
        let [t0, t1, c0, c1, ttl0, ttl1, ttl2, ttl3, len0, len1] = *fields;
        let data_at = fields_at + fields.len();
        let end = data_at + usize::from(u16::from_be_bytes([len0, len1]));
        let data = self.message.get(data_at..end)?;
        self.at = end;
        Some(Record {
            owner_at,
            rtype: u16::from_be_bytes([t0, t1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([ttl0, ttl1, ttl2, ttl3]),
            data,
            data_at,
        })
    }

    /// Steps over so many.
    pub(super) fn skip(&mut self, count: u16) -> Option<()> {
        (0..count).try_for_each(|_| self.next().map(drop))
    }

    /// Whether a record belongs to this name; `None` if its own name is malformed.
    pub(super) fn is_owner(&self, record: &Record<'_>, owner: &Owner) -> Option<bool> {
        owner.is_at(self.message, record.owner_at)
    }

    /// The name that is the whole data of a record.
    pub(super) fn name_in(&self, record: &Record<'_>) -> Option<Owner> {
        let end = record.data_at + record.data.len();
        if names::end(self.message, record.data_at)? != end {
            return None;
        }
        Owner::read(self.message, record.data_at)
    }
}
