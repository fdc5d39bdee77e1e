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
use dnsbl_index::Snapshot;
use dnsbl_types::ClockReading;
use udp_batch::{Batch, Datagram};

use super::{
    abort::AbortOnPanic,
    counters::{Transport, WorkerCounters},
    fast_path::{Asked, Responded, respond},
    lookup::{Lookup, look_up},
    query::Query,
    samples::{Sample, Sampler},
    service::{LiveService, Service},
    slow_path::{Queue, SlowQuery},
    wire::PAYLOAD,
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
    pub(super) fn start(sockets: Vec<UdpSocket>, service: &LiveService) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (queue, slow_path) = Queue::start(service.clone())?;
        let mut threads = Vec::with_capacity(sockets.len() + 1);
        let first = service.load();
        for (i, (socket, counters)) in sockets.into_iter().zip(first.counters.workers()).enumerate()
        {
            let worker = Worker {
                socket: Arc::new(socket),
                service: service.clone(),
                counters,
                sampler: first.sampler.another(),
                queue: queue.clone(),
            };
            let stop = stop.clone();
            let thread = std::thread::Builder::new().name(format!("dns-udp-{i}"));
            threads.push(thread.spawn(move || {
                let _guard = AbortOnPanic;
                worker.run(&stop);
            })?);
        }
        threads.push(slow_path);
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

/// A thread with its socket.
struct Worker {
    socket: Arc<UdpSocket>,
    service: LiveService,
    counters: WorkerCounters,
    sampler: Sampler,
    queue: Queue,
}

impl Worker {
    fn run(self, stop: &AtomicBool) {
        let mut batch = Batch::new(BATCH, LONGEST_QUERY, PAYLOAD.into());
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
        let service = self.service.load();
        let snapshot = service.index.load();
        let counters = self.counters.open();
        let now = ClockReading::now();
        let mut datagrams = ArrayVec::<Datagram<'_>, BATCH>::new();
        for datagram in batch.received() {
            if read(&datagram, &mut queries[datagrams.len()]) {
                datagrams.push(datagram);
            } else {
                self.defer(&datagram);
            }
        }
        let queries = &queries[..datagrams.len()];
        let lookups = queries.iter().map(|query| look_up(&snapshot, query.question()));
        let lookups: ArrayVec<Lookup<'_>, BATCH> = lookups.collect();
        prefetch(&snapshot, &lookups);
        for ((datagram, query), lookup) in datagrams.iter_mut().zip(queries).zip(&lookups) {
            let client = datagram.path().peer().ip();
            let asked = Asked { packet: datagram.bytes, query, lookup, client };
            let Service { access, protection, .. } = &**service;
            match respond(access, protection, asked, datagram.reply, now) {
                Some(Responded { len, zone, outcome, denied, subscriber }) => {
                    datagram.reply(len);
                    counters.count(zone, outcome);
                    if let Some(why) = denied {
                        counters.deny(zone, why);
                    }
                    let sample = Sample { client, zone, outcome, denied, subscriber };
                    self.sampler.see(sample, lookup, Transport::Udp, now.wall);
                }
                None => self.defer(datagram),
            }
        }
    }

    /// Leaves a query to the slow path.
    fn defer(&self, datagram: &Datagram<'_>) {
        self.queue.push(SlowQuery {
            packet: datagram.bytes.into(),
            path: *datagram.path(),
            socket: self.socket.clone(),
        });
    }
}

/// Reads a query; false if it is none for the fast path.
fn read(datagram: &Datagram<'_>, query: &mut Query) -> bool {
    // Port 0 can't be replied to; the slow path counts that.
    !datagram.is_truncated && datagram.path().peer().port() != 0 && query.read(datagram.bytes)
}

/// Brings what the answers depend on into the processor's caches, for all of them at once: waiting for
/// memory one by one takes longer than everything else.
fn prefetch(snapshot: &Snapshot, lookups: &ArrayVec<Lookup<'_>, BATCH>) {
    let addresses: ArrayVec<_, BATCH> = lookups.iter().filter_map(Lookup::address).collect();
    dnsbl_index::prefetch::<BATCH>(&addresses);
    let keys: ArrayVec<_, BATCH> =
        lookups.iter().filter_map(|lookup| lookup.key).map(|key| key.digest).collect();
    snapshot.subscribers().prefetch::<BATCH>(&keys);
}

/// A time-out and an ICMP error of an earlier reply are nothing; anything else may stay a while.
fn wait_after(err: &io::Error) {
    use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    if !matches!(err.kind(), ConnectionRefused | Interrupted | TimedOut | WouldBlock) {
        tracing::warn!(%err, "receiving failed");
        std::thread::park_timeout(BACK_OFF);
    }
}
