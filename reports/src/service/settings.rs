//! What the service is told.

/// How long what is kept, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A report, after it was last made.
    pub keep: u64,
    /// What a reporter had seen.
    pub keep_evidence: u64,
}

/// Half a year, and 30 days.
impl Default for Settings {
    fn default() -> Self {
        Self { keep: 180 * 86_400, keep_evidence: 30 * 86_400 }
    }
}
