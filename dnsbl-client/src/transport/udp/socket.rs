//! What each connected socket was used for.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    net::SocketAddr,
};

use super::slots::SlotKey;

/// How many questions go out of one port.
pub(super) const MAX_SENT: usize = 512;
/// How many replies to nothing that was asked a port may get before it is given up.
pub(super) const MAX_MISMATCHES: u32 = 16;

/// A socket, known here by its handle, and what it was used for.
pub(super) struct Socket<S> {
    pub(super) server: SocketAddr,
    pub(super) handle: S,
    /// Who waits for which id; `None` where nobody does any more, so that late replies are known.
    ids: HashMap<u16, Option<SlotKey>, BuildHasherDefault<IdHasher>>,
    /// How many wait.
    live: usize,
    pub(super) mismatches: u32,
    /// No more questions go out.
    pub(super) is_retired: bool,
}

impl<S> Socket<S> {
    pub(super) fn new(server: SocketAddr, handle: S) -> Self {
        Self { server, handle, ids: HashMap::default(), live: 0, mismatches: 0, is_retired: false }
    }

    /// Whether nobody will ask or wait here any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_retired && self.live == 0
    }

    /// Whether it has sent what it may.
    pub(super) fn is_used_up(&self) -> bool {
        self.ids.len() >= MAX_SENT
    }

    /// Notes who waits for an id; not if it was in use before.
    pub(super) fn expect(&mut self, id: u16, ticket: SlotKey) -> bool {
        let is_new = !self.ids.contains_key(&id);
        if is_new {
            self.ids.insert(id, Some(ticket));
            self.live += 1;
        }
        is_new
    }

    /// Who waits for an id; `None` if it was never sent.
    pub(super) fn waiting(&self, id: u16) -> Option<Option<SlotKey>> {
        self.ids.get(&id).copied()
    }

    /// Notes that an id is not waited for any more, if it was by this one.
    pub(super) fn give_up(&mut self, id: u16, ticket: SlotKey) {
        if let Some(waiting) = self.ids.get_mut(&id)
            && *waiting == Some(ticket)
        {
            *waiting = None;
            self.live -= 1;
        }
    }

    /// Nobody waits any more; gives all who did.
    pub(super) fn give_up_all(&mut self) -> Vec<SlotKey> {
        self.live = 0;
        self.ids.values_mut().filter_map(Option::take).collect()
    }
}

/// Ids are random already, and nobody else chooses those that are kept.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u16(byte.into()));
    }

    fn write_u16(&mut self, id: u16) {
        // The table takes its bits from both ends of the hash.
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
