//! Imports: a body of rows, decoded, read row by row and staged.

mod after;
pub(crate) mod body;
mod csv;
mod dataset;
mod format;
mod generic;
mod lines;
mod ndjson;
mod parts;
mod plain;
mod report;
mod row;
pub(crate) mod seems;
mod stage;

pub use format::count_rows;
pub(crate) use format::{Content, Format};
pub(crate) use report::Report;
pub(crate) use stage::{Decided, ImportOrder, Refused, Stop, Whose, stage};
