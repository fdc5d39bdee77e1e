//! The shape of every error.

use serde::Serialize;
use utoipa::ToSchema;

/// An error (RFC 9457). Some have further members with facts, such as `covering` or `scope`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemOut {
    /// `urn:dnsbl:problem:` and a word.
    #[schema(example = "urn:dnsbl:problem:no-such-zone")]
    r#type: String,
    /// The word in plain text.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, where, and what to do.
    detail: String,
}
