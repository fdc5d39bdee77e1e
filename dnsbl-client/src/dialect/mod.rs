//! Lists as mail servers write them in their configuration: read from Postfix and Exim, written for
//! these, rspamd and SpamAssassin.

pub mod exim;
pub mod postscreen;
pub mod rspamd;
pub mod spamassassin;

use crate::{FilterError, ZoneName, ZoneNameError};

/// Where and why a line can't be read. It never holds the line, which may hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {kind}", at = .at + 1)]
pub struct DialectError {
    /// Octets from the beginning of the line.
    pub at: usize,
    /// What is wrong there.
    pub kind: DialectErrorKind,
}

/// Why a line can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectErrorKind {
    /// No list in it.
    #[error("there is no zone")]
    Empty,
    /// What stands for the zone is no name.
    #[error(transparent)]
    Zone(#[from] ZoneNameError),
    /// What stands for the filter is none.
    #[error("{0}")]
    Filter(FilterError),
    /// What stands behind `*` is no whole number.
    #[error("the weight is not a whole number")]
    Weight,
    /// An option beginning with `+` that Exim does not have.
    #[error("there is no such option")]
    Option,
}

/// Why a list can't be written in a dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// The dialect has no negations, or not of this kind.
    #[error("{0}: there is no such negation")]
    Negation(ZoneName),
    /// The dialect has no weights in fractions of a point.
    #[error("{0}: weights are whole numbers")]
    Fraction(ZoneName),
    /// It would take too many addresses to write.
    #[error("{0}: the filter matches too many addresses to name each")]
    TooMany(ZoneName),
    /// The dialect asks no lists of this kind.
    #[error("{0}: lists of this kind can't be asked")]
    Kind(ZoneName),
}
