//! The exit statuses that commands share.

/// Something is listed.
pub(super) const LISTED: u8 = 1;
/// Something could not be told, or bad usage.
pub(crate) const UNKNOWN: u8 = 2;
