//! What fetching may cost.

use std::time::Duration;

/// Something may be so many times as large when it is unpacked; lists come to 150 at the very most.
pub(super) const MAX_RATIO: u64 = 300;

/// What fetching may cost.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// How long a name, a connection and TLS may take together.
    pub connect: Duration,
    /// How long nothing may come.
    pub read: Duration,
    /// How long all of it may take.
    pub total: Duration,
    /// Bytes as they are sent or lie on the disk.
    pub packed: u64,
    /// Bytes after unpacking.
    pub unpacked: u64,
    /// Redirects that are followed.
    pub redirects: usize,
    /// Files of a folder.
    pub files: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            read: Duration::from_secs(30),
            total: Duration::from_secs(600),
            packed: 512 << 20,
            unpacked: 2 << 30,
            redirects: 5,
            files: 1000,
        }
    }
}
