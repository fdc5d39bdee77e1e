//! `dnslists` of Exim: `[txt-domain,]domain[operator values][/keys]`, separated by colons.

use super::{DialectError, DialectErrorKind, Unwritable};
use crate::{Zone, ZoneName};

/// One item of a `dnslists` condition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item {
    /// The list asked.
    pub zone: Zone,
    /// The list asked for the text instead, where one is named.
    pub txt_zone: Option<ZoneName>,
    /// What is looked up instead of the client's address, as written behind `/`.
    pub keys: Option<String>,
    /// What counts where the list can't tell; valid from an option on.
    pub unknown: Unknown,
}

/// What Exim does where a list can't tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// `+exclude_unknown`: as if not listed.
    #[default]
    Exclude,
    /// `+include_unknown`: as if listed.
    Include,
    /// `+defer_unknown`: a temporary error.
    Defer,
}

/// Reads a whole condition.
///
/// # Errors
///
/// At the first item that can't be read, with its position.
pub fn parse(_text: &str) -> Result<Vec<Item>, DialectError> {
    Err(DialectError { at: 0, kind: DialectErrorKind::Empty })
}

/// Writes zones as one condition; the names hold keys where the zones do.
///
/// # Errors
///
/// If a zone has what Exim can't say.
pub fn write(_zones: &[Zone]) -> Result<String, Unwritable> {
    Ok(String::new())
}
