//! Listings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A listing or exclusion to be put. What is left out means the zone's value when the question is asked.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListingBody {
    /// A records inside 127.0.0.0/8; left out or empty: the zone's.
    #[schema(example = json!(["127.0.0.2"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_codes: Option<Vec<String>>,
    /// TXT record; `$` is the subject that was asked for, `$$` a dollar. Left out: the zone's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A hole in what is listed, not a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusion: Option<bool>,
    /// Words to search for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// A note for the operators, never shown over DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// From when on it is absent (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The same, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// As it reads back. In a PUT it must name the same subject; compulsory in an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// As it reads back. In a PUT it must name the same source; an import takes the listing for that
    /// source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// As it reads back. A PUT ignores it; an import keeps it where the source did not list the subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<String>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// As it reads back; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed_by: Option<String>,
    /// As a PUT answers; ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// A listing or exclusion as it is kept: what one source says of a subject.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Listing {
    /// The address, prefix or domain.
    pub subject: String,
    /// Who says so.
    pub source: String,
    /// Its own return codes; null: the zone's.
    pub return_codes: Option<Vec<String>>,
    /// Its own reason; null: the zone's.
    pub reason: Option<String>,
    /// Whether it is a hole in what is listed.
    pub exclusion: bool,
    /// Words to search for.
    pub tags: Vec<String>,
    /// A note for the operators.
    pub note: Option<String>,
    /// From when on it is absent; null: never.
    pub expires_at: Option<String>,
    /// Its entity tag, to be sent as `If-Match`.
    #[schema(example = "\"12\"")]
    pub etag: String,
    /// When this source first listed it.
    pub listed_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// The token that wrote it last.
    pub listed_by: String,
}

/// A resource as it now is, and what may not be what was meant.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Warned<T> {
    /// The resource.
    #[serde(flatten)]
    pub resource: T,
    /// What mail servers would not show of its reason; left out where there is nothing to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// All that is said of a subject.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Subject {
    /// The address, prefix or domain.
    pub subject: String,
    /// What its listings answer together; empty where it is excluded.
    pub return_codes: Vec<String>,
    /// One for each source.
    pub listings: Vec<Listing>,
}

/// A page of listings.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ListingPage {
    /// At most `limit`; fewer, maybe none, where the search has looked for long enough.
    pub listings: Vec<Listing>,
    /// What to send as `cursor` for the next page; null on the last, and only there.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::ListingBody;

    #[test]
    fn unknown_fields_of_a_request_are_errors() {
        assert!(serde_json::from_str::<ListingBody>(r#"{"code":"127.0.0.2"}"#).is_err());
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        assert_eq!(serde_json::to_string(&ListingBody::default()).unwrap(), "{}");
    }
}
