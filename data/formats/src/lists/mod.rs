//! Lists as others publish them, of which each line stands for itself.
//!
//! A [`ListReader`] takes the lines of a file one after the other, and says of each what it lists: an [`Entry`], or
//! nothing, as of a comment. A line of which only a part would be understood is a [`ListError`]: nothing is taken of it.

mod adblock;
mod addresses;
mod entry;
mod error;
mod format;
mod hosts;
mod reader;
mod rpz;
mod words;

pub use entry::Entry;
pub use error::ListError;
pub use format::ListFormat;
pub use reader::ListReader;
