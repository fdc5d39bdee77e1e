//! The file of a backup: how a copy of a store is written, read back and verified. No database is known here.
//!
//! ```text
//! zstd( tar( backup.json, file, file, … ) ) · skippable frame of zstd with a BLAKE3 digest of all octets before it
//! ```
//!
//! So `zstd -dc FILE | tar -tv` shows what is in it, and `tar` can unpack it where nothing of ours is at hand. `backup.json` is the
//! [`Manifest`]: which change the copy ends with, and size and digest of each file. The digest at the end is what finds every bit
//! that has flipped, also those of the compressed stream that mean nothing to whoever unpacks it.
//!
//! What is read is not believed: names are plain, sizes are those of the manifest, and nothing may follow.

mod error;
mod manifest;
mod read;
mod seal;
mod tar;
mod write;

pub use error::BackupError;
pub use manifest::{FileEntry, Manifest};
pub use read::{Destination, Folder, Nowhere, read};
pub use write::write;
