//! The interface between the index's writer and what keeps step with it.

use std::time::Instant;

use dnsbl_types::Name;

use crate::{IndexedSubscriber, ZoneNumber};

/// An observer of the index, called by its one writer, in order.
pub trait IndexObserver: Send {
    /// A zone is new, or has other settings; it is not visible before the next publication.
    fn zone_put(&mut self, number: ZoneNumber, origin: &Name);
    /// A zone is gone; it is visible until the next publication.
    fn zone_removed(&mut self, origin: &Name);
    /// A subscriber is gone, or its meter was replaced by another; the old one is visible until the next
    /// publication, and as long as readers hold it.
    fn subscriber_replaced(&mut self, subscriber: IndexedSubscriber);
    /// Everything up to change `seq`, which was durable at `committed`, is visible.
    fn published(&mut self, seq: u64, committed: Instant);
}

/// The observer of an index that nothing keeps step with.
impl IndexObserver for () {
    fn zone_put(&mut self, _: ZoneNumber, _: &Name) {}
    fn zone_removed(&mut self, _: &Name) {}
    fn subscriber_replaced(&mut self, _: IndexedSubscriber) {}
    fn published(&mut self, _: u64, _: Instant) {}
}
