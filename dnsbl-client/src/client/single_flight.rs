//! Work that is done once for all who ask for it at the same time.
//!
//! Who asks first leads: the work is part of its future, as if nobody else could ever want it. Who asks
//! for the same meanwhile follows, and gets a copy of the result. A leader that is dropped hands the work
//! over to a follower just as it is; without one the work is dropped.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    hash::Hash,
    mem,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;

/// The work itself.
pub(super) type Work<V> = Pin<Box<dyn Future<Output = V> + Send>>;

/// The work in flight, by key. It is locked for the time of a table lookup.
pub(super) struct SingleFlight<K, V> {
    in_flight: Mutex<InFlight<K, V>>,
}

struct InFlight<K, V> {
    /// Who follows each work; somebody leads it.
    followers: HashMap<K, Vec<oneshot::Sender<Handoff<V>>>>,
    coalesced: u64,
}

/// The message to a follower.
enum Handoff<V> {
    Result(V),
    /// It leads from now on.
    Lead(Work<V>),
}

/// A future of the result, for one of those who wait for it.
pub(super) struct Joined<'a, K: Eq + Hash, V: Clone> {
    of: &'a SingleFlight<K, V>,
    key: K,
    role: Role<V>,
}

enum Role<V> {
    Leader(Work<V>),
    Follower(oneshot::Receiver<Handoff<V>>),
    Done,
}

impl<K: Eq + Hash + Clone, V: Clone> SingleFlight<K, V> {
    pub(super) fn new() -> Self {
        Self { in_flight: Mutex::new(InFlight { followers: HashMap::new(), coalesced: 0 }) }
    }

    /// Joins the work for a key that is in flight, or leads what `start` gives, which may refuse.
    pub(super) fn join<E>(
        &self,
        key: K,
        start: impl FnOnce() -> Result<Work<V>, E>,
    ) -> Result<Joined<'_, K, V>, E> {
        let mut in_flight = self.lock();
        let InFlight { followers, coalesced } = &mut *in_flight;
        let role = match followers.entry(key.clone()) {
            Entry::Occupied(mut followers) => {
                let (tx, rx) = oneshot::channel();
                followers.get_mut().push(tx);
                *coalesced += 1;
                Role::Follower(rx)
            }
            Entry::Vacant(place) => {
                let work = start()?;
                place.insert(Vec::new());
                Role::Leader(work)
            }
        };
        Ok(Joined { of: self, key, role })
    }

    /// How many have followed so far.
    pub(super) fn coalesced(&self) -> u64 {
        self.lock().coalesced
    }
}

impl<K, V> SingleFlight<K, V> {
    fn lock(&self) -> MutexGuard<'_, InFlight<K, V>> {
        // Nothing between lock and unlock can leave it half changed.
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V: Clone> Joined<'_, K, V> {
    /// Whether the work is its own, so far.
    pub(super) fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Gives the result to the followers.
    fn complete(&self, result: &V) {
        let followers = self.of.lock().followers.remove(&self.key);
        for follower in followers.unwrap_or_default() {
            // It may have left.
            let _ = follower.send(Handoff::Result(result.clone()));
        }
    }

    /// Hands the work over to a follower that is still there.
    fn hand_over(&self, mut work: Work<V>) {
        while let Some(follower) = self.next_leader() {
            match follower.send(Handoff::Lead(work)) {
                Err(Handoff::Lead(back)) => work = back,
                _ => return,
            }
        }
    }

    /// A follower; forgets the work if there is none.
    fn next_leader(&self) -> Option<oneshot::Sender<Handoff<V>>> {
        let mut in_flight = self.of.lock();
        let follower = in_flight.followers.get_mut(&self.key)?.pop();
        if follower.is_none() {
            in_flight.followers.remove(&self.key);
        }
        follower
    }
}

impl<K: Eq + Hash + Unpin, V: Clone> Future for Joined<'_, K, V> {
    type Output = V;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<V> {
        let this = self.get_mut();
        if let Role::Follower(handoff) = &mut this.role {
            match ready!(Pin::new(handoff).poll(cx)) {
                Ok(Handoff::Lead(work)) => this.role = Role::Leader(work),
                Ok(Handoff::Result(result)) => {
                    this.role = Role::Done;
                    return Poll::Ready(result);
                }
                // A leader completes or hands over before it goes.
                Err(_) => return Poll::Pending,
            }
        }
        let Role::Leader(work) = &mut this.role else { return Poll::Pending };
        let result = ready!(work.as_mut().poll(cx));
        this.role = Role::Done;
        this.complete(&result);
        Poll::Ready(result)
    }
}

