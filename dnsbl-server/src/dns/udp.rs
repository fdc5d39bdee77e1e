//! UDP: one thread for each socket, which answers as it reads.

use std::{
    io,
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use dnsbl_types::UnixTime;

use super::{Service, Transport, message::respond};

/// The longest query that is read, in bytes; what is cut off can't be parsed.
const LONGEST_QUERY: usize = 4096;
/// Waiting time after an error that may stay.
const BACK_OFF: Duration = Duration::from_millis(50);

/// The running workers.
pub(super) struct Workers {
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Workers {
    pub(super) fn start(sockets: Vec<UdpSocket>, service: &Arc<Service>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |(i, socket): (usize, UdpSocket)| {
            let (service, stop) = (service.clone(), stop.clone());
            let thread = std::thread::Builder::new().name(format!("dns-udp-{i}"));
            thread.spawn(move || {
                let _guard = AbortOnPanic;
                work(&socket, &service, &stop);
            })
        };
        let threads = sockets.into_iter().enumerate().map(start).collect::<io::Result<_>>()?;
        Ok(Self { threads, stop })
    }

    /// Waits until every worker has answered what it had read.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A worker that panicked has ended the process.
            let _ = thread.join();
        }
    }
}

/// A server with a dead worker would leave a share of its queries unanswered: better start again.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn work(socket: &UdpSocket, service: &Service, stop: &AtomicBool) {
    let mut packet = [0; LONGEST_QUERY];
    while !stop.load(Ordering::Relaxed) {
        let (len, client) = match socket.recv_from(&mut packet) {
            Ok(received) => received,
            Err(err) => {
                wait_after(&err);
                continue;
            }
        };
        if let Some(reply) =
            respond(service, &packet[..len], client, Transport::Udp, UnixTime::now())
        {
            // A client that can't be reached asks again.
            if let Err(err) = socket.send_to(&reply, client) {
                tracing::debug!(%err, %client, "a reply could not be sent");
            }
        }
    }
}

/// A time-out and an ICMP error of an earlier reply are nothing; anything else may stay a while.
fn wait_after(err: &io::Error) {
    use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    if !matches!(err.kind(), ConnectionRefused | Interrupted | TimedOut | WouldBlock) {
        tracing::warn!(%err, "receiving failed");
        std::thread::park_timeout(BACK_OFF);
    }
}
