//! Which socket the next question goes out of.

use std::{io, net::SocketAddr};

use super::{ids::Random, socket::Socket};

/// Names a socket. It may name another one later; ids tell them apart.
pub(super) type SocketKey = u32;

/// How many sockets a server has at least, once it is busy.
const MIN_PLACES: usize = 8;
/// How many it has at most.
const MAX_PLACES: usize = 128;
/// How many questions may wait for each: their replies should fit a receive buffer.
const PER_PLACE: usize = 128;
/// How many questions in a row go out of one socket. Replies that come together are then read
/// together; a guesser still has to know which port it is.
const RUN: u32 = 16;

/// All sockets.
pub(super) struct Pools<S> {
    sockets: Vec<Option<Socket<S>>>,
    free: Vec<SocketKey>,
    pools: Vec<Pool>,
}

/// The sockets of one server that questions may go out of.
struct Pool {
    server: SocketAddr,
    places: Vec<Option<SocketKey>>,
    current: usize,
    /// How many more questions go out of the current one.
    run: u32,
}

/// A socket to use.
pub(super) enum Choice {
    Use(SocketKey),
    /// The place is empty: one must be opened and put there.
    Open(usize),
}

impl<S> Pools<S> {
    pub(super) fn new() -> Self {
        Self { sockets: Vec::new(), free: Vec::new(), pools: Vec::new() }
    }

    pub(super) fn at(&mut self, key: SocketKey) -> Option<&mut Socket<S>> {
        self.sockets.get_mut(key as usize)?.as_mut()
    }

    /// Chooses a socket at random: every now and then, and for what was sent before, which goes out of
    /// none of the `used` ones.
    pub(super) fn choose(
        &mut self,
        server: SocketAddr,
        used: &[(SocketKey, u16)],
        in_flight: usize,
        random: &mut Random,
    ) -> io::Result<Choice> {
        let places = (in_flight / PER_PLACE).clamp(MIN_PLACES, MAX_PLACES);
        let pool = self.pool(server);
        if pool.places.len() < places {
            pool.places.resize(places, None);
        }
        if pool.run == 0 || !used.is_empty() {
            pool.current = random.below(places)?;
            pool.run = RUN;
        }
        let is_used = |place: Option<SocketKey>| used.iter().any(|&(key, _)| place == Some(key));
        let from = pool.current % places;
        let others = (from..places).chain(0..from);
        pool.current = others.into_iter().find(|&i| !is_used(pool.places[i])).unwrap_or(from);
        pool.run -= 1;
        Ok(pool.places[pool.current].map_or(Choice::Open(pool.current), Choice::Use))
    }

    /// Adds a socket and puts it in a place of its server's.
    pub(super) fn put(&mut self, server: SocketAddr, place: usize, handle: S) -> SocketKey {
        let socket = Some(Socket::new(server, handle));
        let key = match self.free.pop() {
            Some(key) => key,
            None => {
                self.sockets.push(None);
                (self.sockets.len() - 1) as SocketKey
            }
        };
        self.sockets[key as usize] = socket;
        let pool = self.pool(server);
        if pool.places.len() <= place {
            pool.places.resize(place + 1, None);
        }
        let before = pool.places[place].replace(key);
        // Somebody else was as fast.
        if let Some(before) = before {
            self.retire(before);
        }
        key
    }

    /// Lets no more questions out of a socket.
    pub(super) fn retire(&mut self, key: SocketKey) {
        let Some(socket) = self.at(key) else { return };
        socket.is_retired = true;
        let server = socket.server;
        let pools = self.pools.iter_mut().filter(|pool| pool.server == server);
        let places = pools.flat_map(|pool| &mut pool.places);
        places.filter(|place| **place == Some(key)).for_each(|place| *place = None);
    }

    /// Takes a socket away.
    pub(super) fn remove(&mut self, key: SocketKey) -> Option<Socket<S>> {
        self.retire(key);
        let socket = self.sockets.get_mut(key as usize)?.take()?;
        self.free.push(key);
        Some(socket)
    }

    /// Forgets a server: gives its sockets, none of which is used any more.
    pub(super) fn forget(&mut self, server: SocketAddr) -> Vec<SocketKey> {
        let keys = self.pool(server).places.iter().copied().flatten().collect::<Vec<_>>();
        keys.iter().for_each(|&key| self.retire(key));
        self.pools.retain(|pool| pool.server != server);
        keys
    }

    /// All sockets.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Socket<S>> {
        self.sockets.iter_mut().flatten()
    }

    fn pool(&mut self, server: SocketAddr) -> &mut Pool {
        let found = self.pools.iter().position(|pool| pool.server == server);
        let index = found.unwrap_or_else(|| {
            self.pools.push(Pool { server, places: Vec::new(), current: 0, run: 0 });
            self.pools.len() - 1
        });
        &mut self.pools[index]
    }
}
