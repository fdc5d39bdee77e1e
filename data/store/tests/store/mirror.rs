//! A follower that remembers what it was shown.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use dnsbl_types::{
    AllowEntry, Entry, EntryWriter, Follower, Fork, Forks, Name, Serial, Subject, Subscriber,
    SubscriberId, Zone,
};

/// What a follower was told, as published.
#[derive(Clone, Default)]
pub(crate) struct Mirror(pub(crate) Arc<Mutex<Seen>>);

#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) entries: BTreeMap<String, Vec<Entry>>,
    pub(crate) subscribers: BTreeMap<SubscriberId, Subscriber>,
    pub(crate) allowed: BTreeMap<(Option<Name>, String), AllowEntry>,
    pub(crate) serial: Serial,
    pub(crate) seq: u64,
}

impl Mirror {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }
}

impl EntryWriter for Seen {
    fn set_entries(&mut self, _: &Name, subject: &Subject, entries: &[Entry]) {
        if entries.is_empty() {
            self.entries.remove(&subject.to_string());
        } else {
            self.entries.insert(subject.to_string(), entries.to_vec());
        }
    }
    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        assert!(hosts.is_sorted_by(|a, b| a < b), "ascending, each once");
        for addr in hosts {
            let subject = Subject::from(std::net::Ipv4Addr::from_bits(*addr));
            self.set_entries(origin, &subject, &[Entry::default()]);
        }
    }
}

/// A copy of what a mirror has seen.
impl Fork for Seen {}

impl Forks for Mirror {
    fn fork(&self) -> (Box<dyn Fork>, u64) {
        let seen = self.seen().clone();
        let seq = seen.seq;
        (Box::new(seen), seq)
    }
}

impl EntryWriter for Mirror {
    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
        self.seen().set_entries(origin, subject, entries);
    }
    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        self.seen().set_plain_hosts(origin, hosts);
    }
}

impl Follower for Mirror {
    fn put_zone(&mut self, _: &Zone, serial: Serial) {
        self.seen().serial = serial;
    }
    fn remove_zone(&mut self, _: &Name) {
        self.seen().entries.clear();
    }
    fn set_serial(&mut self, _: &Name, serial: Serial) {
        self.seen().serial = serial;
    }
    fn set_subscriber(&mut self, old: Option<&Subscriber>, new: Option<&Subscriber>) {
        let seen = &mut self.seen().subscribers;
        let removed = old.and_then(|old| seen.remove(&old.id));
        assert_eq!(removed.as_ref(), old, "it is as it was shown");
        if let Some(new) = new {
            assert!(seen.insert(new.id, new.clone()).is_none(), "it was not there");
        }
    }
    fn put_allow_entry(&mut self, entry: &AllowEntry) {
        let seen = &mut self.seen().allowed;
        seen.insert((entry.zone.clone(), entry.subject.to_string()), entry.clone());
    }
    fn remove_allow_entry(&mut self, entry: &AllowEntry) {
        let seen = &mut self.seen().allowed;
        let removed = seen.remove(&(entry.zone.clone(), entry.subject.to_string()));
        assert_eq!(removed.as_ref(), Some(entry), "it is as it was shown");
    }
    fn publish(&mut self, seq: u64, _: Instant) {
        self.seen().seq = seq;
    }
    fn forks(&self) -> Option<Arc<dyn Forks>> {
        Some(Arc::new(self.clone()))
    }
    fn join(&mut self, fork: Box<dyn Fork>, _: &[&Name]) {
        let fork: Box<dyn Any> = fork;
        self.seen().entries = fork.downcast::<Seen>().unwrap().entries;
    }
}
