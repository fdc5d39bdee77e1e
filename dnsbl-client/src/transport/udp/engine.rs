//! What questions share: slots, sockets and one timer.
//!
//! All of it is behind one lock, which is held for the time of a table lookup or of reading one
//! reply, never during a system call but the one that fetches random numbers.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, Semaphore},
    task::AbortHandle,
};

use super::{
    Counts,
    ids::Random,
    pool::{Choice, Pools, SocketKey},
    slots::{Event, Slots, Ticket},
    socket::{self, Descriptor, MAX_MISMATCHES},
    tasks,
    wheel::Wheel,
};
use crate::transport::{
    Question,
    message::{self, Datagram, Query},
};

/// How fine time is cut: nothing is later than this and what the runtime adds, about 1 ms.
const TICK: Duration = Duration::from_millis(4);
/// How many questions may be asked over TCP at once.
const MAX_TCP: usize = 64;

/// The shared state.
pub(super) struct Engine {
    state: Mutex<State>,
    began: Instant,
    /// Tells the timer that something is due before it meant to wake.
    pub(super) sooner: Notify,
    /// Permits for TCP.
    pub(super) tcp: Semaphore,
}

/// A query that is about to leave.
pub(super) struct Expected {
    pub(super) key: SocketKey,
    pub(super) id: u16,
    pub(super) fd: Descriptor,
    pub(super) datagram: Datagram,
}

struct State {
    slots: Slots,
    pools: Pools,
    random: Random,
    wheel: Wheel<Ticket>,
    /// When the timer wakes; `None` while it has no reason to.
    wakes: Option<u64>,
    has_timer: bool,
    timer: Option<AbortHandle>,
    counts: Counts,
}

impl Engine {
    pub(super) fn new(max_in_flight: usize) -> Self {
        let state = State {
            slots: Slots::new(max_in_flight),
            pools: Pools::default(),
            random: Random::new(),
            wheel: Wheel::new(),
            wakes: None,
            has_timer: false,
            timer: None,
            counts: Counts::default(),
        };
        Self {
            state: Mutex::new(state),
            began: Instant::now(),
            sooner: Notify::new(),
            tcp: Semaphore::new(MAX_TCP),
        }
    }

    /// A slot for a question; `None` if as many wait as may.
    pub(super) fn begin(&self, question: &Question, recursion: bool) -> Option<Ticket> {
        let mut state = self.lock();
        let ticket = state.slots.take(question, recursion);
        state.counts.shed += u64::from(ticket.is_none());
        ticket
    }

    /// Leaves EDNS out of what is sent from now on; gives whether it was in.
    pub(super) fn drop_edns(&self, ticket: Ticket) -> bool {
        self.lock().slots.at(ticket).is_some_and(|slot| slot.query.drop_edns())
    }

    /// The query of a question, for another way than a socket of the pool.
    pub(super) fn query(&self, ticket: Ticket) -> Query {
        self.lock().slots.at(ticket).map(|slot| slot.query.clone()).unwrap_or_default()
    }

    /// Ends a question: late replies to what was sent for it are expected no more.
    pub(super) fn end(&self, ticket: Ticket, sent: &[(SocketKey, u16)]) {
        let mut over = Vec::new();
        let mut state = self.lock();
        state.slots.give_back(ticket);
        for &(key, id) in sent {
            if let Some(socket) = state.pools.at(key) {
                socket.give_up(id, ticket);
            }
            over.extend(state.close_if_over(key));
        }
        drop(state);
        over.iter().for_each(AbortHandle::abort);
    }

    /// Chooses a socket, none of the `used` ones, and an id for a question, and opens the socket if need be.
    pub(super) fn expect(
        self: &Arc<Self>,
        server: SocketAddr,
        ticket: Ticket,
        used: &[(SocketKey, u16)],
    ) -> io::Result<Expected> {
        let mut state = self.lock();
        let place = match state.choose(server, used)? {
            Choice::Use(key) => return state.expect(key, ticket),
            Choice::Open(place) => place,
        };
        drop(state);
        // Opening and spawning take their time, and spawning may even run what comes after.
        let fd = socket::open(server)?;
        let mut state = self.lock();
        let key = state.pools.put(server, place, fd.clone());
        let expected = state.expect(key, ticket);
        drop(state);
        let reader = tokio::spawn(tasks::read(self.clone(), key, fd.clone())).abort_handle();
        if let Some(socket) = self.lock().pools.at(key)
            && Arc::ptr_eq(&socket.fd, &fd)
        {
            socket.reader = Some(reader);
        }
        expected
    }

