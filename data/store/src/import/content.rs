//! What is to be decided of a source.

use std::sync::Arc;

use crate::{
    format::undo::UndoPart,
    import::{folder::Folder, run::Runs, selection::Selection},
};

/// What is decided of one source.
pub(crate) enum Content {
    /// The rows of an import.
    Import(Runs),
    /// What a purge is about.
    Purge { selection: Arc<Selection>, folder: Folder },
    /// What was said before a change, and after.
    Undo { part: UndoPart, folder: Folder },
}

impl Content {
    /// The folder for its files.
    pub(crate) fn folder(&self) -> &Folder {
        match self {
            Self::Import(runs) => runs.folder(),
            Self::Purge { folder, .. } | Self::Undo { folder, .. } => folder,
        }
    }

    /// Whether what an undo needs is written down. That of an undo is there already, the other way round.
    pub(crate) fn keeps(&self) -> bool {
        !matches!(self, Self::Undo { .. })
    }
}
