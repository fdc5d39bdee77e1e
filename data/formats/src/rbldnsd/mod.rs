//! The data sets of rbldnsd.
//!
//! A [`Reader`] takes the lines of a file one after the other and tells what each has to say: an [`Entry`], a
//! directive, or nothing. At the end [`Reader::finish`] makes rows of all of them, which mean the same where the
//! longest prefix decides, an exclusion beats listings there, and an exact name comes before the longest wildcard.
//!
//! | what | how it is told |
//! |---|---|
//! | ip4set decides by classes of prefixes | ranges are cut where that makes a difference, see `classes.rs` |
//! | tries count the first entry of a prefix | the others are left out |
//! | several values of an address or name | a row has all of them |
//! | an entry without a text | a value without a reason |
//! | `$` in a data set of domains is the name that is listed | `$` is the name that was asked for |
//! | an A value outside 127/8, a text that is not UTF-8, a name with other characters | a [`LineError`] |
//!
//! A [`CombinedReader`] has such a reader for each part of its file, a [`GenericReader`] reads records, an
//! [`AclReader`] who may ask.
//!
//! What is read otherwise than it looks is a [`Trap`]: it is counted, or with `strict` an error.

mod acl;
mod bytes;
mod classes;
mod combined;
mod common;
mod dataset;
mod directive;
mod entry;
mod error;
mod generic;
mod name;
mod part_name;
mod reader;
mod rows;
mod template;
mod time;
mod trap;
mod v4;
mod v6;
mod value;

pub use acl::{AclAction, AclFile, AclReader, AclRule};
pub use combined::{CombinedFile, CombinedReader, Contents, Part, Section, SectionEntry};
pub use dataset::{Dataset, DatasetType, ListType, UnknownDataset};
pub use directive::{At, NameServers, Settings, Soa};
pub use entry::{Entry, Subjects};
pub use error::{FileError, LineError, NameFault, TextError};
pub use generic::{GenericFile, GenericReader, Record, RecordData};
pub use part_name::{PartName, PartNameError};
pub use reader::{File, FileRows, Reader};
pub use trap::{Trap, Trapped};
pub use value::{Value, ValueId};