    /// What happened to a question, or who to wake when something does or the time is over.
    pub(super) fn poll(
        self: &Arc<Self>,
        ticket: Ticket,
        until: Instant,
        context: &mut Context<'_>,
    ) -> Poll<Event> {
        let mut state = self.lock();
        let Some(slot) = state.slots.at(ticket) else { return Poll::Ready(Event::Due) };
        if !slot.events.is_empty() {
            return Poll::Ready(slot.events.remove(0));
        }
        let due = self.tick_after(until);
        if std::mem::take(&mut slot.is_due) && slot.due == Some(due) {
            slot.due = None;
            return Poll::Ready(Event::Due);
        }
        slot.waker.get_or_insert_with(|| context.waker().clone()).clone_from(context.waker());
        let is_sooner = state.note_due(ticket, due, || self.tick_before(Instant::now()));
        let has_timer = std::mem::replace(&mut state.has_timer, true);
        drop(state);
        if !has_timer {
            let timer = tokio::spawn(tasks::time(self.clone())).abort_handle();
            self.lock().timer = Some(timer);
        } else if is_sooner {
            self.sooner.notify_one();
        }
        Poll::Pending
    }

    /// Reads what came to a socket. Who is to be woken is added to `wakers`.
    pub(super) fn receive(&self, key: SocketKey, message: &[u8], wakers: &mut Vec<Waker>) {
        let over = {
            let mut state = self.lock();
            if !state.receive(key, message, wakers) {
                state.note_mismatch(key, wakers);
            }
            state.close_if_over(key)
        };
        if let Some(reader) = over {
            reader.abort();
        }
    }

    /// The network says that a socket's server can't be reached.
    pub(super) fn unreachable(&self, key: SocketKey, wakers: &mut Vec<Waker>) {
        let mut state = self.lock();
        state.tell_all(key, Event::Unreachable, wakers);
    }

    /// A socket has been used long enough; gives whether anybody still waits there.
    pub(super) fn retire(&self, key: SocketKey) -> bool {
        let mut state = self.lock();
        state.pools.retire(key);
        state.pools.at(key).is_some_and(|socket| !socket.is_over())
    }

    /// Nobody reads a socket any more.
    pub(super) fn lose(&self, key: SocketKey, fd: &Descriptor) {
        let mut wakers = Vec::new();
        let mut state = self.lock();
        if state.pools.at(key).is_some_and(|socket| Arc::ptr_eq(&socket.fd, fd)) {
            state.tell_all(key, |_| Event::Lost, &mut wakers);
            state.pools.remove(key);
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// No more questions go to a server.
    pub(super) fn forget(&self, server: SocketAddr) {
        let mut state = self.lock();
        let keys = state.pools.forget(server);
        let over: Vec<_> = keys.into_iter().filter_map(|key| state.close_if_over(key)).collect();
        drop(state);
        over.iter().for_each(AbortHandle::abort);
    }

    /// Wakes all whose time is over; gives when to come again, if anybody waits.
    pub(super) fn fire(&self) -> Option<Instant> {
        let mut wakers = Vec::new();
        let mut state = self.lock();
        let now = self.tick_before(Instant::now());
        state.fire(now, &mut wakers);
        state.wakes = state.wheel.first();
        let next = state.wakes;
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        next.map(|tick| self.began + TICK * u32::try_from(tick).unwrap_or(u32::MAX))
    }

    /// The timer has ended with its runtime: who waits starts another.
    pub(super) fn lose_timer(&self) {
        let mut state = self.lock();
        state.has_timer = false;
        let wakers = state.slots.wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends all tasks.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let keys = state.pools.keys();
        let readers = keys.into_iter().filter_map(|key| state.pools.at(key)?.reader.take());
        let mut tasks: Vec<AbortHandle> = readers.collect();
        tasks.extend(state.timer.take());
        drop(state);
        tasks.iter().for_each(AbortHandle::abort);
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts { in_flight: state.slots.in_use(), ..state.counts }
    }

    /// Counts something.
    pub(super) fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.lock().counts);
    }

