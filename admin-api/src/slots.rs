//! Slots for long work, of which no holder of a token can have all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::error::Problem;

/// The slots for one kind of work.
#[derive(Clone)]
pub(crate) struct Slots(Arc<Shared>);

struct Shared {
    what: &'static str,
    all: usize,
    per_token: usize,
    /// By the id of the token.
    taken: Mutex<HashMap<String, usize>>,
}

/// A slot; it is free again when this is dropped.
pub(crate) struct Slot {
    slots: Slots,
    token: String,
}

impl Slots {
    /// So many slots for `what`; one token may have `per_token` of them, but never all unless there is
    /// only one.
    pub(crate) fn new(what: &'static str, all: usize, per_token: usize) -> Self {
        let per_token = per_token.min(all.saturating_sub(1)).max(1);
        Self(Arc::new(Shared { what, all, per_token, taken: Mutex::default() }))
    }

    /// A slot for the holder of a token, or 429 with the time to try again.
    pub(crate) fn take(&self, token: &str) -> Result<Slot, Problem> {
        let mut taken = self.lock();
        let (all, own) = (taken.values().sum::<usize>(), taken.get(token).copied().unwrap_or(0));
        if own >= self.0.per_token {
            return Err(Problem::too_many_of_token(self.0.what, self.0.per_token));
        }
        if all >= self.0.all {
            return Err(Problem::too_many(self.0.what));
        }
        taken.insert(token.to_owned(), own + 1);
        drop(taken);
        Ok(Slot { slots: self.clone(), token: token.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        match taken.get_mut(&self.token) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn no_token_can_have_all_slots() {
        let slots = Slots::new("imports", 3, 8);
        let held: Vec<_> = (0..2).map(|_| slots.take("a").ok().unwrap()).collect();
        assert!(slots.take("a").is_err());
        let other = slots.take("b").ok().unwrap();
        assert!(slots.take("c").is_err(), "three in all");
        drop(other);
        let _third = slots.take("c").ok().unwrap();
        drop(held);
        assert!(slots.take("a").is_ok());
    }

    #[test]
    fn the_only_slot_is_for_everybody() {
        assert!(Slots::new("imports", 1, 2).take("a").is_ok());
    }
}
