//! UDP: one thread for each socket, which reads, answers and sends in batches.

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

use arrayvec::ArrayVec;
use dnsbl_index::IndexedZone;
use dnsbl_types::UnixTime;
use udp_batch::{Batch, Datagram};

use super::{
    Service,
    answer::{Kind, answer},
    counters::{Outcome, Teller},
    general::{Queue, Unusual},
    place::{Place, locate},
    query::Query,
    reply,
};

/// Queries that are read at once.
const BATCH: usize = 64;
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
        let (queue, general) = Queue::start(service.clone())?;
        let mut threads = Vec::with_capacity(sockets.len() + 1);
        for (i, (socket, teller)) in sockets.into_iter().zip(service.counters.tellers()).enumerate()
        {
            let worker = Worker {
                socket: Arc::new(socket),
                service: service.clone(),
                teller,
                queue: queue.clone(),
            };
            let stop = stop.clone();
            let thread = std::thread::Builder::new().name(format!("dns-udp-{i}"));
            threads.push(thread.spawn(move || {
                let _guard = AbortOnPanic;
                worker.run(&stop);
            })?);
        }
        threads.push(general);
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
pub(super) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

struct Worker {
    socket: Arc<UdpSocket>,
    service: Arc<Service>,
    teller: Teller,
    queue: Queue,
}

impl Worker {
    fn run(self, stop: &AtomicBool) {
        let mut batch = Batch::new(BATCH, LONGEST_QUERY, reply::PAYLOAD.into());
        let mut queries = Box::new([const { Query::EMPTY }; BATCH]);
        while !stop.load(Ordering::Relaxed) {
            if let Err(err) = batch.receive(&*self.socket) {
                wait_after(&err);
                continue;
            }
            self.answer_batch(&mut batch, &mut queries);
            // A client that can't be reached asks again.
            let failed = batch.send(&*self.socket);
            if failed > 0 {
                tracing::debug!(failed, "replies could not be sent");
            }
        }
    }

    /// All of a batch is answered from one state, which is let go before the next wait.
    fn answer_batch(&self, batch: &mut Batch, queries: &mut [Query; BATCH]) {
        let snapshot = self.service.index.load();
        let tally = self.teller.open();
        let now = UnixTime::now();
        let mut datagrams = ArrayVec::<Datagram<'_>, BATCH>::new();
        for datagram in batch.received() {
            if read(&datagram, &mut queries[datagrams.len()]) {
                datagrams.push(datagram);
            } else {
                self.leave(&datagram);
            }
        }
        let queries = &queries[..datagrams.len()];
        let places = queries.iter().map(|query| locate(&snapshot, query.question()));
        let places: ArrayVec<Place<'_>, BATCH> = places.collect();
        warm_up(&places);
        for ((datagram, query), place) in datagrams.iter_mut().zip(queries).zip(&places) {
            let answer = answer(place, now);
            match reply::write(datagram.bytes, query, &answer, datagram.reply) {
                Some(len) => {
                    datagram.reply(len);
                    tally.count(answer.zone.map(IndexedZone::number), outcome(&answer.kind));
                }
                None => self.leave(datagram),
            }
        }
    }

    /// Leaves a query to the general path.
    fn leave(&self, datagram: &Datagram<'_>) {
        self.queue.push(Unusual {
            packet: datagram.bytes.into(),
            path: *datagram.path(),
            socket: self.socket.clone(),
        });
    }
}

/// Reads a query; false if it is not ordinary.
fn read(datagram: &Datagram<'_>, query: &mut Query) -> bool {
    // Port 0 can't be replied to; the general path counts that.
    !datagram.is_truncated && datagram.path().peer().port() != 0 && query.read(datagram.bytes)
}

/// Brings what the answers depend on into the processor's caches, for all of them at once: waiting for
/// memory one by one takes longer than everything else.
fn warm_up(places: &ArrayVec<Place<'_>, BATCH>) {
    let addresses: ArrayVec<_, BATCH> = places.iter().filter_map(Place::address).collect();
    dnsbl_index::warm_up::<BATCH>(&addresses);
}

/// How an answer is counted.
pub(super) fn outcome(kind: &Kind<'_>) -> Outcome {
    match kind {
        Kind::Codes { .. } | Kind::Reasons { .. } => Outcome::Listed,
        Kind::Own { .. } | Kind::NoData { .. } => Outcome::NoData,
        Kind::NxDomain { .. } => Outcome::Unlisted,
        Kind::Refused => Outcome::Refused,
        Kind::ServFail => Outcome::Error,
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
