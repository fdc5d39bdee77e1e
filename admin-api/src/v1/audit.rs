//! Audit records.

use admin_api_types as api;
use dnsbl_store::AuditRecord;
use relay_tester::TestId;

use super::time;

/// A record as it is shown.
pub(crate) fn write(record: AuditRecord) -> api::AuditRecord {
    api::AuditRecord {
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
