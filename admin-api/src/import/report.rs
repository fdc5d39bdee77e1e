//! What is to be said about an import.

use admin_api_types::{ImportReport, RowError, Warning};

use super::seems::Seems;

/// The report of an import: what was refused, and what was taken and may not be what was meant.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The first refused rows.
    pub(crate) errors: Vec<RowError>,
    /// What was taken, and may not be what was meant.
    pub(crate) warnings: Vec<Warning>,
    /// What the body seems to be, by most of its refused rows.
    pub(crate) seems: Option<Seems>,
}

impl Report {
    /// The report as it is shown.
    pub(crate) fn write(&self) -> ImportReport {
        ImportReport {
            errors: self.errors.clone(),
            warnings: self.warnings.clone(),
            seems: self.seems.map(|seems| seems.as_str().into()),
        }
    }
}
