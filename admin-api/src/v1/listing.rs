//! Listings.

use admin_api_types as api;
use dnsbl_types::{Listing, ListingBody, ReturnCode, UnixTime, Zone};

use super::{BodyError, parse, parse_all, texts, time};
use crate::precondition::etag;

/// The checked body.
pub(crate) fn read(body: api::ListingBody, now: UnixTime) -> Result<ListingBody, BodyError> {
    let codes = body.return_codes.unwrap_or_default();
    let reason = body.reason.map(|text| parse("reason", &text));
    let body = ListingBody {
        return_codes: parse_all("return_codes", &codes)?,
        reason: reason.transpose()?,
        exclusion: body.exclusion.unwrap_or(false),
        tags: body.tags.unwrap_or_default(),
        note: body.note,
        expires_at: time::expiry(body.expires_at.as_deref(), body.expires_in, now)?,
    };
    body.checked().map_err(BodyError::refused)
}

/// A listing as it is shown.
pub(crate) fn write(listing: &Listing) -> api::Listing {
    let body = &listing.body;
    let codes = &body.return_codes;
    api::Listing {
        subject: listing.subject.to_string(),
        source: listing.source.to_string(),
        return_codes: (!codes.is_empty()).then(|| texts(codes)),
        reason: body.reason.as_ref().map(|reason| reason.template().to_owned()),
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

/// What the listings of one subject answer together, as the index joins them.
pub(crate) fn effective_codes(listings: &[Listing], zone: &Zone) -> Vec<ReturnCode> {
    if listings.iter().any(|listing| listing.body.exclusion) {
        return Vec::new();
    }
    let default = &zone.answered().return_codes;
    let own = listings.iter().map(|listing| &listing.body.return_codes);
    let all = own.flat_map(|own| if own.is_empty() { default } else { own });
    let mut codes: Vec<ReturnCode> = all.copied().filter(|code| code.is_answered()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn body(json: &str) -> Result<ListingBody, BodyError> {
        read(serde_json::from_str(json).unwrap(), NOW)
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
}
