//! What the holder of a token may see of the change log, and in which words: the business of the face that serves it.

use dnsbl_store::{LogEntry, Op};
use dnsbl_types::UnixTime;

/// Whoever puts changes into words.
pub trait ChangeWriter: Send + Sync + 'static {
    /// What the holder of a token may see now.
    ///
    /// # Errors
    /// The token counts no more, may not follow the change log, or can't be read.
    fn sight(&self, token: &str, now: UnixTime) -> Result<Box<dyn Sight>, SightError>;
}

/// What the holder of a token may see.
pub trait Sight: Send {
    /// The operations of an entry that may be seen and are wanted, each as a JSON object.
    fn write(&self, entry: &LogEntry, wanted: &dyn Fn(&Op) -> bool) -> Vec<String>;
}

/// The reason why nothing may be seen.
#[derive(Debug, thiserror::Error)]
pub enum SightError {
    /// The token, or one above it, was revoked or has expired, or may not follow the change log any more.
    #[error("its token counts no more, or may not follow changes")]
    Ended,
    /// The store can't be read.
    #[error("the store can't be read: {0}")]
    Unreadable(String),
}
