//! `postscreen_dnsbl_sites` of Postfix: `domain[=filter][*weight]`, separated by commas or blanks.

use super::{DialectError, DialectErrorKind, Unwritable};
use crate::Zone;

/// Reads a whole value; entries of one domain become one zone with several rules.
///
/// # Errors
///
/// At the first entry that Postfix would not take, with its position.
pub fn parse(_text: &str) -> Result<Vec<Zone>, DialectError> {
    Err(DialectError { at: 0, kind: DialectErrorKind::Empty })
}

/// Writes zones as one value; the names hold keys where the zones do.
///
/// # Errors
///
/// If a zone has what Postfix can't say.
pub fn write(_zones: &[Zone]) -> Result<String, Unwritable> {
    Ok(String::new())
}
