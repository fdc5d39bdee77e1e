//! What becomes of a feed's bodies: somebody imports them.

use std::fs::File;

use dnsbl_types::UnixTime;

use crate::feed::{Feed, Share};

/// Whoever imports rows.
pub trait Importer: Send + Sync + 'static {
    /// Replaces what the feed's source lists by the rows of all bodies, as a change at `now`: only what differs is
    /// changed. Blocks.
    ///
    /// # Errors
    /// Nothing was changed.
    fn import(
        &self,
        order: &Order<'_>,
        bodies: Vec<Body>,
        now: UnixTime,
    ) -> Result<Imported, ImportError>;

    /// Whether what the feed's source lists is still that of its import at that time. Blocks.
    fn is_current(&self, feed: &Feed, at: UnixTime) -> bool;
}

/// What is to be imported.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The feed.
    pub feed: &'a Feed,
    /// The share of the source's listings that may go.
    pub max_removed: Share,
    /// When rows expire that say nothing else.
    pub expires_at: Option<UnixTime>,
}

/// A part of what a feed has: all of a URL or a file, or a file of a folder. It is at its beginning.
#[derive(Debug)]
pub struct Body {
    /// The name of a file in a folder.
    pub name: Option<String>,
    /// What is in it, unpacked.
    pub file: File,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Its id.
    pub id: String,
    /// Its change.
    pub seq: u64,
    /// Subjects that the source did not list.
    pub added: u64,
    /// Subjects of which it said something else.
    pub updated: u64,
    /// Rows that changed nothing.
    pub unchanged: u64,
    /// Listings of the source that went.
    pub removed: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// What was not understood, or may not be what was meant; the first [`Note::MOST`].
    pub notes: Vec<Note>,
}

/// Something that is to be said about a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line, counted from 1 on; `None` where it is about all of them.
    pub line: Option<u64>,
    /// In words.
    pub text: String,
}

impl Note {
    /// How many are kept.
    pub const MOST: usize = 20;
    /// The longest text that is kept, in characters.
    pub const LONGEST: usize = 500;
}

/// The reason why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The clock is in doubt.
    #[error("{0}")]
    Clock(String),
    /// There is no such zone, or it takes no such listings.
    #[error("{0}")]
    Zone(String),
    /// It is no list, or none that can be read.
    #[error("{0}")]
    Unreadable(String),
    /// Too many rows were rejected.
    #[error(
        "{rejected} of {rows} rows are not understood or may not be listed, which is more than the feed allows"
    )]
    Rejected {
        /// How many were.
        rejected: u64,
        /// How many there are.
        rows: u64,
        /// The first of them.
        notes: Vec<Note>,
    },
    /// Too many listings would go.
    #[error("{0}")]
    Shrunk(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}

impl ImportError {
    /// What kind of reason it is, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Clock(_) => "clock",
            Self::Zone(_) => "zone",
            Self::Unreadable(_) => "unreadable",
            Self::Rejected { .. } => "rejected",
            Self::Shrunk(_) => "shrunk",
            Self::Store(_) => "store",
        }
    }

    /// What is to be said about single rows.
    pub fn notes(&self) -> &[Note] {
        match self {
            Self::Rejected { notes, .. } => notes,
            _ => &[],
        }
    }
}
