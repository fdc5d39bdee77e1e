//! Waiting for what can't tell that it happened.

use std::{
    fmt::Debug,
    sync::mpsc,
    time::{Duration, Instant},
};

/// Between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks again and again until `probe` gives something.
#[track_caller]
pub fn eventually<T, E: Debug>(limit: Duration, mut probe: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match probe() {
            Ok(value) => return value,
            Err(seen) if Instant::now() > deadline => panic!("not within {limit:?}: {seen:?}"),
            Err(_) => pause(INTERVAL),
        }
    }
}

/// Lets time pass where that is the thing to test.
pub fn pause(duration: Duration) {
    let (_silent, nothing) = mpsc::sync_channel::<()>(0);
    let timed_out = nothing.recv_timeout(duration);
    debug_assert_eq!(timed_out, Err(mpsc::RecvTimeoutError::Timeout));
}
