//! Two followers of one store: one that remembers what it was shown, and the real index.

use std::{any::Any, sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter, Verdict};
use dnsbl_store::Store;
use dnsbl_types::{
    AllowEntry, Entry, EntryWriter, Follower, Fork, Forks, Name, Serial, Subject, Subscriber,
    UnixTime, Zone,
};

use crate::mirror::Mirror;

/// Both, each of which is shown everything.
pub(crate) struct Followers {
    pub(crate) mirror: Mirror,
    pub(crate) index: IndexWriter,
}

/// A fork of each.
struct ForkOfBoth {
    mirror: Box<dyn Fork>,
    index: Box<dyn Fork>,
}

struct ForksOfBoth {
    mirror: Mirror,
    index: Arc<dyn Forks>,
}

macro_rules! both {
    ($of:ty) => {
        impl EntryWriter for $of {
            fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]) {
                self.mirror.set_entries(origin, subject, entries);
                self.index.set_entries(origin, subject, entries);
            }
            fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
                self.mirror.set_plain_hosts(origin, hosts);
                self.index.set_plain_hosts(origin, hosts);
            }
            fn remove_hosts(&mut self, origin: &Name, hosts: &[u32]) {
                self.mirror.remove_hosts(origin, hosts);
                self.index.remove_hosts(origin, hosts);
            }
        }
    };
}

both!(Followers);
both!(ForkOfBoth);

impl Fork for ForkOfBoth {
    fn settle(&mut self) {
        self.mirror.settle();
        self.index.settle();
    }
}

impl Forks for ForksOfBoth {
    fn fork(&self) -> (Box<dyn Fork>, u64) {
        // Between the two more may have been published, which the one has and the other is brought up to date by.
        let (index, first) = self.index.fork();
        let (mirror, second) = self.mirror.fork();
        (Box::new(ForkOfBoth { mirror, index }), first.min(second))
    }
}

impl Follower for Followers {
    fn put_zone(&mut self, zone: &Zone, serial: Serial) {
        self.mirror.put_zone(zone, serial);
        self.index.put_zone(zone, serial);
    }
    fn remove_zone(&mut self, origin: &Name) {
        self.mirror.remove_zone(origin);
        self.index.remove_zone(origin);
    }
    fn set_serial(&mut self, origin: &Name, serial: Serial) {
        self.mirror.set_serial(origin, serial);
        self.index.set_serial(origin, serial);
    }
    fn set_subscriber(&mut self, old: Option<&Subscriber>, new: Option<&Subscriber>) {
        self.mirror.set_subscriber(old, new);
        self.index.set_subscriber(old, new);
    }
    fn put_allow_entry(&mut self, entry: &AllowEntry) {
        self.mirror.put_allow_entry(entry);
        self.index.put_allow_entry(entry);
    }
    fn remove_allow_entry(&mut self, entry: &AllowEntry) {
        self.mirror.remove_allow_entry(entry);
        self.index.remove_allow_entry(entry);
    }
    fn publish(&mut self, seq: u64, committed: Instant) {
        self.mirror.publish(seq, committed);
        self.index.publish(seq, committed);
    }
    fn idle(&mut self) {
        self.index.idle();
    }
    fn forks(&self) -> Option<Arc<dyn Forks>> {
        let index = self.index.forks()?;
        Some(Arc::new(ForksOfBoth { mirror: self.mirror.clone(), index }))
    }
    fn join(&mut self, fork: Box<dyn Fork>, zones: &[&Name]) {
        let fork: Box<dyn Any> = fork;
        let ForkOfBoth { mirror, index } = *fork.downcast().unwrap();
        self.mirror.join(mirror, zones);
        self.index.join(index, zones);
    }
}

/// What an index says of these subjects, in the zone at an origin: what DNS answers to each that can be asked for, until
/// when that holds, and what decides.
pub(crate) fn verdicts(
    index: &Index,
    origin: &Name,
    subjects: &[Subject],
    now: UnixTime,
) -> Vec<String> {
    let snapshot = index.load();
    let zone = snapshot.zone(origin).unwrap();
    let verdict = |subject| {
        let verdict = zone.judge_subject(subject, now);
        let listed = verdict.as_ref().and_then(Verdict::listed).map(|listed| {
            let settings = zone.settings();
            (listed.by(), listed.return_codes(settings), listed.reasons(settings))
        });
        let until = verdict.as_ref().map(Verdict::until);
        let is_excluded = matches!(verdict, Some(Verdict::Excluded { .. }));
        format!("{subject}: {listed:?} {is_excluded} {until:?} {:?}", zone.deciding(subject, now))
    };
    subjects.iter().map(verdict).collect()
}

/// The index that a start makes of a store.
pub(crate) fn loaded(store: &Store) -> Arc<Index> {
    let index = Arc::<Index>::default();
    store.load(&mut IndexWriter::new(index.clone())).unwrap();
    index
}
