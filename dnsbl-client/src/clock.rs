//! Time as a parameter.

use std::{fmt, sync::Arc, time::Instant};

/// The clock of a client for memory, health and budgets. It never goes backwards; the
/// system's wall clock plays no part. Deadlines are real time whatever this says.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> Instant + Send + Sync>>);

impl Clock {
    /// The system's monotonic clock.
    pub fn monotonic() -> Self {
        Self(None)
    }

    /// What this says, which must not go backwards.
    pub fn from_fn(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    pub(crate) fn now(&self) -> Instant {
        self.at(Instant::now)
    }

    /// What it says at a moment that the system's clock was, or is, asked for anyway.
    pub(crate) fn at(&self, real: impl FnOnce() -> Instant) -> Instant {
        self.0.as_ref().map_or_else(real, |now| now())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock(given)" } else { "Clock(monotonic)" })
    }
}
