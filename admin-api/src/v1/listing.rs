//! Listings.

use dnsbl_types::{Listing, ListingBody, ReturnCode, UnixTime, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BodyError, parse, parse_all, texts, time};
use crate::precondition::etag;

/// What a source says of a subject. What is left out means the zone's value when the question is asked.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ListingBody)]
pub(crate) struct ListingIn {
    /// A records inside 127.0.0.0/8; left out or empty: the zone's.
    #[schema(example = json!(["127.0.0.2"]))]
    pub(crate) return_codes: Option<Vec<String>>,
    /// TXT record; `$` is the subject that was asked for, `$$` a dollar. Left out: the zone's.
    pub(crate) reason: Option<String>,
    /// A hole in what is listed, not a listing.
    pub(crate) exclusion: Option<bool>,
    /// Words to search for.
    pub(crate) tags: Option<Vec<String>>,
    /// A note for the operators, never shown over DNS.
    pub(crate) note: Option<String>,
    /// From when on it is absent (RFC 3339).
    pub(crate) expires_at: Option<String>,
    /// The same, in seconds from now.
    pub(crate) expires_in: Option<u64>,
    /// As it reads back. In a PUT it must name the same subject; compulsory in an import.
    pub(crate) subject: Option<String>,
    /// As it reads back. In a PUT it must name the same source; an import takes the listing for that
    /// source's.
    pub(crate) source: Option<String>,
    /// As it reads back; ignored.
    pub(crate) etag: Option<String>,
    /// As it reads back. A PUT ignores it; an import keeps it where the source did not list the subject.
    pub(crate) listed_at: Option<String>,
    /// As it reads back; ignored.
    pub(crate) updated_at: Option<String>,
    /// As it reads back; ignored.
    pub(crate) listed_by: Option<String>,
    /// As a PUT answers; ignored.
    pub(crate) warnings: Option<Vec<String>>,
}

impl ListingIn {
    /// The checked body.
    pub(crate) fn into_body(self, now: UnixTime) -> Result<ListingBody, BodyError> {
        let codes = self.return_codes.unwrap_or_default();
        let reason = self.reason.map(|text| parse("reason", &text));
        let body = ListingBody {
            return_codes: parse_all("return_codes", &codes)?,
            reason: reason.transpose()?,
            exclusion: self.exclusion.unwrap_or(false),
            tags: self.tags.unwrap_or_default(),
            note: self.note,
            expires_at: time::expiry(self.expires_at.as_deref(), self.expires_in, now)?,
        };
        body.checked().map_err(BodyError::refused)
    }
}

/// What a source says of a subject, as it is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Listing)]
pub(crate) struct ListingOut {
    /// The address, prefix or domain.
    pub(crate) subject: String,
    /// Who says so.
    pub(crate) source: String,
    /// Its own return codes; null: the zone's.
    pub(crate) return_codes: Option<Vec<String>>,
    /// Its own reason; null: the zone's.
    pub(crate) reason: Option<String>,
    /// Whether it is a hole in what is listed.
    pub(crate) exclusion: bool,
    /// Words to search for.
    pub(crate) tags: Vec<String>,
    /// A note for the operators.
    pub(crate) note: Option<String>,
    /// From when on it is absent; null: never.
    pub(crate) expires_at: Option<String>,
    /// Its entity tag, to be sent as `If-Match`.
    #[schema(example = "\"12\"")]
    pub(crate) etag: String,
    /// When this source first listed it.
    pub(crate) listed_at: String,
    /// When it last changed.
    pub(crate) updated_at: String,
    /// The token that wrote it last.
    pub(crate) listed_by: String,
}

impl From<&Listing> for ListingOut {
    fn from(listing: &Listing) -> Self {
        let body = &listing.body;
        let codes = &body.return_codes;
        Self {
            subject: listing.subject.to_string(),
            source: listing.source.to_string(),
            return_codes: (!codes.is_empty()).then(|| texts(codes)),
            reason: body.reason.as_ref().map(|r| r.template().to_owned()),
            exclusion: body.exclusion,
            tags: body.tags.clone(),
            note: body.note.clone(),
            expires_at: body.expires_at.map(time::write),
            etag: etag(listing.seq),
            listed_at: time::write(listing.listed_at),
            updated_at: time::write(listing.updated_at),
            listed_by: listing.listed_by.clone(),
        }
    }
}

/// All that is said of a subject.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subject)]
pub(crate) struct SubjectOut {
    /// The address, prefix or domain.
    pub(crate) subject: String,
    /// What its listings answer together; empty where it is excluded.
    pub(crate) return_codes: Vec<String>,
    /// One for each source.
    pub(crate) listings: Vec<ListingOut>,
}

/// A page of listings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListingPage)]
pub(crate) struct PageOut {
    /// At most `limit`; fewer, maybe none, where the search has looked for long enough.
    pub(crate) listings: Vec<ListingOut>,
    /// What to send as `cursor` for the next page; null on the last, and only there.
    pub(crate) next: Option<String>,
}

/// What the listings of one subject answer together, as the index joins them.
pub(crate) fn effective_codes(listings: &[Listing], zone: &Zone) -> Vec<ReturnCode> {
    if listings.iter().any(|listing| listing.body.exclusion) {
        return Vec::new();
    }
    let zone = zone.answered();
    let own = listings.iter().map(|listing| &listing.body.return_codes);
    let codes = own.flat_map(|own| if own.is_empty() { &zone.return_codes } else { own });
    let mut codes: Vec<ReturnCode> = codes.copied().filter(|code| code.is_answered()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn body(json: &str) -> Result<ListingBody, BodyError> {
        let parsed: ListingIn = serde_json::from_str(json).unwrap();
        parsed.into_body(NOW)
    }

    #[test]
    fn an_empty_body_means_the_zones_values() {
        assert_eq!(body("{}").unwrap(), ListingBody::default());
        let nulls = r#"{"return_codes":null,"reason":null,"note":null,"expires_at":null}"#;
        assert_eq!(body(nulls).unwrap(), ListingBody::default());
    }

    #[test]
    fn a_wrong_code_is_named_with_its_place() {
        let err = body(r#"{"return_codes":["127.0.0.2","1.2.3.4"]}"#).unwrap_err();
        assert_eq!(
            err,
            BodyError::Malformed(
                "return_codes[1]: return code 1.2.3.4 is not inside 127.0.0.0/8".into()
            )
        );
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let err = body(r#"{"exclusion":true,"return_codes":["127.0.0.2"]}"#).unwrap_err();
        assert!(matches!(err, BodyError::Refused(_)), "{err:?}");
    }

    #[test]
    fn unknown_fields_are_errors() {
        assert!(serde_json::from_str::<ListingIn>(r#"{"code":"127.0.0.2"}"#).is_err());
    }
}
