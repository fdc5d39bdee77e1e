//! What mail servers send of their own accord: JSON in three forms.

pub mod cyrus;
pub mod dovecot;
pub mod policy;
mod text;

/// The reason why an event can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is no JSON of the form that is sent there.
    #[error("this is no such event: {0}")]
    Json(#[from] serde_json::Error),
    /// A field has a value that it can't have.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why not.
        reason: String,
    },
}

impl EventError {
    fn field(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Field { field, reason: reason.into() }
    }
}