impl<K: Eq + Hash, V: Clone> Drop for Joined<'_, K, V> {
    fn drop(&mut self) {
        match mem::replace(&mut self.role, Role::Done) {
            Role::Leader(work) => self.hand_over(work),
            Role::Follower(mut handoff) => {
                // It may have been made the leader just now.
                handoff.close();
                if let Ok(Handoff::Lead(work)) = handoff.try_recv() {
                    self.hand_over(work);
                }
            }
            Role::Done => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        convert::Infallible,
        future::poll_fn,
        sync::{
            Arc, Mutex,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
        task::Poll,
    };

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::{Joined, SingleFlight, Work};

    /// Works that end when a test says so, and how many of them there are.
    #[derive(Clone, Default)]
    struct Works {
        results: Arc<Mutex<HashMap<u8, u32>>>,
        alive: Arc<AtomicUsize>,
        started: Arc<AtomicUsize>,
    }

    struct Alive(Arc<AtomicUsize>);

    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Relaxed);
        }
    }

    impl Works {
        fn start(&self, key: u8) -> Work<u32> {
            self.alive.fetch_add(1, Relaxed);
            self.started.fetch_add(1, Relaxed);
            let (alive, results) = (Alive(self.alive.clone()), self.results.clone());
            Box::pin(async move {
                let _alive = alive;
                poll_fn(|_| match results.lock().unwrap().get(&key) {
                    Some(result) => Poll::Ready(*result),
                    None => Poll::Pending,
                })
                .await
            })
        }

        fn join<'a>(&self, of: &'a SingleFlight<u8, u32>, key: u8) -> Joined<'a, u8, u32> {
            let joined = of.join(key, || Ok::<_, Infallible>(self.start(key)));
            joined.unwrap_or_else(|never| match never {})
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Join(u8),
        Poll(usize),
        Leave(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u8..3).prop_map(Step::Join),
            (0usize..20).prop_map(Step::Poll),
            (0usize..20).prop_map(Step::Leave),
        ]
    }

    #[test]
    fn work_that_is_refused_is_not_in_flight() {
        let (flight, works) = (SingleFlight::new(), Works::default());
        assert!(flight.join(1, || Err::<Work<u32>, _>("no")).is_err_and(|err| err == "no"));
        assert!(works.join(&flight, 1).is_leader());
    }

    #[test]
    fn a_result_is_not_kept() {
        let (flight, works) = (SingleFlight::new(), Works::default());
        works.results.lock().unwrap().insert(1, 7);
        for _ in 0..2 {
            assert_eq!(works.join(&flight, 1).now_or_never(), Some(7));
        }
        assert_eq!(works.started.load(Relaxed), 2);
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_there_is_one_work_a_key_and_all_who_stay_get_its_result(
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let (flight, works) = (SingleFlight::new(), Works::default());
            let mut joined: Vec<(u8, Joined<'_, u8, u32>)> = Vec::new();
            for step in steps {
                match step {
                    Step::Join(key) => joined.push((key, works.join(&flight, key))),
                    Step::Poll(i) => {
                        if let Some((_, joined)) = joined.get_mut(i) {
                            prop_assert_eq!(joined.now_or_never(), None);
                        }
                    }
                    Step::Leave(i) if i < joined.len() => drop(joined.swap_remove(i)),
                    Step::Leave(_) => {}
                }
                let mut keys: Vec<u8> = joined.iter().map(|(key, _)| *key).collect();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(works.alive.load(Relaxed), keys.len());
                prop_assert_eq!(flight.lock().followers.len(), keys.len());
            }
            works.results.lock().unwrap().extend((0..3).map(|key| (key, u32::from(key) + 100)));
            // The leader may be any of them.
            for _ in 0..2 {
                joined.retain_mut(|(key, joined)| match joined.now_or_never() {
                    Some(result) => {
                        assert_eq!(result, u32::from(*key) + 100);
                        false
                    }
                    None => true,
                });
            }
            prop_assert!(joined.is_empty());
            prop_assert_eq!((works.alive.load(Relaxed), flight.lock().followers.len()), (0, 0));
        }
    }
}
