//! Exports: one state of a zone, written as it is read.

mod allowed;
pub(crate) mod csv;
mod ndjson;
mod plain;
mod write;

pub(crate) use write::{Begun, ExportFormat, ExportOrder, allowed, entity_tag, subjects, write};
