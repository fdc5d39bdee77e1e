//! The questions that wait for replies.

use std::{net::SocketAddr, task::Waker};

use crate::transport::{
    Question,
    message::{Query, Reply},
};

/// Names a slot, and nothing once it was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotKey {
    index: u32,
    generation: u32,
}

/// An event of a question that waits.
#[derive(Debug)]
pub(super) enum SlotEvent {
    /// A reply came.
    Reply(SocketAddr, Reply),
    /// The network says that nobody is there, or can be reached.
    Unreachable(SocketAddr),
    /// So many wrong replies came that somebody may be guessing: no datagram is to be believed.
    Suspect(SocketAddr),
    /// What read the replies has ended with its runtime.
    Lost,
    /// The time to wait is over.
    Due,
}

/// A question that waits.
#[derive(Default)]
pub(super) struct Slot {
    generation: u32,
    pub(super) query: Query,
    pub(super) events: Vec<SlotEvent>,
    pub(super) waker: Option<Waker>,
    /// The tick at which it wants to be woken.
    pub(super) due: Option<u64>,
    /// That tick has come.
    pub(super) is_due: bool,
}

/// Slots are used again with the memory they have, so that an exchange allocates none.
pub(super) struct Slots {
    all: Vec<Slot>,
    free: Vec<u32>,
    limit: usize,
}

impl Slots {
    pub(super) fn new(limit: usize) -> Self {
        Self { all: Vec::new(), free: Vec::new(), limit }
    }

    /// How many questions wait.
    pub(super) fn in_use(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// A slot for a question; `None` if as many wait as may.
    pub(super) fn take(&mut self, question: &Question, recursion: bool) -> Option<SlotKey> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.all.len() < self.limit => {
                self.all.push(Slot::default());
                (self.all.len() - 1) as u32
            }
            None => return None,
        };
        let slot = &mut self.all[index as usize];
        slot.query.write(question, recursion);
        Some(SlotKey { index, generation: slot.generation })
    }

    /// The slot, unless it was given back.
    pub(super) fn at(&mut self, ticket: SlotKey) -> Option<&mut Slot> {
        let slot = &mut self.all[ticket.index as usize];
        (slot.generation == ticket.generation).then_some(slot)
    }

    /// Tells the question what happened; gives who waits for that.
    pub(super) fn deliver(&mut self, ticket: SlotKey, event: SlotEvent) -> Option<Waker> {
        let slot = self.at(ticket)?;
        slot.events.push(event);
        slot.waker.take()
    }

    /// Ends the question.
    pub(super) fn give_back(&mut self, ticket: SlotKey) {
        let Some(slot) = self.at(ticket) else { return };
        slot.generation = slot.generation.wrapping_add(1);
        slot.events.clear();
        (slot.waker, slot.due, slot.is_due) = (None, None, false);
        self.free.push(ticket.index);
    }

    /// All who wait.
    pub(super) fn wakers(&mut self) -> Vec<Waker> {
        self.all.iter_mut().filter_map(|slot| slot.waker.take()).collect()
    }
}
