//! XARF 4: reports of abuse as JSON (<https://xarf.org>).

use dnsbl_types::{ReportCategory, UnixTime};
use serde::Deserialize;

use super::{
    beside::{Beside, BodyError, subject},
    mime,
};
use crate::{Claimed, Comment, Evidence};

/// The most pieces of evidence that are looked at.
const MAX_EVIDENCE: usize = 8;

/// What is read of a report; it may say much more.
#[derive(Deserialize)]
struct Xarf {
    xarf_version: String,
    source_identifier: String,
    /// Releases before 4.1 called it `class`.
    #[serde(alias = "class")]
    category: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: Option<String>,
    first_seen: Option<String>,
    last_seen: Option<String>,
    evidence_source: Option<String>,
    description: Option<String>,
    service: Option<String>,
    #[serde(default)]
    evidence: Vec<Piece>,
}

#[derive(Deserialize)]
struct Piece {
    content_type: String,
    payload: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    xarf_version: Option<serde::de::IgnoredAny>,
}

/// Whether JSON is meant as a report of this kind.
pub fn is_xarf(body: &[u8]) -> bool {
    let version = serde_json::from_slice::<Version>(body);
    version.is_ok_and(|version| version.xarf_version.is_some())
}

/// Reads a report.
///
/// # Errors
/// It is none of version 4, names no subject, or says nothing that a category stands for.
pub fn read(body: &[u8], beside: &Beside) -> Result<Claimed, BodyError> {
    let xarf: Xarf =
        serde_json::from_slice(body).map_err(|err| BodyError::Malformed(format!("XARF: {err}")))?;
    if xarf.xarf_version.split('.').next() != Some("4") {
        let detail = format!("xarf_version: {:?} is not read here, 4 is", xarf.xarf_version);
        return Err(BodyError::Malformed(detail));
    }
    let time = |field: &str, text: &Option<String>| {
        text.as_ref().map(|text| read_time(field, text)).transpose()
    };
    let last_seen = time("last_seen", &xarf.last_seen)?;
    Ok(Claimed {
        zone: beside.zone.clone(),
        subject: subject("source_identifier", &xarf.source_identifier)?,
        category: beside.category.map_or_else(|| category(&xarf), Ok)?,
        count: 1,
        first_seen: time("first_seen", &xarf.first_seen)?,
        last_seen: last_seen.or(time("timestamp", &xarf.timestamp)?),
        comment: xarf.description.as_deref().and_then(Comment::new),
        evidence: evidence(&xarf.evidence)?,
    })
}

fn category(xarf: &Xarf) -> Result<ReportCategory, BodyError> {
    use ReportCategory::{BruteForce, Malware, Phishing, Relay, Spam, SpamTrap};
    let is_trap = matches!(xarf.evidence_source.as_deref(), Some("spamtrap" | "spam_trap"));
    let is_mail =
        xarf.service.as_deref().is_some_and(|service| service.eq_ignore_ascii_case("smtp"));
    match (xarf.category.as_str(), xarf.kind.as_str()) {
        ("messaging", "spam" | "bulk_messaging") if is_trap => Ok(SpamTrap),
        ("messaging", "spam" | "bulk_messaging") => Ok(Spam),
        ("messaging" | "content", "phishing") => Ok(Phishing),
        ("content", "malware") => Ok(Malware),
        ("infrastructure", "botnet" | "bot" | "compromised_server") => Ok(Malware),
        ("connection", "infected_host" | "bot") => Ok(Malware),
        ("connection", "login_attack" | "auth_failure") => Ok(BruteForce),
        ("vulnerability", "open_service" | "open" | "misconfiguration") if is_mail => Ok(Relay),
        (category, kind) => Err(BodyError::Other(format!(
            "{category:?} {kind:?} stands for no category; name one with ?category="
        ))),
    }
}

fn read_time(field: &str, text: &str) -> Result<UnixTime, BodyError> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    let at =
        at.map_err(|_| BodyError::Malformed(format!("{field}: {text:?} is no time of RFC 3339")))?;
    Ok(UnixTime(u64::try_from(at.as_second()).unwrap_or(0)))
}

