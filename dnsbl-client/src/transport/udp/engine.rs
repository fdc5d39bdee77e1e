//! The state that questions share, at work: behind one lock, with a reader for each socket and one timer.
//!
//! The lock is held for the time of a table lookup or of reading one reply, never during a system
//! call but the one that fetches random numbers.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use tokio::{
    io::unix::AsyncFdReadyGuard,
    select,
    sync::{Notify, Semaphore, SemaphorePermit},
    task::AbortHandle,
    time::sleep_until,
};

use super::{
    descriptor::{self, Descriptor, INCOMING},
    ids::Random,
    pool::{Choice, SocketKey},
    slots::{SlotEvent, SlotKey},
    state::{Actions, Counts, State, Waiting},
    timing::Timing,
};
use crate::transport::{
    Question,
    message::{Datagram, Query},
};

/// How many questions may be asked over TCP at once.
const MAX_TCP: usize = 64;
/// Room for a reply, in octets; larger ones are cut, and then malformed.
const BUFFER: usize = 4096;
/// How many replies are read before others get their turn.
const BURST: usize = 256;

/// The state that questions share, and the tasks that serve it.
pub(super) struct Engine {
    locked: Mutex<Locked>,
    pub(super) timing: Timing,
    /// Tells the timer that something is due before it meant to wake.
    sooner: Notify,
    tcp: Semaphore,
}

struct Locked {
    state: State<Port>,
    has_timer: bool,
    timer: Option<AbortHandle>,
}

/// A socket and the task that reads it.
struct Port {
    descriptor: Descriptor,
    reader: Option<AbortHandle>,
}

/// A query that is about to leave.
pub(super) struct Outgoing {
    pub(super) key: SocketKey,
    pub(super) id: u16,
    pub(super) descriptor: Descriptor,
    pub(super) datagram: Datagram,
}

impl Engine {
    pub(super) fn new(max_in_flight: usize, timing: Timing) -> Self {
        let random = Random::of_system();
        let state = State::new(max_in_flight, timing.tick, random, Instant::now());
        Self {
            locked: Mutex::new(Locked { state, has_timer: false, timer: None }),
            timing,
            sooner: Notify::new(),
            tcp: Semaphore::new(MAX_TCP),
        }
    }

    /// A slot for a question; `None` if as many wait as may.
    pub(super) fn begin(&self, question: &Question, recursion: bool) -> Option<SlotKey> {
        self.lock().state.begin(question, recursion)
    }

    /// Chooses a socket, none of the `used` ones, and an id for a question, and opens the socket if need be.
    pub(super) fn expect(
        self: &Arc<Self>,
        server: SocketAddr,
        slot: SlotKey,
        used: &[(SocketKey, u16)],
    ) -> io::Result<Outgoing> {
        let mut locked = self.lock();
        let place = match locked.state.choose(server, used)? {
            Choice::Use(key) => return locked.expect(key, slot),
            Choice::Open(place) => place,
        };
        drop(locked);
        // Opening and spawning take their time, and spawning may even run what comes after.
        let descriptor = descriptor::open(server)?;
        let mut locked = self.lock();
        let port = Port { descriptor: descriptor.clone(), reader: None };
        let key = locked.state.add(server, place, port);
        let outgoing = locked.expect(key, slot);
        drop(locked);
        let reader = tokio::spawn(self.clone().read(key, descriptor.clone())).abort_handle();
        if let Some(port) = self.lock().port(key, &descriptor) {
            port.reader = Some(reader);
        }
        outgoing
    }

    /// What happened to a question, or who to wake when something does or the time is over: the second one of
    /// `times`, of which the first is the present or a little earlier.
    pub(super) fn poll(
        self: &Arc<Self>,
        slot: SlotKey,
        times: (Instant, Instant),
        context: &mut Context<'_>,
    ) -> Poll<SlotEvent> {
        let mut locked = self.lock();
        let sooner = match locked.state.poll(slot, times, context.waker()) {
            Waiting::Over(event) => return Poll::Ready(event),
            Waiting::Pending { sooner } => sooner,
        };
        let has_timer = std::mem::replace(&mut locked.has_timer, true);
        drop(locked);
        if !has_timer {
            let timer = tokio::spawn(self.clone().time()).abort_handle();
            self.lock().timer = Some(timer);
        } else if sooner {
            self.sooner.notify_one();
        }
        Poll::Pending
    }

    /// Leaves EDNS out of what is sent from now on.
    pub(super) fn drop_edns(&self, slot: SlotKey) {
        self.lock().state.drop_edns(slot);
    }

