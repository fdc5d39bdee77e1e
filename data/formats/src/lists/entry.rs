//! What a line says.

use dnsbl_types::Subject;

/// What a line lists, or excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// At least one.
    pub subjects: Vec<Subject>,
    /// Whether they are not to be listed, whatever other lines say.
    pub exclusion: bool,
}

impl Entry {
    pub(super) fn listed(subjects: Vec<Subject>) -> Self {
        Self { subjects, exclusion: false }
    }
}
