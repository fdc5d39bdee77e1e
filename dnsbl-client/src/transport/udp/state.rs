//! What questions share: slots, sockets and one timer. Pure: octets and the time go in, [`Actions`] come out.
//!
//! Sockets are known by their handles `S`, on which only the engine acts.

use std::{
    io,
    net::SocketAddr,
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    ids::Random,
    pool::{Choice, Pools, SocketKey},
    slots::{SlotEvent, SlotKey, Slots},
    socket::MAX_MISMATCHES,
    wheel::Wheel,
};
use crate::transport::{
    Question,
    message::{self, Datagram, Query},
};

/// The counters of a [`Udp`](crate::Udp) since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Questions that wait for a reply now.
    pub in_flight: usize,
    /// Datagrams sent, repetitions included.
    pub sent: u64,
    /// Of these, repetitions.
    pub sent_again: u64,
    /// Questions asked over TCP.
    pub over_tcp: u64,
    /// Datagrams that came and replied to nothing that was asked: forged, or damaged on the way.
    pub mismatched: u64,
    /// Questions not sent, since [`Udp::MAX_IN_FLIGHT`](crate::Udp::MAX_IN_FLIGHT) others waited.
    pub shed: u64,
}

/// The state that questions share.
pub(super) struct State<S> {
    slots: Slots,
    pools: Pools<S>,
    random: Random,
    wheel: Wheel<SlotKey>,
    tick: Duration,
    began: Instant,
    /// When the timer wakes; `None` while it has no reason to.
    wakes: Option<u64>,
    counts: Counts,
}

/// The actions to take once the lock is gone.
pub(super) struct Actions<S> {
    pub(super) wake: Vec<Waker>,
    /// Sockets that nobody needs any more.
    pub(super) close: Vec<S>,
}

/// The state of a question that waits.
#[derive(Debug)]
pub(super) enum Waiting {
    Over(SlotEvent),
    /// It is woken; the timer must come sooner than it meant to, if so.
    Pending {
        sooner: bool,
    },
}

impl<S> Default for Actions<S> {
    fn default() -> Self {
        Self { wake: Vec::new(), close: Vec::new() }
    }
}

impl<S> State<S> {
    pub(super) fn new(
        max_in_flight: usize,
        tick: Duration,
        random: Random,
        began: Instant,
    ) -> Self {
        Self {
            slots: Slots::new(max_in_flight),
            pools: Pools::new(),
            random,
            wheel: Wheel::new(),
            tick,
            began,
            wakes: None,
            counts: Counts::default(),
        }
    }

    /// A slot for a question; `None` if as many wait as may.
    pub(super) fn begin(&mut self, question: &Question, recursion: bool) -> Option<SlotKey> {
        let ticket = self.slots.take(question, recursion);
        self.counts.shed += u64::from(ticket.is_none());
        ticket
    }

    /// Leaves EDNS out of what is sent from now on.
    pub(super) fn drop_edns(&mut self, ticket: SlotKey) {
        if let Some(slot) = self.slots.at(ticket) {
            slot.query.drop_edns();
        }
    }

    /// The query of a question, for another way than over UDP, with a number that nobody can guess.
    pub(super) fn query_over_tcp(&mut self, ticket: SlotKey) -> io::Result<(Query, u16)> {
        self.counts.over_tcp += 1;
        let query = self.slots.at(ticket).map(|slot| slot.query.clone()).unwrap_or_default();
        Ok((query, self.random.next()?))
    }

    /// Chooses a socket to send a question from, none of the `used` ones.
    pub(super) fn choose(
        &mut self,
        server: SocketAddr,
        used: &[(SocketKey, u16)],
    ) -> io::Result<Choice> {
        self.counts.sent += 1;
        self.counts.sent_again += u64::from(!used.is_empty());
        self.pools.choose(server, used, self.slots.in_use(), &mut self.random)
    }

    /// Adds a socket to the place that was chosen.
    pub(super) fn add(&mut self, server: SocketAddr, place: usize, handle: S) -> SocketKey {
        self.pools.put(server, place, handle)
    }

    /// The handle of a socket.
    pub(super) fn handle(&mut self, key: SocketKey) -> Option<&mut S> {
        self.pools.at(key).map(|socket| &mut socket.handle)
    }

