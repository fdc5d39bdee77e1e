//! What waits to be posted.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

/// What is posted, one by one.
pub(crate) trait Posting: Clone + 'static {
    /// What many of it are called, in the log.
    const NAME: &'static str;

    /// What tells those apart that can't become one.
    type Key: Clone + Eq + Hash;

    /// What it is about.
    fn key(&self) -> Self::Key;

    /// When what it tells was.
    fn at(&self) -> Timestamp;

    /// Becomes one with another one of the same key.
    fn unite(&mut self, other: Self);

    /// As the API takes it, for a zone or for the one that the server has for such.
    fn body<'a>(&'a self, zone: Option<&'a str>) -> impl Serialize + 'a;
}

/// A queue in which each key is once at most.
///
/// What has waited too long is not given out: it would be of no use any more.
#[derive(Debug)]
pub(super) struct Queue<P: Posting> {
    /// By key; those whose turn comes first stand first.
    order: VecDeque<P::Key>,
    waiting: HashMap<P::Key, P>,
    limits: QueueLimits,
    dropped: u64,
}

/// How much waits, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// How many; at least 1.
    pub(crate) length: usize,
    /// Since what they tell was.
    pub(crate) age: Duration,
}

impl<P: Posting> Queue<P> {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { order: VecDeque::new(), waiting: HashMap::new(), limits, dropped: 0 }
    }

    /// Takes one. Where the queue is full, the one whose turn would be next goes: it is the oldest.
    pub(super) fn push(&mut self, new: P) {
        let key = new.key();
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.unite(new);
            return;
        }
        if self.order.len() >= self.limits.length {
            self.take_first();
            self.dropped += 1;
        }
        self.order.push_back(key.clone());
        self.waiting.insert(key, new);
    }

    /// Takes one back that could not be posted; it is the next again.
    pub(super) fn push_back(&mut self, old: P) {
        let key = old.key();
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.unite(old);
            return;
        }
        if self.order.len() >= self.limits.length {
            self.dropped += 1;
            return;
        }
        self.order.push_front(key.clone());
        self.waiting.insert(key, old);
    }

    /// The next that is not too old.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<P> {
        while let Some(next) = self.take_first() {
            if next.at().duration_since(now).unsigned_abs() <= self.limits.age {
                return Some(next);
            }
            self.dropped += 1;
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// How many were dropped because they were too old or too many, since it was asked last.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    fn take_first(&mut self) -> Option<P> {
        self.order.pop_front().and_then(|key| self.waiting.remove(&key))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde::Serialize;

    use super::{Posting, Queue, QueueLimits};

    /// A user who did something at a second.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Deed(&'static str, i64);

    impl Posting for Deed {
        const NAME: &'static str = "deeds";
        type Key = &'static str;

        fn key(&self) -> &'static str {
            self.0
        }

        fn at(&self) -> Timestamp {
            at(self.1)
        }

        fn unite(&mut self, other: Self) {
            self.1 = self.1.max(other.1);
        }

        fn body<'a>(&'a self, _zone: Option<&'a str>) -> impl Serialize + 'a {
            self.0
        }
    }

    fn queue() -> Queue<Deed> {
        Queue::new(QueueLimits { length: 3, age: Duration::from_secs(60) })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn users(queue: &mut Queue<Deed>, second: i64) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop(at(second)).map(|next| next.0)).collect()
    }

    #[test]
    fn they_come_out_in_order() {
        let mut queue = queue();
        ["a", "b", "c"].into_iter().for_each(|user| queue.push(Deed(user, 0)));
        assert_eq!(users(&mut queue, 0), ["a", "b", "c"]);
        assert_eq!((queue.is_empty(), queue.take_dropped()), (true, 0));
    }

    #[test]
    fn of_a_key_one_waits_in_the_place_of_the_first() {
        let mut queue = queue();
        for deed in [Deed("a", 0), Deed("b", 0), Deed("a", 5), Deed("a", 3)] {
            queue.push(deed);
        }
        assert_eq!(queue.pop(at(5)), Some(Deed("a", 5)));
        assert_eq!(users(&mut queue, 5), ["b"]);
    }

    #[test]
    fn the_first_goes_when_there_are_too_many() {
        let mut queue = queue();
        ["a", "b", "c", "d"].into_iter().for_each(|user| queue.push(Deed(user, 0)));
        assert_eq!(users(&mut queue, 0), ["b", "c", "d"]);
        assert_eq!(queue.take_dropped(), 1);
        assert_eq!(queue.take_dropped(), 0);
    }

    #[test]
    fn what_waited_too_long_is_dropped() {
        let mut queue = queue();
        queue.push(Deed("a", 0));
        queue.push(Deed("b", 1));
        assert_eq!(users(&mut queue, 61), ["b"]);
        assert_eq!(queue.take_dropped(), 1);
    }

    #[test]
    fn what_could_not_be_posted_is_next_again_and_one_with_a_newer_one() {
        let mut queue = queue();
        queue.push(Deed("a", 0));
        queue.push(Deed("b", 0));
        let first = queue.pop(at(0)).unwrap();
        queue.push_back(first.clone());
        assert_eq!(queue.pop(at(0)), Some(first.clone()));
        queue.push(Deed("a", 2));
        queue.push_back(first.clone());
        assert_eq!(queue.pop(at(2)), Some(Deed("b", 0)));
        assert_eq!(queue.pop(at(2)), Some(Deed("a", 2)));
        ["c", "d", "e"].into_iter().for_each(|user| queue.push(Deed(user, 0)));
        queue.push_back(first);
        assert_eq!(users(&mut queue, 2), ["c", "d", "e"]);
        assert_eq!(queue.take_dropped(), 1);
    }
}
