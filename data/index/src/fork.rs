//! Forks of the index.

use std::thread;

use dnsbl_types::{Entry, EntryWriter, Fork, Forks, Name, Subject};

use crate::{Index, Snapshot, draft::Draft};

/// A fork of an index.
#[derive(Debug)]
pub(crate) struct IndexFork(Draft);

impl IndexFork {
    /// What it says.
    pub(crate) fn snapshot(&mut self) -> &Snapshot {
        self.0.snapshot()
    }
}

/// There may be much that only it has, and the writer may be the one to drop it.
impl Drop for IndexFork {
    fn drop(&mut self) {
        free_apart(std::mem::take(&mut self.0));
    }
}

impl EntryWriter for IndexFork {
    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        self.0.set_entries(origin, subject, entries);
    }

    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.0.set_plain_hosts(origin, hosts);
    }

    fn remove_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.0.remove_hosts(origin, hosts);
    }
}

impl Fork for IndexFork {
    fn settle(&mut self) {
        self.0.snapshot();
    }
}

impl Forks for Index {
    fn fork(&self) -> (Box<dyn Fork>, u64) {
        let snapshot = Snapshot::clone(&self.load());
        let seq = snapshot.seq;
        (Box::new(IndexFork(snapshot.into())), seq)
    }
}

/// Frees what takes long to be freed by a thread of its own.
pub(crate) fn free_apart<T: Send + 'static>(much: T) {
    let thread = thread::Builder::new().name("index-free".into());
    // Without a thread it is freed here and now.
    drop(thread.spawn(move || drop(much)));
}
