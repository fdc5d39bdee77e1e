//! Time that passes while something is measured.

use std::{thread, time::Duration};

/// Lets time pass: what is measured takes its time, or must not be asked without a break.
pub(crate) fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "nothing is waited for but the time itself")]
    thread::sleep(duration);
}
