//! Imports: a body of rows, decoded, read row by row and staged.

mod after;
mod auto;
pub(crate) mod body;
mod column;
mod csv;
mod dataset;
mod format;
mod generic;
mod lines;
mod list;
mod members;
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
pub(crate) use stage::{Decided, ImportOrder, Refused, Staged, Stop, Whose, stage};
