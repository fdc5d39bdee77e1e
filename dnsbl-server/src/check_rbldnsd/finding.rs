//! What there is to say of a file or a zone.

use std::{
    collections::HashMap,
    mem::{Discriminant, discriminant},
    path::{Path, PathBuf},
};

use dnsbl_formats::rbldnsd::{LineError, Trap, Trapped};

/// What a finding means for who moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Both answer the same; it is as well to know.
    Same,
    /// Something is answered otherwise here.
    Differs,
    /// Something is not taken over.
    LeftOut,
    /// rbldnsd does not serve it, or it can't be read.
    Broken,
}

/// Something to be said, of so many lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) file: Option<PathBuf>,
    /// The first line that it is about.
    pub(super) line: Option<u64>,
    /// How many there are.
    pub(super) count: u64,
    pub(super) text: String,
}

impl Level {
    /// Its name in JSON.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::LeftOut => "left-out",
            Self::Broken => "broken",
        }
    }
}

impl Finding {
    pub(super) fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, file: None, line: None, count: 1, text: text.into() }
    }

    pub(super) fn at(mut self, file: &Path, line: Option<u64>) -> Self {
        (self.file, self.line) = (Some(file.to_owned()), line);
        self
    }

    pub(super) fn many(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    /// What a line means otherwise than it looks.
    pub(super) fn of_trap(file: &Path, trapped: &Trapped) -> Self {
        let level = match trapped.trap {
            Trap::CarriageReturn
            | Trap::ByteOrderMark
            | Trap::LongText
            | Trap::LongRecord
            | Trap::Mapped
            | Trap::Parameters => Level::Differs,
            Trap::SpacedRange
            | Trap::IgnoredValue
            | Trap::IgnoredDefault
            | Trap::IgnoredVariable
            | Trap::IgnoredDirective
            | Trap::SecondRule
            | Trap::NoLength => Level::Same,
        };
        let text = trapped.trap.to_string();
        Self::new(level, text).at(file, Some(trapped.line)).many(trapped.count)
    }
}

/// The lines of a file that say nothing, by what is wrong with them.
#[derive(Default)]
pub(super) struct Dropped(HashMap<Discriminant<LineError>, Finding>);

impl Dropped {
    /// Adds one. `cuts_host_bits`: rbldnsd takes prefixes with host bits for those without.
    pub(super) fn add(&mut self, file: &Path, line: u64, wrong: &LineError, cuts_host_bits: bool) {
        let kind = discriminant(wrong);
        if let Some(known) = self.0.get_mut(&kind) {
            known.count += 1;
            return;
        }
        let cut = cuts_host_bits && matches!(wrong, LineError::HostBits { .. });
        let finding = match wrong {
            _ if cut => {
                let text =
                    format!("{wrong}; rbldnsd -e lists that, and here the line says nothing");
                Finding::new(Level::Differs, text)
            }
            wrong if wrong.differs() => {
                Finding::new(Level::Differs, format!("{wrong}; the line says nothing here"))
            }
            wrong => Finding::new(Level::Same, format!("{wrong}; rbldnsd drops the line, too")),
        };
        self.0.insert(kind, finding.at(file, Some(line)));
    }

    /// One finding for each kind, in the order of their first lines.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.0.into_values().collect();
        findings.sort_by_key(|finding| finding.line);
        findings
    }
}
