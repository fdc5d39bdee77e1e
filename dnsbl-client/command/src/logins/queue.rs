//! The logins that wait to be posted.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use jiff::Timestamp;

use super::parse::{Login, User};

/// A login that waits, and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) login: Login,
    pub(super) at: Timestamp,
}

/// What a grant is given for: a further login of the same user from the same address only renews it.
type Key = (User, IpAddr);

/// A queue of logins in which each user is at most once from each address, with the newest login.
///
/// What has waited too long is not given out: the grant would begin when nobody logs in.
#[derive(Debug)]
pub(super) struct Queue {
    /// By key; those whose turn comes first stand first.
    order: VecDeque<Key>,
    waiting: HashMap<Key, Waiting>,
    limits: QueueLimits,
    dropped: u64,
}

/// How much waits, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueLimits {
    /// Logins; at least 1.
    pub(super) length: usize,
    /// Since they were.
    pub(super) age: Duration,
}

impl Queue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { order: VecDeque::new(), waiting: HashMap::new(), limits, dropped: 0 }
    }

    /// Takes a login. Where the queue is full, the one whose turn would be next goes: it is the oldest.
    pub(super) fn push(&mut self, new: Waiting) {
        let key = (new.login.user.clone(), new.login.address);
        if let Some(waiting) = self.waiting.get_mut(&key) {
            if waiting.at <= new.at {
                *waiting = new;
            }
            return;
        }
        if self.order.len() >= self.limits.length {
            self.take_first();
            self.dropped += 1;
        }
        self.order.push_back(key.clone());
        self.waiting.insert(key, new);
    }

    /// Takes a login back that could not be posted; it is the next again, unless there is a newer one.
    pub(super) fn push_back(&mut self, old: Waiting) {
        let key = (old.login.user.clone(), old.login.address);
        if self.waiting.contains_key(&key) {
            return;
        }
        if self.order.len() >= self.limits.length {
            self.dropped += 1;
            return;
        }
        self.order.push_front(key.clone());
        self.waiting.insert(key, old);
    }

    /// The next login that is not too old.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Waiting> {
        while let Some(next) = self.take_first() {
            if next.at.duration_since(now).unsigned_abs() <= self.limits.age {
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

    fn take_first(&mut self) -> Option<Waiting> {
        self.order.pop_front().and_then(|key| self.waiting.remove(&key))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Queue, QueueLimits, Waiting};
    use crate::logins::parse::{Format, LogLine};

    fn queue() -> Queue {
        Queue::new(QueueLimits { length: 3, age: Duration::from_secs(60) })
    }

    fn login(user: &str, service: &str, second: i64) -> Waiting {
        let line = format!("{service}d: LOGIN, user={user}, ip=[192.0.2.55]");
        let login = Format::Auto.login(&LogLine::parse(&line).unwrap()).unwrap();
        Waiting { login, at: at(second) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn users(queue: &mut Queue, second: i64) -> Vec<String> {
        let next = || queue.pop(at(second)).map(|next| next.login.user.as_str().to_owned());
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn logins_come_out_in_order() {
        let mut queue = queue();
        ["a", "b", "c"].into_iter().for_each(|user| queue.push(login(user, "imap", 0)));
        assert_eq!(users(&mut queue, 0), ["a", "b", "c"]);
        assert_eq!((queue.is_empty(), queue.take_dropped()), (true, 0));
    }

    #[test]
    fn of_a_user_at_an_address_the_newest_waits_in_the_place_of_the_first() {
        let mut queue = queue();
        queue.push(login("a", "imap", 0));
        queue.push(login("b", "imap", 0));
        queue.push(login("a", "pop3", 5));
        queue.push(login("a", "imap", 3));
        assert_eq!(queue.pop(at(5)), Some(login("a", "pop3", 5)));
        assert_eq!(users(&mut queue, 5), ["b"]);
    }

    #[test]
    fn the_first_goes_when_there_are_too_many() {
        let mut queue = queue();
        ["a", "b", "c", "d"].into_iter().for_each(|user| queue.push(login(user, "imap", 0)));
        assert_eq!(users(&mut queue, 0), ["b", "c", "d"]);
        assert_eq!(queue.take_dropped(), 1);
        assert_eq!(queue.take_dropped(), 0);
    }

    #[test]
    fn what_waited_too_long_is_dropped() {
        let mut queue = queue();
        queue.push(login("a", "imap", 0));
        queue.push(login("b", "imap", 1));
        assert_eq!(users(&mut queue, 61), ["b"]);
        assert_eq!(queue.take_dropped(), 1);
    }

    #[test]
    fn what_could_not_be_posted_is_next_again_unless_there_is_a_newer_one() {
        let mut queue = queue();
        queue.push(login("a", "imap", 0));
        queue.push(login("b", "imap", 0));
        let first = queue.pop(at(0)).unwrap();
        queue.push_back(first.clone());
        assert_eq!(queue.pop(at(0)), Some(first.clone()));
        queue.push(login("a", "imap", 2));
        queue.push_back(first.clone());
        assert_eq!(queue.pop(at(2)).unwrap().login.user.as_str(), "b");
        assert_eq!(queue.pop(at(2)), Some(login("a", "imap", 2)));
        ["c", "d", "e"].into_iter().for_each(|user| queue.push(login(user, "imap", 0)));
        queue.push_back(first);
        assert_eq!(users(&mut queue, 2), ["c", "d", "e"]);
        assert_eq!(queue.take_dropped(), 1);
    }
}
