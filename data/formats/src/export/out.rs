//! The text that an export writes.

use std::fmt;

/// Text on its way to whoever reads the export.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) text: String,
}

impl Out {
    pub(super) fn write(&mut self, text: fmt::Arguments<'_>) {
        fmt::Write::write_fmt(&mut self.text, text).expect("a string takes any text");
    }
}
