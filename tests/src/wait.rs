//! Waiting for what can't tell that it happened, and keeping others waiting.

use std::{
    fmt::Debug,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use crate::PATIENCE;

/// Between the first two looks at a condition; then twice as long each time.
const FIRST: Duration = Duration::from_millis(1);
/// Between two looks at most.
const LONGEST: Duration = Duration::from_millis(32);

/// Looks again and again until `probe` gives something.
#[track_caller]
pub fn eventually<T, E: Debug>(limit: Duration, mut probe: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + limit;
    let mut interval = FIRST;
    loop {
        match probe() {
            Ok(value) => return value,
            Err(seen) if Instant::now() > deadline => panic!("not within {limit:?}: {seen:?}"),
            Err(_) => pause(interval),
        }
        interval = LONGEST.min(2 * interval);
    }
}

/// Lets time pass. It is for `eventually` alone: what a test waits for is a condition.
fn pause(duration: Duration) {
    let (_silent, nothing) = mpsc::sync_channel::<()>(0);
    let timed_out = nothing.recv_timeout(duration);
    debug_assert_eq!(timed_out, Err(mpsc::RecvTimeoutError::Timeout));
}

/// A gate at which the threads of a fake peer wait until the test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets all pass, from now on.
    pub fn open(&self) {
        let (is_open, changed) = &*self.0;
        *is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Waits until it is open; panics after a minute.
    pub fn pass(&self) {
        let (is_open, changed) = &*self.0;
        let shut = is_open.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_open, _) = changed
            .wait_timeout_while(shut, 6 * PATIENCE, |is_open| !*is_open)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(*is_open, "nobody opened the gate");
    }
}