/// Headers of messages, and texts, one after the other.
fn evidence(pieces: &[Piece]) -> Result<Option<Evidence>, BodyError> {
    let mut text = String::new();
    for piece in pieces.iter().take(MAX_EVIDENCE) {
        let kind = mime::media_type(&piece.content_type);
        let is_message = kind == "message/rfc822";
        if !is_message && !kind.starts_with("text/") {
            continue;
        }
        let octets = mime::base64(piece.payload.as_bytes())
            .map_err(|err| BodyError::Malformed(format!("evidence: {err}")))?;
        let piece = String::from_utf8_lossy(&octets);
        let piece = if is_message { Evidence::of_message(&piece) } else { Evidence::new(&piece) };
        if let Some(piece) = piece {
            text.push_str(piece.as_str());
            text.push('\n');
        }
    }
    Ok(Evidence::new(&text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn xarf(more: &Value) -> Vec<u8> {
        let message = "From: a@example.com\r\nTo: taro@example.jp\r\nSubject: x\r\n\r\nbody";
        let mut report = json!({
            "xarf_version": "4.2.0", "report_id": "550e8400-e29b-41d4-a716-446655440000",
            "timestamp": "2026-01-15T14:30:25Z",
            "reporter": {"org": "Example", "contact": "abuse@example.net", "domain": "example.net"},
            "sender": {"org": "Example", "contact": "abuse@example.net", "domain": "example.net"},
            "source_identifier": "192.0.2.7", "source_port": 25,
            "category": "messaging", "type": "spam", "protocol": "smtp",
            "evidence_source": "spamtrap",
            "evidence": [{"content_type": "message/rfc822", "description": "the mail",
                "payload": data_encoding::BASE64.encode(message.as_bytes())},
                {"content_type": "image/png", "payload": "AAAA"}],
        });
        report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        report.to_string().into_bytes()
    }

    #[test]
    fn a_report_is_read_with_the_header_of_its_evidence() {
        let body = xarf(&json!({}));
        assert!(is_xarf(&body) && !is_xarf(b"{\"subject\":\"192.0.2.1\"}") && !is_xarf(b"x"));
        let claimed = read(&body, &Beside::default()).unwrap();
        assert_eq!(claimed.subject, "192.0.2.7".parse().unwrap());
        assert_eq!(claimed.category, ReportCategory::SpamTrap);
        assert_eq!(claimed.last_seen, Some(UnixTime(1_768_487_425)));
        assert_eq!(
            claimed.evidence.unwrap().as_str(),
            "From: a@example.com\nTo: (removed)\nSubject: x"
        );
    }

    #[test]
    fn categories_and_types_stand_for_ours_and_the_sender_may_name_another() {
        let of = |category: &str, kind: &str, more: Value| {
            let mut report = json!({"category": category, "type": kind, "evidence_source": "logs"});
            report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(&xarf(&report), &Beside::default()).map(|claimed| claimed.category)
        };
        let none = || json!({});
        assert_eq!(of("messaging", "spam", none()), Ok(ReportCategory::Spam));
        assert_eq!(of("content", "phishing", none()), Ok(ReportCategory::Phishing));
        assert_eq!(of("infrastructure", "botnet", none()), Ok(ReportCategory::Malware));
        assert_eq!(of("connection", "login_attack", none()), Ok(ReportCategory::BruteForce));
        let smtp = json!({"service": "smtp"});
        assert_eq!(of("vulnerability", "misconfiguration", smtp), Ok(ReportCategory::Relay));
        assert!(of("vulnerability", "misconfiguration", none()).is_err());
        assert!(of("copyright", "p2p", none()).is_err());
        let beside = Beside { category: Some(ReportCategory::Policy), zone: None };
        let policy = read(&xarf(&json!({"type": "other"})), &beside).unwrap();
        assert_eq!(policy.category, ReportCategory::Policy);
    }

    #[test]
    fn what_is_no_report_says_why() {
        for (more, says) in [
            (json!({"xarf_version": "3"}), "xarf_version"),
            (json!({"source_identifier": "https://example.com/x"}), "source_identifier"),
            (json!({"timestamp": "yesterday"}), "timestamp"),
            (json!({"evidence": [{"content_type": "text/plain", "payload": "?"}]}), "evidence"),
            (json!({"type": null}), "type"),
        ] {
            let err = read(&xarf(&more), &Beside::default()).unwrap_err();
            assert!(err.to_string().contains(says), "{says}: {err}");
        }
    }
}
