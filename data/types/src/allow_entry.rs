//! Allow entries: what is not listed, whatever a listing, an import or a range says.

use crate::{Name, Subject, UnixTime};

/// A promise that a subject, and all that it covers, is not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowEntry {
    /// The zone that it holds for; `None`: all of them.
    pub zone: Option<Name>,
    /// What is not listed.
    pub subject: Subject,
    /// Why: 1 to 500 characters, none of them a control character.
    pub reason: String,
    /// Who answers for it: 1 to 100 characters, none of them a control character.
    pub owner: String,
    /// From when on it does not hold any more.
    pub expires_at: Option<UnixTime>,
    /// When it was made.
    pub created_at: UnixTime,
}

/// What makes no allow entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowEntryError {
    /// A reason that is empty, too long or not readable.
    #[error("reason: say in 1 to {max} characters, without control characters, why it is not to be listed", max = AllowEntry::MAX_REASON)]
    Reason,
    /// An owner that is empty, too long or not readable.
    #[error("owner: say in 1 to {max} characters, without control characters, who answers for it", max = AllowEntry::MAX_OWNER)]
    Owner,
}

impl AllowEntry {
    /// The most characters of a reason.
    pub const MAX_REASON: usize = 500;
    /// The most characters of an owner.
    pub const MAX_OWNER: usize = 100;

    /// The same if it makes sense.
    ///
    /// # Errors
    /// A text is not as it should be.
    pub fn check(self) -> Result<Self, AllowEntryError> {
        let is_text = |text: &str, max: usize| {
            !text.trim().is_empty()
                && text.chars().count() <= max
                && !text.contains(char::is_control)
        };
        match (is_text(&self.reason, Self::MAX_REASON), is_text(&self.owner, Self::MAX_OWNER)) {
            (false, _) => Err(AllowEntryError::Reason),
            (_, false) => Err(AllowEntryError::Owner),
            (true, true) => Ok(self),
        }
    }

    /// Whether it holds.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}
