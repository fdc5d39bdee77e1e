//! Findings for programs.

use serde_json::{Value, json};

use super::{
    Evidence, Findings, HostNames, ListedFacts, Mistake, Standing, ZoneFinding, permalink,
};
use crate::{Settings, shown::rfc3339};

/// What is known of a subject. The same is shown as on the page.
pub(crate) fn findings(findings: &Findings, settings: &Settings) -> Value {
    json!({
        "subject": findings.subject.to_string(),
        "listed": findings.is_listed(),
        "asked_at": rfc3339(findings.now),
        "zones": findings.zones.iter().map(zone).collect::<Vec<_>>(),
        "host_name": names(&findings.names),
        "permalink": settings.link(&permalink(&findings.subject)),
    })
}

/// Why there is nothing known (RFC 9457).
pub(crate) fn mistake(mistake: &Mistake) -> Value {
    let instead: Vec<String> = mistake.instead.iter().map(ToString::to_string).collect();
    json!({
        "type": "about:blank",
        "title": "neither an address, a prefix nor a domain",
        "status": 400,
        "given": mistake.typed.as_str(),
        "instead": instead,
    })
}

fn names(names: &HostNames) -> Value {
    match names {
        HostNames::NotAsked => Value::Null,
        HostNames::Unknown => json!({"state": "unknown"}),
        HostNames::Nameless => json!({"state": "none"}),
        HostNames::Unconfirmed(name) => json!({"state": "unconfirmed", "name": name.as_str()}),
        HostNames::Confirmed(name) => json!({"state": "confirmed", "name": name.as_str()}),
    }
}

fn zone(finding: &ZoneFinding) -> Value {
    let (standing, facts, removed) = match &finding.standing {
        Standing::NotListed { removed } => ("not-listed", None, removed.as_ref()),
        Standing::Excluded => ("excluded", None, None),
        Standing::Test => ("test-entry", None, None),
        Standing::Listed(facts) => ("listed", Some(&**facts), None),
    };
    let empty = ListedFacts::default();
    let facts = facts.unwrap_or(&empty);
    let reasons: Vec<&str> = facts.reasons.iter().map(|reason| reason.as_str()).collect();
    let included: Vec<String> = facts.included.iter().map(ToString::to_string).collect();
    json!({
        "zone": finding.zone.to_string(),
        "standing": standing,
        "by": facts.by.as_ref().map(ToString::to_string),
        "return_codes": facts.codes,
        "reasons": reasons,
        "first_seen": facts.first_seen.map(rfc3339),
        "last_changed": facts.last_changed.map(rfc3339),
        "expires_at": facts.expires_at.map(rfc3339),
        "included": included,
        "relay_test": facts.evidence.as_ref().map(evidence),
        "removed": removed.map(|removed| json!({
            "at": rfc3339(removed.at),
            "remembered_until": rfc3339(removed.remembered_until),
        })),
        "dns": finding.answer.as_ref().map(|answer| json!({
            "name": answer.name,
            "a": answer.a,
            "ttl": answer.ttl,
        })),
    })
}

fn evidence(evidence: &Evidence) -> Value {
    json!({
        "confirmed_at": rfc3339(evidence.confirmed_at),
        "probes": evidence.probes,
        "through_another": evidence.through_another,
        "next_test_at": rfc3339(evidence.next_test_at),
    })
}
