//! What was said, fit to be shown.

/// The lines of a dialogue, with all tokens cut; bounded in lines and length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// `C: ` what we said, `S: ` what the server said, `* ` what happened.
    pub lines: Vec<String>,
}
