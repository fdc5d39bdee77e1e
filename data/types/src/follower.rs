//! The interface between a store and what follows its changes.

use std::{any::Any, net::Ipv4Addr, sync::Arc, time::Instant};

use crate::{AllowEntry, Entry, Name, Serial, Subject, Subscriber, Zone};

/// What takes the entries of zones: a follower, or a fork of one.
pub trait EntryWriter {
    /// These entries are all that is said about a subject, expired ones included; none removes it.
    fn set_entries(&mut self, origin: &Name, subject: &Subject, entries: &[Entry]);
    /// Each of these IPv4 addresses (as big-endian numbers, ascending, each once) has exactly one entry,
    /// [`Entry::default`].
    fn set_plain_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        for addr in hosts {
            let subject = Subject::from(Ipv4Addr::from_bits(*addr));
            self.set_entries(origin, &subject, &[Entry::default()]);
        }
    }
    /// Nothing is said any more about these IPv4 addresses (as big-endian numbers, ascending, each once).
    fn remove_hosts(&mut self, origin: &Name, hosts: &[u32]) {
        for addr in hosts {
            self.set_entries(origin, &Subject::from(Ipv4Addr::from_bits(*addr)), &[]);
        }
    }
}

/// A follower of a store's changes: the index. The store's writer calls it, in the order of the change log.
pub trait Follower: EntryWriter + Send {
    /// A zone is new or has other settings.
    fn put_zone(&mut self, zone: &Zone, serial: Serial);
    /// A zone is gone with all its entries.
    fn remove_zone(&mut self, origin: &Name);
    /// A zone's serial moved.
    fn set_serial(&mut self, origin: &Name, serial: Serial);
    /// A subscriber is new, has other terms or keys, or is gone; as it was and as it is.
    fn set_subscriber(&mut self, old: Option<&Subscriber>, new: Option<&Subscriber>);
    /// An allow entry is new or another.
    fn put_allow_entry(&mut self, entry: &AllowEntry);
    /// An allow entry is gone.
    fn remove_allow_entry(&mut self, entry: &AllowEntry);
    /// Everything so far belongs to the state after change `seq`, which was durable at `committed`.
    fn publish(&mut self, seq: u64, committed: Instant);
    /// No change has come for a while.
    fn idle(&mut self) {}
    /// Where forks of it come from, if it has any.
    fn forks(&self) -> Option<Arc<dyn Forks>> {
        None
    }
    /// The entries of these zones are those that a fork of it has.
    fn join(&mut self, fork: Box<dyn Fork>, zones: &[&Name]) {
        let _ = (fork, zones);
    }
}

/// A source of forks.
pub trait Forks: Send + Sync {
    /// A fork of what is published now, and the last change that it has.
    fn fork(&self) -> (Box<dyn Fork>, u64);
}

/// A copy of a follower's entries. Writing to it takes no time of the follower, which goes on, and shows nothing
/// until the follower [joins](Follower::join) it.
pub trait Fork: EntryWriter + Any + Send {
    /// Does all that is left to do, so that to join it takes no time.
    fn settle(&mut self) {}
}

/// The follower of a store whose changes nobody looks at.
impl Follower for () {
    fn put_zone(&mut self, _: &Zone, _: Serial) {}
    fn remove_zone(&mut self, _: &Name) {}
    fn set_serial(&mut self, _: &Name, _: Serial) {}
    fn set_subscriber(&mut self, _: Option<&Subscriber>, _: Option<&Subscriber>) {}
    fn put_allow_entry(&mut self, _: &AllowEntry) {}
    fn remove_allow_entry(&mut self, _: &AllowEntry) {}
    fn publish(&mut self, _: u64, _: Instant) {}
}

impl EntryWriter for () {
    fn set_entries(&mut self, _: &Name, _: &Subject, _: &[Entry]) {}
    fn set_plain_hosts(&mut self, _: &Name, _: &[u32]) {}
    fn remove_hosts(&mut self, _: &Name, _: &[u32]) {}
}
