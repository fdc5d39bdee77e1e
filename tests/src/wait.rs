//! Waiting for what can't tell that it happened.

use std::{
    fmt::Debug,
    sync::mpsc,
    time::{Duration, Instant},
};

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
