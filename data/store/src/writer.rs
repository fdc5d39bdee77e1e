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
use rocksdb::WriteBatch;

use crate::{
    Actor, Change, ChangeError, Done, Reader, Store, StoreError,
    group::{Effect, Group, Ledger},
    head::{Head, Keeper},
    load,
    open::{Failure, Inner},
    scan::View,
    schema::synced,
    state,
    sweep::Swept,
};

/// Changes that may wait.
const QUEUE: usize = 4096;
/// After this long without a change the follower may tidy up.
const IDLE: Duration = Duration::from_millis(500);
/// Changes in one batch.
const GROUP: usize = 512;

pub(crate) struct Job {
    pub(crate) actor: Actor,
    pub(crate) change: Change,
    pub(crate) now: UnixTime,
    pub(crate) reply: Box<dyn FnOnce(Result<Done, ChangeError>) + Send>,
}

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
    pub(crate) fn start(
        store: &Store,
        ledger: Ledger,
        follower: Box<dyn Follower>,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = std::sync::mpsc::sync_channel(QUEUE);
        let inner = store.inner.clone();
        let keeper = keep_head(&inner, &ledger);
        let run = move || WriterThread { inner, ledger, follower, keeper }.run(&jobs);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(run);
        let thread =
            thread.map_err(|reason| StoreError::Io { path: store.inner.path.clone(), reason })?;
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
fn keep_head(inner: &Inner, ledger: &Ledger) -> Option<Keeper> {
    if inner.failure().is_some() {
        return None;
    }
    let head = Head { epoch: ledger.epoch, seq: ledger.head, ..Head::default() };
    match Keeper::start(&inner.path, head) {
        Ok(keeper) => Some(keeper),
        Err(reason) => {
            let err = StoreError::Io { path: inner.path.clone(), reason };
            inner.set_failed(Failure { reason: err.reason(), full: err.is_full() });
            tracing::error!(%err, "the store can't be written; it takes no writes until the server is started again");
            None
        }
    }
}

pub(crate) fn closed() -> ChangeError {
    ChangeError::Unwritable { reason: "it is closing".into(), full: false }
}

struct WriterThread {
    inner: Arc<Inner>,
    ledger: Ledger,
    follower: Box<dyn Follower>,
    /// `None` where nothing can be written.
    keeper: Option<Keeper>,
}

type Reply = (Box<dyn FnOnce(Result<Done, ChangeError>) + Send>, Result<Done, ChangeError>);

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
        // A change that rests on the database alone, not on earlier changes of its group, goes alone.
        while group.len() < GROUP && group.last().is_some_and(|job| is_small(&job.change)) {
            match jobs.try_recv() {
                Ok(job) => group.push(job),
                Err(_) => break,
            }
        }
        let alone = group.pop_if(|job| !is_small(&job.change));
        for part in [group, alone.into_iter().collect()] {
            if !part.is_empty() {
                self.commit(part);
            }
        }
    }

    fn commit(&mut self, jobs: Vec<Job>) {
        if self.inner.failure().is_some() {
            for job in jobs {
                (job.reply)(Err(self.unwritable()));
            }
            return;
        }
        let inner = self.inner.clone();
        let now = jobs.iter().map(|job| job.now).max().unwrap_or_default();
        let mut group =
            Group::new(&inner.db, &mut self.ledger, &inner.next_segment, &inner.staged, now);
        let mut replies: Vec<Reply> = Vec::with_capacity(jobs.len());
        for job in jobs {
            let decided = group.decide(&job.actor, job.change);
            replies.push((job.reply, decided));
        }
        let (batch, effects, touched) = group.finish();
        let result = self.write(batch, &effects, &touched);
        for (reply, decided) in replies {
            reply(match &result {
                Ok(()) => decided,
                Err(err) => decided.and_then(|_| Err(self.refusal(err))),
            });
        }
    }

    fn unwritable(&self) -> ChangeError {
        self.inner.unwritable().unwrap_or_else(closed)
    }

    fn refusal(&self, err: &StoreError) -> ChangeError {
        let refused = || ChangeError::Unwritable { reason: err.reason(), full: err.is_full() };
        self.inner.unwritable().unwrap_or_else(refused)
    }

    /// Writes, syncs, and shows the effects. After a failure nothing is shown, and nothing more is written
    /// unless it is known that nothing was.
    fn write(
        &mut self,
        batch: WriteBatch,
        effects: &[Effect],
        touched: &BTreeSet<Name>,
    ) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let written = self.inner.db.write_opt(batch, &synced()).map_err(StoreError::from);
        let committed = Instant::now();
        let shown = match written {
            Ok(()) => {
                if let Some(keeper) = &self.keeper {
                    keeper.note(self.ledger.head);
                }
                self.show(effects, touched, committed)
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
            self.inner.set_failed(Failure { reason: err.reason(), full: err.is_full() });
            tracing::error!(%err, "the store failed; it takes no writes until the server is started again");
        })
    }

    /// Goes back to what the database says.
    fn forget(&mut self) -> Result<(), StoreError> {
        let reader = Reader { view: View::new(&self.inner.db), now: UnixTime(0) };
        let mut zones = state::read_zones(&reader.view)?;
        let head = reader.head()?;
        for segment in zones.values_mut().flat_map(|state| &mut state.segments) {
            // Whatever was decided on what it said before is decided again.
            segment.changed = head;
        }
        let swept = Swept::read(&reader.view)?;
        drop(reader);
        (self.ledger.zones, self.ledger.head) = (zones, head);
        (self.ledger.swept, self.ledger.folding) = (swept, None);
        self.ledger.copies.clear();
        Ok(())
    }

    fn show(
        &mut self,
        effects: &[Effect],
        touched: &BTreeSet<Name>,
        committed: Instant,
    ) -> Result<(), StoreError> {
        for effect in effects {
            match effect {
                Effect::PutZone(origin) => {
                    if let Some(state) = self.ledger.zones.get(origin) {
                        self.follower.put_zone(&state.zone.answered(), state.serial);
                    }
                }
                Effect::RemoveZone(origin) => self.follower.remove_zone(origin),
                Effect::Entries { zone, subject, entries } => {
                    self.follower.set_entries(zone, subject, entries)
                }
                Effect::Segment { zone, segment } => {
                    if let Some(state) = self.ledger.zones.get(zone) {
                        let view = View::new(&self.inner.db);
                        load::show_segment(&view, state, *segment, self.follower.as_mut())?;
                    }
                }
            }
        }
        for origin in touched {
            if let Some(state) = self.ledger.zones.get(origin) {
                self.follower.set_serial(origin, state.serial);
            }
        }
        self.follower.publish(self.ledger.head, committed);
        Ok(())
    }
}

/// Whether a change reads only what the group itself keeps up to date.
fn is_small(change: &Change) -> bool {
    matches!(change, Change::PutListing { .. } | Change::DeleteListing { .. })
}
