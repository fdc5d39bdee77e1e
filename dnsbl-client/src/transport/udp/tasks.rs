//! What runs beside the questions: a reader for each socket, and one timer for all.

use std::{io, sync::Arc, task::Waker};

use tokio::{
    io::unix::AsyncFdReadyGuard,
    select,
    time::{Instant, sleep, sleep_until},
};

use super::{
    engine::Engine,
    pool::SocketKey,
    socket::{Descriptor, INCOMING, MAX_AGE},
};

/// Room for a reply, in octets; larger ones are cut, and then malformed.
const BUFFER: usize = 4096;
/// How many replies are read before others get their turn.
const BURST: usize = 256;

/// Reads the replies to one socket until nobody waits for more.
pub(super) async fn read(engine: Arc<Engine>, key: SocketKey, fd: Descriptor) {
    let _reading = Reading { engine: engine.clone(), key, fd: fd.clone() };
    let mut buffer = [0; BUFFER];
    let mut wakers = Vec::new();
    let age = sleep(MAX_AGE);
    tokio::pin!(age);
    loop {
        select! {
            biased;
            ready = fd.ready(INCOMING) => match ready {
                Ok(ready) => drain(&engine, key, ready, &mut buffer, &mut wakers),
                Err(_) => return,
            },
            () = &mut age => {
                if !engine.retire(key) {
                    return;
                }
                age.as_mut().reset(Instant::now() + MAX_AGE);
            }
        }
    }
}

/// Reads what is there.
fn drain(
    engine: &Engine,
    key: SocketKey,
    mut ready: AsyncFdReadyGuard<'_, std::net::UdpSocket>,
    buffer: &mut [u8],
    wakers: &mut Vec<Waker>,
) {
    for _ in 0..BURST {
        match ready.get_inner().recv(buffer) {
            Ok(len) => engine.receive(key, &buffer[..len], wakers),
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => {
                ready.clear_ready();
                break;
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            // What ICMP told; reading it takes it away.
            Err(_) => engine.unreachable(key, wakers),
        }
        wakers.drain(..).for_each(Waker::wake);
    }
}

/// Wakes those whose time is over.
pub(super) async fn time(engine: Arc<Engine>) {
    let _timing = Timing(engine.clone());
    loop {
        match engine.fire() {
            Some(next) => select! {
                () = sleep_until(next.into()) => {}
                () = engine.sooner.notified() => {}
            },
            None => engine.sooner.notified().await,
        }
    }
}

/// Notices the end of a reader, however it comes.
struct Reading {
    engine: Arc<Engine>,
    key: SocketKey,
    fd: Descriptor,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.engine.lose(self.key, &self.fd);
    }
}

/// Notices the end of the timer.
struct Timing(Arc<Engine>);

impl Drop for Timing {
    fn drop(&mut self) {
        self.0.lose_timer();
    }
}