    /// The handles of all sockets.
    pub(super) fn handles(&mut self) -> impl Iterator<Item = &mut S> {
        self.pools.all().map(|socket| &mut socket.handle)
    }

    /// Expects a reply at a socket; gives its handle, the id, and what to send.
    pub(super) fn expect(
        &mut self,
        key: SocketKey,
        ticket: SlotKey,
    ) -> io::Result<(&mut S, u16, Datagram)> {
        let socket = self.pools.at(key).ok_or(io::ErrorKind::NotConnected)?;
        let id = loop {
            let id = self.random.next()?;
            if socket.expect(id, ticket) {
                break id;
            }
        };
        if socket.is_used_up() {
            self.pools.retire(key);
        }
        let slot = self.slots.at(ticket).ok_or(io::ErrorKind::NotConnected)?;
        let datagram = slot.query.with_id(id);
        let socket = self.pools.at(key).ok_or(io::ErrorKind::NotConnected)?;
        Ok((&mut socket.handle, id, datagram))
    }

    /// Ends a question: late replies to what was sent for it are expected no more.
    pub(super) fn end(
        &mut self,
        ticket: SlotKey,
        sent: &[(SocketKey, u16)],
        actions: &mut Actions<S>,
    ) {
        self.slots.give_back(ticket);
        for &(key, id) in sent {
            if let Some(socket) = self.pools.at(key) {
                socket.give_up(id, ticket);
            }
            self.close_if_over(key, actions);
        }
    }

    /// What happened to a question; it is woken when something does, or at `until`.
    pub(super) fn poll(
        &mut self,
        ticket: SlotKey,
        (now, until): (Instant, Instant),
        waker: &Waker,
    ) -> Waiting {
        let due = self.tick_at(until).saturating_add(1);
        let Some(slot) = self.slots.at(ticket) else { return Waiting::Over(SlotEvent::Due) };
        if !slot.events.is_empty() {
            return Waiting::Over(slot.events.remove(0));
        }
        if std::mem::take(&mut slot.is_due) && slot.due == Some(due) {
            slot.due = None;
            return Waiting::Over(SlotEvent::Due);
        }
        slot.waker.get_or_insert_with(|| waker.clone()).clone_from(waker);
        if slot.due.replace(due) == Some(due) {
            return Waiting::Pending { sooner: false };
        }
        let comes = self.wheel.insert(due, ticket, self.tick_at(now));
        let sooner = self.wakes.is_none_or(|wakes| comes < wakes);
        if sooner {
            self.wakes = Some(comes);
        }
        Waiting::Pending { sooner }
    }

    /// Reads what came to a socket.
    pub(super) fn receive(&mut self, key: SocketKey, message: &[u8], actions: &mut Actions<S>) {
        if !self.is_expected(key, message, actions) {
            self.note_mismatch(key, actions);
        }
        self.close_if_over(key, actions);
    }

    /// The network says that a socket's server can't be reached.
    pub(super) fn unreachable(&mut self, key: SocketKey, actions: &mut Actions<S>) {
        self.fail_all(key, SlotEvent::Unreachable, actions);
    }

    /// A socket has been used long enough; gives whether anybody still waits there.
    pub(super) fn retire(&mut self, key: SocketKey) -> bool {
        self.pools.retire(key);
        self.pools.at(key).is_some_and(|socket| !socket.is_over())
    }

    /// Nobody reads a socket any more.
    pub(super) fn lose(&mut self, key: SocketKey, actions: &mut Actions<S>) {
        self.fail_all(key, |_| SlotEvent::Lost, actions);
        self.pools.remove(key);
    }

    /// No more questions go to a server.
    pub(super) fn forget(&mut self, server: SocketAddr, actions: &mut Actions<S>) {
        for key in self.pools.forget(server) {
            self.close_if_over(key, actions);
        }
    }

    /// Wakes all whose time is over; gives when to come again, if anybody waits.
    pub(super) fn fire(&mut self, now: Instant, actions: &mut Actions<S>) -> Option<Instant> {
        let now = self.tick_at(now);
        let mut early = Vec::new();
        let Self { wheel, slots, .. } = self;
        wheel.take(now, |ticket| {
            let Some(slot) = slots.at(ticket) else { return };
            match slot.due {
                Some(due) if due > now => early.push((ticket, due)),
                Some(_) => {
                    slot.is_due = true;
                    actions.wake.extend(slot.waker.take());
                }
                None => {}
            }
        });
        for (ticket, due) in early {
            wheel.insert(due, ticket, now);
        }
        self.wakes = self.wheel.first();
        self.wakes.map(|tick| self.began + self.tick * u32::try_from(tick).unwrap_or(u32::MAX))
    }

