//! Audit records.

use dnsbl_store::AuditRecord;
use dnsbl_types::UnixTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::{relay_test::shown_id, time};

/// A page of audit records, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct AuditPageOut {
    /// About `limit`; those of one change stay together.
    pub(crate) records: Vec<AuditOut>,
    /// What to send as `before` for the next page; null on the last.
    pub(crate) next: Option<u64>,
}

/// Who did what, when and from where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct AuditOut {
    /// The change.
    seq: u64,
    /// When.
    at: String,
    /// The name of the token, or the server itself.
    actor: String,
    /// The client's address.
    remote: Option<String>,
    /// What was done, as `op` in the change feed.
    action: String,
    /// To which zone.
    zone: Option<String>,
    /// To which subject, token or document; a relay test by its id.
    subject: Option<String>,
    /// For which source.
    source: Option<String>,
}

impl From<AuditRecord> for AuditOut {
    fn from(record: AuditRecord) -> Self {
        let shown = |subject: String| shown_id(&record.action, subject);
        Self {
            subject: record.subject.map(shown),
            seq: record.seq,
            at: time::write(UnixTime(record.at)),
            actor: record.actor,
            remote: record.remote,
            action: record.action,
            zone: record.zone,
            source: record.source,
        }
    }
}
