//! Points in time, in whole seconds.

/// A point in time, in seconds since 1970-01-01T00:00:00Z.
///
/// The clock is read at the edges only; everything below takes `now` as a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// What the machine's clock says.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |d| d.as_secs()))
    }

    /// `seconds` later, or the end of time.
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Whole seconds from `now` until this time; 0 once it is reached.
    pub fn seconds_from(self, now: Self) -> u64 {
        self.0.saturating_sub(now.0)
    }
}
