//! Leads the store's changes to the index, and tells who waits for them.

use std::{sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter};
use dnsbl_store::Follower;
use dnsbl_types::{Entry, Name, Serial, Subject, Zone};
use prometheus::Histogram;
use tokio::sync::watch;

use crate::dns::Counters;

/// The index as a follower of the store.
pub(crate) struct IndexFollower {
    pub(crate) index: IndexWriter,
    pub(crate) counters: Counters,
    /// The last change that is visible.
    pub(crate) head: watch::Sender<u64>,
    pub(crate) commit_to_visible: Histogram,
    /// Subjects that were shown so far.
    pub(crate) shown: u64,
}

impl IndexFollower {
    pub(crate) fn new(
        index: Arc<Index>,
        counters: Counters,
        head: watch::Sender<u64>,
        commit_to_visible: Histogram,
    ) -> Self {
        Self { index: IndexWriter::new(index), counters, head, commit_to_visible, shown: 0 }
    }
}

impl Follower for IndexFollower {
    fn put_zone(&mut self, zone: &Zone, serial: Serial) {
        let number = self.index.put_zone(zone.clone(), serial);
        self.counters.add_zone(number, &zone.origin);
    }

    fn remove_zone(&mut self, origin: &Name) {
        self.index.remove_zone(origin);
        self.counters.remove_zone(origin);
    }

    fn set_serial(&mut self, origin: &Name, serial: Serial) {
        self.index.set_serial(origin, serial);
    }

    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        self.shown += 1;
        self.index.set_entries(origin, subject, entries);
    }

    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.shown += hosts.len() as u64;
        self.index.set_plain_hosts(origin, hosts);
    }

    fn publish(&mut self, seq: u64, committed: Instant) {
        self.index.publish(seq);
        self.commit_to_visible.observe(committed.elapsed().as_secs_f64());
        self.head.send_replace(seq);
    }
    fn idle(&mut self) {
        self.index.free_retired();
    }
}
