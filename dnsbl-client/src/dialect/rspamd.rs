//! The `rbls` section of rspamd's `local.d/rbl.conf`.

use super::Unwritable;
use crate::Zone;

/// Writes zones as an `rbls` section; the names hold keys where the zones do.
///
/// # Errors
///
/// If a zone has what rspamd can't say.
pub fn write(_zones: &[Zone]) -> Result<String, Unwritable> {
    Ok(String::new())
}
