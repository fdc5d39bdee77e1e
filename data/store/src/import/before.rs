//! What a source says before an import, subject by subject.

use crate::{
    StoreError,
    format::{
        key::{self, HostKey},
        row::ListingRow,
    },
    read::{scan::Scan, state::Segment},
};

/// A place among what a source says. Addresses in blocks are read by the block.
pub(crate) struct Before<'a> {
    scan: Scan<'a>,
    /// Addresses that come before the scan's place, and the segment that has them.
    hosts: Vec<u32>,
    segment: Option<&'a Segment>,
    at: usize,
    key: HostKey,
}

impl<'a> Before<'a> {
    /// The first place of a scan of segments of one source.
    pub(crate) fn new(scan: Scan<'a>) -> Result<Self, StoreError> {
        let (hosts, key) = (Vec::new(), HostKey::default());
        let mut before = Self { scan, hosts, segment: None, at: 0, key };
        before.settle()?;
        Ok(before)
    }

    /// The address here, if one segment lists it and says nothing of its own.
    pub(crate) fn host(&self) -> Option<u32> {
        self.hosts.get(self.at).copied()
    }

    /// The subject here; `None` behind the last.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        if self.at < self.hosts.len() { Some(&self.key) } else { self.scan.key() }
    }

    /// Leaves the address here.
    pub(crate) fn skip_host(&mut self) -> Result<(), StoreError> {
        self.at += 1;
        self.settle()
    }

    /// What is said of the subject here, and by which segment. Goes to the next subject.
    pub(crate) fn next(&mut self) -> Result<Option<(&'a Segment, ListingRow)>, StoreError> {
        if self.at < self.hosts.len() {
            let segment = self.segment;
            self.skip_host()?;
            return Ok(segment.map(|segment| (segment, ListingRow::default())));
        }
        let listing = self.scan.next()?.and_then(|at| at.rows.pop());
        self.settle()?;
        Ok(listing)
    }

    /// Goes on to the first subject that is not before `from`.
    pub(crate) fn seek(&mut self, from: &[u8]) -> Result<(), StoreError> {
        if self.key().is_none_or(|key| key >= from) {
            return Ok(());
        }
        let before = key::hosts_before(from);
        self.at += self.hosts[self.at..].partition_point(|&addr| u64::from(addr) < before);
        if self.at >= self.hosts.len() {
            self.scan.seek(from)?;
        }
        self.settle()
    }

    /// Takes the next addresses, if some come next.
    fn settle(&mut self) -> Result<(), StoreError> {
        if self.at >= self.hosts.len() {
            self.at = 0;
            self.hosts.clear();
            if let Some(segment) = self.scan.take_hosts(&mut self.hosts)? {
                self.segment = Some(segment);
            }
        }
        if let Some(&addr) = self.hosts.get(self.at) {
            self.key = key::host(addr);
        }
        Ok(())
    }
}