    /// Wakes all who wait.
    pub(super) fn wake_all(&mut self, actions: &mut Actions<S>) {
        actions.wake.extend(self.slots.wakers());
    }

    /// What was counted so far.
    pub(super) fn counts(&self) -> Counts {
        Counts { in_flight: self.slots.in_use(), ..self.counts }
    }

    /// Whether somebody is told of a message, or it replies to what nobody waits for any more.
    fn is_expected(&mut self, key: SocketKey, message: &[u8], actions: &mut Actions<S>) -> bool {
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
        let event = SlotEvent::Reply(socket.server, reply);
        actions.wake.extend(self.slots.deliver(ticket, event));
        true
    }

    fn note_mismatch(&mut self, key: SocketKey, actions: &mut Actions<S>) {
        self.counts.mismatched += 1;
        let Some(socket) = self.pools.at(key) else { return };
        socket.mismatches += 1;
        if socket.mismatches > MAX_MISMATCHES {
            self.pools.retire(key);
            self.fail_all(key, SlotEvent::Suspect, actions);
        }
    }

    /// Tells all who wait at a socket that they wait there in vain.
    fn fail_all(
        &mut self,
        key: SocketKey,
        event: impl Fn(SocketAddr) -> SlotEvent,
        actions: &mut Actions<S>,
    ) {
        let Some(socket) = self.pools.at(key) else { return };
        let server = socket.server;
        for ticket in socket.give_up_all() {
            actions.wake.extend(self.slots.deliver(ticket, event(server)));
        }
    }

    /// Removes a socket that nobody needs.
    fn close_if_over(&mut self, key: SocketKey, actions: &mut Actions<S>) {
        if self.pools.at(key).is_some_and(|socket| socket.is_over()) {
            actions.close.extend(self.pools.remove(key).map(|socket| socket.handle));
        }
    }

