//! The seconds of the transport, as a parameter.

use std::time::Duration;

/// The times and repetitions of the transport.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// How long a reply may take before the question is sent again.
    pub(super) retry_after: Duration,
    /// How often a question is sent if nobody answers, or to each server once if there are more.
    pub(super) sends: usize,
    /// How fine time is cut: nothing is later than this and what the runtime adds, about 1 ms.
    pub(super) tick: Duration,
    /// How long a port is used.
    pub(super) socket_age: Duration,
}

impl Timing {
    /// As it is unless a test says otherwise.
    pub(super) const DEFAULT: Self = Self {
        retry_after: Duration::from_millis(400),
        sends: 3,
        tick: Duration::from_millis(4),
        socket_age: Duration::from_secs(10),
    };
}
