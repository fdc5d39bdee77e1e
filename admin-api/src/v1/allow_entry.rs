//! Allow entries: between JSON and the vocabulary.

use admin_api_types as api;
use dnsbl_store::AllowRecord;
use dnsbl_types::{AllowEntry, Name, Subject, UnixTime};

use super::{BodyError, time};
use crate::precondition::etag;

/// The entry that a body asks for.
pub(crate) fn read(
    body: api::AllowEntryBody,
    zone: Option<Name>,
    subject: Subject,
    token: &str,
    now: UnixTime,
) -> Result<AllowEntry, BodyError> {
    let entry = AllowEntry {
        zone,
        subject,
        reason: body.reason,
        owner: body.owner.unwrap_or_else(|| token.to_owned()),
        expires_at: time::expiry(body.expires_at.as_deref(), body.expires_in, now)?,
        created_at: now,
    };
    entry.check().map_err(BodyError::refused)
}

/// An entry as it is shown.
pub(crate) fn write(record: &AllowRecord) -> api::AllowEntry {
    let AllowEntry { zone, subject, reason, owner, expires_at, created_at } = &record.entry;
    api::AllowEntry {
        subject: subject.to_string(),
        zone: zone.as_ref().map(Name::to_string),
        reason: reason.clone(),
        owner: owner.clone(),
        expires_at: expires_at.map(time::write),
        created_at: time::write(*created_at),
        etag: etag(record.revision),
    }
}
