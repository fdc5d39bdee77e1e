//! The writer thread: one order, one sync for all that waits.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use dnsbl_types::{Follower, Name, UnixTime};

use crate::{
    ChangeError, StoreError,
    db::{Db, Failure},
    format::schema::synced,
    head::{Head, Keeper},
    read::{show, view::View},
    write::{
        batch::{Batch, Finished},
        operation::{Change, Committed, Operation, Terms},
        state::WriterState,
        transaction::Effect,
    },
};

/// Changes that may wait.
const QUEUE: usize = 4096;
/// After this long without a change the follower may tidy up.
const IDLE: Duration = Duration::from_millis(500);
/// Changes in one batch.
const GROUP: usize = 512;

/// A change that waits.
pub(crate) struct Job {
    pub(crate) change: Change,
    pub(crate) terms: Terms,
    pub(crate) now: UnixTime,
    pub(crate) reply: Reply,
}

/// What is called once a change is durable and visible, or refused.
pub(crate) type Reply = Box<dyn FnOnce(Result<Committed, ChangeError>) + Send>;

/// The way to the writer thread.
///
/// Dropping it takes no more changes and waits until those that are queued are written: a process that
/// ended under a write would tear RocksDB down while it is in use.
pub(crate) struct Writer {
    /// Invariant: `Some` until it is dropped.
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(db: &Arc<Db>, follower: Box<dyn Follower>) -> Result<Self, StoreError> {
        let state = WriterState::read(&db.rocks)?;
        let (queue, jobs) = std::sync::mpsc::sync_channel(QUEUE);
        let keeper = keep_head(db, &state);
        db.set_forks(follower.forks());
        let writer = WriterThread { db: db.clone(), state, follower, keeper };
        let thread = std::thread::Builder::new().name("store-writer".into());
        let thread = thread.spawn(move || writer.run(&jobs)).map_err(StoreError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(crate) fn send(&self, job: Job) {
        let Some(queue) = &self.queue else { return (job.reply)(Err(closed())) };
        match queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => (job.reply)(Err(ChangeError::Busy)),
            Err(TrySendError::Disconnected(job)) => (job.reply)(Err(closed())),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer panicked");
        }
    }
}

/// Begins to keep the head of the log. Where that can't be written, nothing else shall be.
fn keep_head(db: &Db, state: &WriterState) -> Option<Keeper> {
    if db.failure().is_some() {
        return None;
    }
    let head = Head { epoch: state.epoch, seq: state.head, ..Head::default() };
    match Keeper::start(&db.path, head) {
        Ok(keeper) => Some(keeper),
        Err(reason) => {
            let err = StoreError::Io { path: db.path.clone(), reason };
            db.set_failed(Failure::from(&err));
            tracing::error!(%err, "the store can't be written; it takes no writes until the server is started again");
            None
        }
    }
}

pub(crate) fn closed() -> ChangeError {
    ChangeError::Unwritable { reason: "it is closing".into(), full: false }
}

struct WriterThread {
    db: Arc<Db>,
    state: WriterState,
    follower: Box<dyn Follower>,
    /// `None` where nothing can be written.
    keeper: Option<Keeper>,
}

impl WriterThread {
    /// Runs until the last way in is dropped, and then finishes what is queued.
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(IDLE) {
                Ok(first) => self.take(first, jobs),
                Err(RecvTimeoutError::Timeout) => self.follower.idle(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Makes one group of `first` and what waits behind it.
    fn take(&mut self, first: Job, jobs: &Receiver<Job>) {
        let mut group = vec![first];
        // A change that reads what no batch keeps up to date goes alone.
        while group.len() < GROUP && group.last().is_some_and(is_batchable) {
            match jobs.try_recv() {
                Ok(job) => group.push(job),
                Err(_) => break,
            }
        }
        let alone = group.pop_if(|job| !is_batchable(job));
        for jobs in [group, alone.into_iter().collect()] {
            if !jobs.is_empty() {
                self.commit(jobs);
            }
        }
    }

    /// Decides each change, writes all of them together, and replies to all.
    fn commit(&mut self, jobs: Vec<Job>) {
        let db = self.db.clone();
        if let Some(failure) = db.failure() {
            return jobs.into_iter().for_each(|job| (job.reply)(Err(failure.into())));
        }
        let now = jobs.iter().map(|job| job.now).max().unwrap_or_default();
        let mut batch = Batch::new(&db, &mut self.state, now);
        let decided = jobs.into_iter().map(|job| (job.reply, batch.add(job.change, job.terms)));
        let decided: Vec<(Reply, Result<Committed, ChangeError>)> = decided.collect();
        let finished = batch.finish();
        let written = self.write(finished);
        for (reply, decided) in decided {
            reply(match &written {
                Ok(()) => decided,
                Err(err) => decided.and_then(|_| Err((&Failure::from(err)).into())),
            });
        }
    }

    /// Writes, syncs, and shows the effects. After a failure nothing is shown, and nothing more is written
    /// unless it is known that nothing was.
    fn write(&mut self, batch: Finished) -> Result<(), StoreError> {
        let Finished { writes, effects, touched } = batch;
        if writes.is_empty() {
            return Ok(());
        }
        let written = self.db.rocks.write_opt(writes, &synced()).map_err(StoreError::from);
        let committed = Instant::now();
        let shown = match written {
            Ok(()) => {
                if let Some(keeper) = &self.keeper {
                    keeper.note(self.state.head);
                }
                self.show(effects, &touched, committed)
            }
            // A file is opened before anything is written to the log, never in between.
            Err(err) if err.is_out_of_files() && self.forget().is_ok() => {
                tracing::error!(%err, "a write was refused: the process may open no more files");
                return Err(err);
            }
            Err(err) => Err(err),
        };
        shown.inspect_err(|err| {
            // First, since whoever reads the messages may be gone.
            self.db.set_failed(Failure::from(err));
            tracing::error!(%err, "the store failed; it takes no writes until the server is started again");
        })
    }

    /// Goes back to what the database says.
    fn forget(&mut self) -> Result<(), StoreError> {
        self.state = self.state.read_again(&self.db.rocks)?;
        Ok(())
    }

    fn show(
        &mut self,
        effects: Vec<Effect>,
        touched: &BTreeSet<Name>,
        committed: Instant,
    ) -> Result<(), StoreError> {
        let (zones, follower) = (&self.state.zones, self.follower.as_mut());
        for effect in effects {
            match effect {
                Effect::PutZone(origin) => {
                    if let Some(state) = zones.get(&origin) {
                        follower.put_zone(&state.zone.answered(), state.serial);
                    }
                }
                Effect::RemoveZone(origin) => follower.remove_zone(&origin),
                Effect::Entries { zone, subject, entries } => {
                    follower.set_entries(&zone, &subject, &entries);
                }
                Effect::Subscriber { old, new } => {
                    follower.set_subscriber(old.as_deref(), new.as_deref());
                }
                Effect::Allow { entry, is_gone: false } => follower.put_allow_entry(&entry),
                Effect::Allow { entry, is_gone: true } => follower.remove_allow_entry(&entry),
                Effect::Join { fork, zones: touched } => {
                    follower.join(fork, &touched.keys().collect::<Vec<_>>());
                    let view = View::latest(&self.db.rocks);
                    for (origin, subjects) in touched {
                        let Some(state) = zones.get(&origin) else { continue };
                        for subject in subjects {
                            show::show_subject(&view, state, &subject, follower)?;
                        }
                    }
                }
                Effect::Segment { zone, segment } => {
                    if let Some(state) = zones.get(&zone) {
                        let view = View::snapshot(&self.db.rocks);
                        show::show_segment_at_once(&view, state, segment, follower)?;
                    }
                }
            }
        }
        for origin in touched {
            if let Some(state) = zones.get(origin) {
                follower.set_serial(origin, state.serial);
            }
        }
        follower.publish(self.state.head, committed);
        Ok(())
    }
}

fn is_batchable(job: &Job) -> bool {
    job.change.operations.iter().all(Operation::is_batchable)
}