    /// A number that nobody can guess.
    pub(super) fn random(&self) -> io::Result<u16> {
        self.lock().random.next()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick_before(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.began).as_micros() / TICK.as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn tick_after(&self, at: Instant) -> u64 {
        self.tick_before(at).saturating_add(1)
    }
}

impl State {
    fn choose(&mut self, server: SocketAddr, used: &[(SocketKey, u16)]) -> io::Result<Choice> {
        self.counts.sent += 1;
        self.counts.sent_again += u64::from(!used.is_empty());
        self.pools.choose(server, used, self.slots.in_use(), &mut self.random)
    }

    fn expect(&mut self, key: SocketKey, ticket: Ticket) -> io::Result<Expected> {
        let socket = self.pools.at(key).ok_or(io::ErrorKind::NotConnected)?;
        let id = loop {
            let id = self.random.next()?;
            if socket.expect(id, ticket) {
                break id;
            }
        };
        let fd = socket.fd.clone();
        if socket.is_used_up() {
            self.pools.retire(key);
        }
        let slot = self.slots.at(ticket).ok_or(io::ErrorKind::NotConnected)?;
        Ok(Expected { key, id, fd, datagram: slot.query.with_id(id) })
    }

    /// Whether it was expected.
    fn receive(&mut self, key: SocketKey, message: &[u8], wakers: &mut Vec<Waker>) -> bool {
        let Some(socket) = self.pools.at(key) else { return true };
        let Some(id) = message::id(message) else { return false };
        let ticket = match socket.waiting(id) {
            Some(Some(ticket)) => ticket,
            // A second reply, or a late one.
            Some(None) => return true,
            None => return false,
        };
        let Some(slot) = self.slots.at(ticket) else { return true };
        let Some(reply) = message::read(message, slot.query.question()) else { return false };
        socket.give_up(id, ticket);
        let event = Event::Reply(socket.server, reply);
        wakers.extend(self.slots.tell(ticket, event));
        true
    }

    fn note_mismatch(&mut self, key: SocketKey, wakers: &mut Vec<Waker>) {
        self.counts.mismatched += 1;
        let Some(socket) = self.pools.at(key) else { return };
        socket.mismatches += 1;
        if socket.mismatches > MAX_MISMATCHES {
            self.pools.retire(key);
            self.tell_all(key, Event::Suspect, wakers);
        }
    }

    /// Tells all who wait at a socket that they wait there in vain.
    fn tell_all(
        &mut self,
        key: SocketKey,
        event: impl Fn(SocketAddr) -> Event,
        wakers: &mut Vec<Waker>,
    ) {
        let Some(socket) = self.pools.at(key) else { return };
        let server = socket.server;
        for ticket in socket.give_up_all() {
            wakers.extend(self.slots.tell(ticket, event(server)));
        }
    }

    /// Removes a socket that nobody needs; gives its reader, to be ended.
    fn close_if_over(&mut self, key: SocketKey) -> Option<AbortHandle> {
        if !self.pools.at(key)?.is_over() {
            return None;
        }
        self.pools.remove(key)?.reader
    }

    /// Puts a time into the wheel, unless it is there; gives whether the timer must know.
    fn note_due(&mut self, ticket: Ticket, due: u64, now: impl Fn() -> u64) -> bool {
        let Some(slot) = self.slots.at(ticket) else { return false };
        if slot.due.replace(due) == Some(due) {
            return false;
        }
        let comes = self.wheel.insert(due, ticket, now);
        let is_sooner = self.wakes.is_none_or(|wakes| comes < wakes);
        if is_sooner {
            self.wakes = Some(comes);
        }
        is_sooner
    }

    fn fire(&mut self, now: u64, wakers: &mut Vec<Waker>) {
        let mut early = Vec::new();
        let Self { wheel, slots, .. } = self;
        wheel.take(now, |ticket| {
            let Some(slot) = slots.at(ticket) else { return };
            match slot.due {
                Some(due) if due > now => early.push((ticket, due)),
                Some(_) => {
                    slot.is_due = true;
                    wakers.extend(slot.waker.take());
                }
                None => {}
            }
        });
        for (ticket, due) in early {
            self.wheel.insert(due, ticket, || now);
        }
    }
}
