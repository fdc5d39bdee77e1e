//! The store for those who may only look.

use dnsbl_types::UnixTime;

use crate::{Reader, Store};

/// A store that can only be read. Clones share it.
#[derive(Clone)]
pub struct ReadOnlyStore(Store);

impl Store {
    /// The same store, for who may only look.
    pub fn read_only(&self) -> ReadOnlyStore {
        ReadOnlyStore(self.clone())
    }
}

impl ReadOnlyStore {
    /// One state of the store, as it looks at `now`.
    pub fn read(&self, now: UnixTime) -> Reader<'_> {
        self.0.read(now)
    }
}
