//! What a feed had when it was last imported.

use dnsbl_types::UnixTime;

/// What a feed had when it was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) digest: [u8; 32],
    /// Bytes, unpacked.
    pub(crate) bytes: u64,
    /// By which a server knows what it sent.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// When its rows expire that say nothing else.
    pub(crate) expires_at: Option<UnixTime>,
}