    /// Waits until a question may be asked over TCP.
    pub(super) async fn permit_tcp(&self) -> io::Result<SemaphorePermit<'_>> {
        self.tcp.acquire().await.map_err(io::Error::other)
    }

    /// The query of a question for TCP, and an id.
    pub(super) fn query_over_tcp(&self, slot: SlotKey) -> io::Result<(Query, u16)> {
        self.lock().state.query_over_tcp(slot)
    }

    /// Ends a question: late replies to what was sent for it are expected no more.
    pub(super) fn end(&self, slot: SlotKey, sent: &[(SocketKey, u16)]) {
        self.act(|state, actions| state.end(slot, sent, actions));
    }

    /// No more questions go to a server.
    pub(super) fn forget(&self, server: SocketAddr) {
        self.act(|state, actions| state.forget(server, actions));
    }

    /// Ends all tasks.
    pub(super) fn close(&self) {
        let mut locked = self.lock();
        let readers = locked.state.handles().filter_map(|port| port.reader.take());
        let mut tasks: Vec<AbortHandle> = readers.collect();
        tasks.extend(locked.timer.take());
        drop(locked);
        tasks.iter().for_each(AbortHandle::abort);
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().state.counts()
    }

    /// Reads the replies to one socket until nobody waits for more.
    async fn read(self: Arc<Self>, key: SocketKey, descriptor: Descriptor) {
        let reading = Reading { engine: self, key, descriptor };
        let (engine, descriptor) = (&reading.engine, &reading.descriptor);
        let mut buffer = [0; BUFFER];
        let mut actions = Actions::default();
        let age = sleep_until(tokio::time::Instant::now() + engine.timing.socket_age);
        tokio::pin!(age);
        loop {
            select! {
                biased;
                ready = descriptor.ready(INCOMING) => match ready {
                    Ok(ready) => engine.drain(key, ready, &mut buffer, &mut actions),
                    Err(_) => return,
                },
                () = &mut age => {
                    if !engine.lock().state.retire(key) {
                        return;
                    }
                    age.as_mut().reset(tokio::time::Instant::now() + engine.timing.socket_age);
                }
            }
        }
    }

    /// Reads what is there.
    fn drain(
        &self,
        key: SocketKey,
        mut ready: AsyncFdReadyGuard<'_, UdpSocket>,
        buffer: &mut [u8],
        actions: &mut Actions<Port>,
    ) {
        for _ in 0..BURST {
            match ready.get_inner().recv(buffer) {
                Ok(len) => self.lock().state.receive(key, &buffer[..len], actions),
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => {
                    ready.clear_ready();
                    break;
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                // What ICMP told; reading it takes it away.
                Err(_) => self.lock().state.unreachable(key, actions),
            }
            actions.run();
        }
    }

    /// Wakes those whose time is over.
    async fn time(self: Arc<Self>) {
        let guard = TimerGuard(self);
        let engine = &guard.0;
        loop {
            let next = engine.act(|state, actions| state.fire(Instant::now(), actions));
            match next {
                Some(next) => select! {
                    () = sleep_until(next.into()) => {}
                    () = engine.sooner.notified() => {}
                },
                None => engine.sooner.notified().await,
            }
        }
    }

    /// Changes the state, and does what follows from that once the lock is gone.
    fn act<R>(&self, change: impl FnOnce(&mut State<Port>, &mut Actions<Port>) -> R) -> R {
        let mut actions = Actions::default();
        let result = change(&mut self.lock().state, &mut actions);
        actions.run();
        result
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Locked {
    fn expect(&mut self, key: SocketKey, slot: SlotKey) -> io::Result<Outgoing> {
        let (port, id, datagram) = self.state.expect(key, slot)?;
        Ok(Outgoing { key, id, descriptor: port.descriptor.clone(), datagram })
    }

    /// The socket that has this name, if it is still this one.
    fn port(&mut self, key: SocketKey, descriptor: &Descriptor) -> Option<&mut Port> {
        self.state.handle(key).filter(|port| Arc::ptr_eq(&port.descriptor, descriptor))
    }
}

impl Actions<Port> {
    fn run(&mut self) {
        self.wake.drain(..).for_each(Waker::wake);
        for port in self.close.drain(..) {
            port.reader.iter().for_each(AbortHandle::abort);
        }
    }
}

/// Notices the end of a reader, however it comes.
struct Reading {
    engine: Arc<Engine>,
    key: SocketKey,
    descriptor: Descriptor,
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut locked = self.engine.lock();
        if locked.port(self.key, &self.descriptor).is_some() {
            let mut actions = Actions::default();
            locked.state.lose(self.key, &mut actions);
            drop(locked);
            actions.run();
        }
    }
}

/// Notices the end of the timer, which comes with its runtime: who waits starts another.
struct TimerGuard(Arc<Engine>);

impl Drop for TimerGuard {
    fn drop(&mut self) {
        self.0.lock().has_timer = false;
        self.0.act(State::wake_all);
    }
}
