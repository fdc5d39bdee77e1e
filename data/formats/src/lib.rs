//! What files of others mean: lines in, rows out, and the other way round. No IO, no HTTP.
//!
//! [`rbldnsd`] reads the data sets of rbldnsd, whose lines mean something only together; [`lists`] reads lists of which
//! each line stands for itself. A [`Format`] is one of all that an import or a feed takes. [`export`] writes what a zone
//! lists for other servers: rbldnsd, name servers, and resolvers with a policy.

pub mod export;
mod format;
pub mod lists;
pub mod rbldnsd;

pub use format::{Field, FieldError, Format, FormatError};
