//! The shape of every error.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error (RFC 9457). Some have further members with facts, such as `covering` or `scope`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(from = "ProblemMembers")]
pub struct Problem {
    /// The path of the page that tells what it means, `/problems/` and a word.
    #[schema(example = "/problems/no-such-zone")]
    pub r#type: String,
    /// The word in plain text.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, where, and what to do.
    pub detail: String,
}

/// The members of a problem as they are read: none is compulsory (RFC 9457 section 3.1), and what stands
/// between client and server makes problems of its own.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemMembers {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
}

impl From<ProblemMembers> for Problem {
    fn from(members: ProblemMembers) -> Self {
        let ProblemMembers { r#type, title, status, detail } = members;
        Self { r#type, title, status, detail }
    }
}

/// The facts of a problem where a subject has no such listing: who else has a say in it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct NotListedProblem {
    /// The subject that was asked for.
    pub subject: String,
    /// Whether DNS lists it all the same.
    pub listed: bool,
    /// The subject whose listings or exclusion decide.
    pub by: Option<String>,
    /// The sources that list or exclude the subject itself.
    pub sources: Vec<String>,
    /// Those of them that list it.
    pub listed_by: Vec<String>,
    /// Those of them that exclude it.
    pub excluded_by: Vec<String>,
    /// The longest subject that covers it.
    pub covering: Option<String>,
    /// What covers it, the longest first.
    pub covered_by: Vec<SubjectSources>,
    /// Some of what is listed inside it.
    pub inside: Vec<SubjectSources>,
    /// Of a combined zone: the zones that it includes and that list it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
}

/// A subject and the sources that have a say in it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct SubjectSources {
    /// The address, prefix or domain.
    pub subject: String,
    /// The sources that list it.
    pub listed_by: Vec<String>,
    /// The sources that exclude it.
    pub excluded_by: Vec<String>,
}
