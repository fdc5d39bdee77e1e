//! What files of others mean: lines in, rows out. No IO, no HTTP.
//!
//! [`rbldnsd`] reads the data sets of rbldnsd, whose lines mean something only together; [`lists`] reads lists of which
//! each line stands for itself. A [`Format`] is one of all that an import or a feed takes.

mod format;
pub mod lists;
pub mod rbldnsd;

pub use format::{Field, FieldError, Format, FormatError};
