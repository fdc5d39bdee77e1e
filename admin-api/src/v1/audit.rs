//! Audit records.

use dnsbl_store::AuditRecord;
use relay_tester::TestId;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

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
    /// The name of the token, or the part of the server.
    actor: String,
    /// The token's public id; null for the server, and for changes of older releases.
    token_id: Option<String>,
    /// The client's address.
    remote: Option<String>,
    /// What was done, as `op` in the change feed.
    action: String,
    /// To which zone.
    zone: Option<String>,
    /// To which subject, token, relay test or other document.
    subject: Option<String>,
    /// For which source.
    source: Option<String>,
}

impl From<AuditRecord> for AuditOut {
    fn from(record: AuditRecord) -> Self {
        Self {
            seq: record.seq,
            at: time::write(record.at),
            actor: record.actor,
            token_id: record.token,
            remote: record.remote,
            subject: shown_subject(&record.action, record.subject.as_deref()),
            action: record.action,
            zone: record.zone,
            source: record.source,
        }
    }
}

/// A subject as people know it: the store names relay tests by numbers, everything else by their ids.
pub(crate) fn shown_subject(action: &str, subject: Option<&str>) -> Option<String> {
    let is_test = matches!(action, "relay-test-put" | "relay-test-delete");
    let subject = subject?;
    let number = u64::from_str_radix(subject, 16).ok().filter(|_| is_test && subject.len() == 16);
    Some(number.map_or_else(|| subject.to_owned(), |number| TestId(number).to_string()))
}

#[cfg(test)]
mod tests {
    use super::shown_subject;

    #[test]
    fn a_relay_test_has_the_id_that_people_know() {
        let shown = |action, subject| shown_subject(action, Some(subject)).unwrap();
        assert_eq!(shown("relay-test-put", "06b0c40d0468b6b0"), "a2ymidienc3la");
        assert_eq!(shown("relay-host-put", "06b0c40d0468b6b0"), "06b0c40d0468b6b0");
        assert_eq!(shown("put", "192.0.2.1"), "192.0.2.1");
        assert_eq!(shown("relay-test-put", "2026-1"), "2026-1");
    }
}
