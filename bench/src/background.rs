//! Work beside the measurement.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use crate::pause::pause;

/// A thread that works until it is told to stop.
pub(crate) struct Background<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<T>>,
}

/// What such a thread looks at.
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether it shall end.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<T: Send + 'static> Background<T> {
    /// Begins.
    pub(crate) fn start(work: impl FnOnce(&Stop) -> Result<T> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Stop(stop.clone());
        Self { stop, thread: thread::spawn(move || work(&seen)) }
    }

    /// Tells it to end, waits until it has, and gives what it found.
    pub(crate) fn stop(self) -> Result<T> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("a thread panicked"))?
    }
}

/// Ends all before it waits for the first.
pub(crate) fn stop_all<T: Send + 'static>(all: Vec<Background<T>>) -> Result<Vec<T>> {
    for one in &all {
        one.stop.store(true, Ordering::Relaxed);
    }
    all.into_iter().map(Background::stop).collect()
}

/// Something that is due again and again.
pub(crate) struct Pace {
    next: Instant,
    interval: Duration,
}

impl Pace {
    /// So often a second.
    pub(crate) fn new(per_second: f64) -> Self {
        Self { next: Instant::now(), interval: Duration::from_secs_f64(1.0 / per_second) }
    }

    /// Waits until the next is due; not at all where it is late.
    pub(crate) fn wait(&mut self) {
        self.next += self.interval;
        let left = self.next.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            pause(left);
        }
    }
}