    fn tick_at(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.began).as_micros() / self.tick.as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        task::Waker,
        time::{Duration, Instant},
    };

    use super::{Actions, Choice, MAX_MISMATCHES, SlotEvent, SlotKey, State, Waiting};
    use crate::{
        QueryType, Question,
        transport::{
            message::Reply,
            udp::{ids::Random, pool::SocketKey},
        },
    };

    const TICK: Duration = Duration::from_millis(4);
    const WAIT: Duration = Duration::from_millis(400);

    /// A network of one server whose sockets are numbers.
    struct Net {
        state: State<u32>,
        actions: Actions<u32>,
        now: Instant,
        opened: u32,
    }

    impl Net {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                state: State::new(100, TICK, Random::of_system(), now),
                actions: Actions::default(),
                now,
                opened: 0,
            }
        }

        fn server(&self) -> SocketAddr {
            "192.0.2.1:53".parse().unwrap()
        }

        fn begin(&mut self) -> SlotKey {
            let name = "2.0.0.127.bl.example".parse().unwrap();
            self.state.begin(&Question { name, rtype: QueryType::A }, true).unwrap()
        }

        /// Sends the question; gives where, the id and the datagram.
        fn send(&mut self, ticket: SlotKey) -> (SocketKey, u16, Vec<u8>) {
            let server = self.server();
            let key = match self.state.choose(server, &[]).unwrap() {
                Choice::Use(key) => key,
                Choice::Open(place) => {
                    self.opened += 1;
                    self.state.add(server, place, self.opened)
                }
            };
            let (_, id, datagram) = self.state.expect(key, ticket).unwrap();
            (key, id, datagram.to_vec())
        }

        fn poll(&mut self, ticket: SlotKey, until: Instant) -> Waiting {
            self.state.poll(ticket, (self.now, until), Waker::noop())
        }

        fn is_due(&mut self, ticket: SlotKey, until: Instant) -> bool {
            match self.poll(ticket, until) {
                Waiting::Over(SlotEvent::Due) => true,
                Waiting::Over(other) => panic!("{other:?}"),
                Waiting::Pending { .. } => false,
            }
        }

        /// The answer "no such name" to a query.
        fn denial(datagram: &[u8]) -> Vec<u8> {
            let mut reply = datagram.to_vec();
            (reply[2], reply[3]) = (0x80, 3);
            reply
        }
    }

    #[test]
    fn a_reply_wakes_who_waits_for_it_and_a_second_one_nobody() {
        let mut net = Net::new();
        let ticket = net.begin();
        let (key, id, datagram) = net.send(ticket);
        let until = net.now + WAIT;
        assert!(!net.is_due(ticket, until));
        let reply = Net::denial(&datagram);
        net.state.receive(key, &reply, &mut net.actions);
        assert_eq!(net.actions.wake.len(), 1);
        let event = net.poll(ticket, until);
        let Waiting::Over(SlotEvent::Reply(from, Reply::Complete(answer))) = event else {
            panic!("{event:?}")
        };
        assert_eq!((from, answer.rcode), (net.server(), 3));
        net.state.receive(key, &reply, &mut net.actions);
        net.state.end(ticket, &[(key, id)], &mut net.actions);
        net.state.receive(key, &reply, &mut net.actions);
        assert_eq!((net.state.counts().mismatched, net.state.counts().in_flight), (0, 0));
    }

    #[test]
    fn nothing_is_due_before_its_time_nor_more_than_a_tick_later() {
        for wait in [1, 30, 399, 400, 1500, 3000].map(Duration::from_millis) {
            let mut net = Net::new();
            let (ticket, until) = (net.begin(), net.now + wait);
            net.send(ticket);
            assert!(matches!(net.poll(ticket, until), Waiting::Pending { sooner: true }));
            while let Some(next) = net.state.fire(net.now, &mut net.actions) {
                assert!(!net.is_due(ticket, until), "{wait:?}");
                assert!(next > net.now);
                net.now = next;
            }
            assert!(net.is_due(ticket, until), "{wait:?}");
            assert!(net.now >= until && net.now <= until + TICK, "{wait:?}");
        }
    }

    #[test]
    fn the_timer_comes_sooner_for_who_waits_less() {
        let mut net = Net::new();
        let tickets = [net.begin(), net.begin(), net.begin()];
        let sooner = [WAIT, WAIT * 2, WAIT / 2].map(|wait| net.now + wait);
        let found: Vec<bool> = tickets
            .into_iter()
            .zip(sooner)
            .map(|(ticket, until)| {
                matches!(net.poll(ticket, until), Waiting::Pending { sooner: true })
            })
            .collect();
        assert_eq!(found, [true, false, true]);
    }

    #[test]
    fn case_43_a_guesser_makes_a_port_suspect_and_it_is_used_no_more() {
        let mut net = Net::new();
        let ticket = net.begin();
        let (key, id, datagram) = net.send(ticket);
        for i in 0..=u16::try_from(MAX_MISMATCHES).unwrap() {
            let mut guess = Net::denial(&datagram);
            guess[..2].copy_from_slice(&id.wrapping_add(i + 1).to_be_bytes());
            net.state.receive(key, &guess, &mut net.actions);
        }
        let until = net.now + WAIT;
        assert!(matches!(net.poll(ticket, until), Waiting::Over(SlotEvent::Suspect(_))));
        assert_eq!(net.actions.close, [1]);
        net.send(ticket);
        assert_eq!(net.opened, 2);
    }

    #[test]
    fn who_waits_at_a_server_that_is_not_there_is_told() {
        let mut net = Net::new();
        let tickets = [net.begin(), net.begin()];
        let keys = tickets.map(|ticket| net.send(ticket).0);
        for key in keys {
            net.state.unreachable(key, &mut net.actions);
        }
        let until = net.now + WAIT;
        for ticket in tickets {
            assert!(matches!(net.poll(ticket, until), Waiting::Over(SlotEvent::Unreachable(_))));
        }
    }

    #[test]
    fn case_40_more_questions_than_may_wait_are_shed() {
        let mut net = Net::new();
        let tickets: Vec<SlotKey> = (0..100).map(|_| net.begin()).collect();
        let name = "bl.example".parse().unwrap();
        let question = Question { name, rtype: QueryType::A };
        assert_eq!(net.state.begin(&question, true), None);
        net.state.end(tickets[0], &[], &mut net.actions);
        assert!(net.state.begin(&question, true).is_some());
        assert_eq!((net.state.counts().shed, net.state.counts().in_flight), (1, 100));
    }
}
