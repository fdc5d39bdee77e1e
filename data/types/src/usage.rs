//! What is asked, in numbers.

use std::ops::AddAssign;

/// A number of questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All of them.
    pub questions: u64,
    /// Those for something that is listed.
    pub listed: u64,
    /// Those that were denied.
    pub refused: u64,
}

impl Usage {
    /// Whether nothing was asked.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.questions = self.questions.saturating_add(more.questions);
        self.listed = self.listed.saturating_add(more.listed);
        self.refused = self.refused.saturating_add(more.refused);
    }
}
