//! The Abuse Reporting Format, which mail providers send to whom their users complain about (RFC 5965).

use dnsbl_types::{ReportCategory, Subject, UnixTime};

use super::{
    beside::{Beside, BodyError, subject},
    mime::{self, Entity},
};
use crate::{Claimed, Comment, Evidence};

/// Reads a report whose `Content-Type` is `multipart/report`, or a whole message (`message/rfc822`) with such a one.
///
/// # Errors
/// It is none, is cut, names nobody, or says nothing that a category stands for.
pub fn read(content_type: &str, body: &[u8], beside: &Beside) -> Result<Claimed, BodyError> {
    if mime::media_type(content_type) == "message/rfc822" {
        let message = Entity::read(body);
        let content_type = message.field("content-type").unwrap_or_default();
        return read_report(content_type, &message.decoded()?, beside);
    }
    read_report(content_type, body, beside)
}

fn read_report(content_type: &str, body: &[u8], beside: &Beside) -> Result<Claimed, BodyError> {
    let report_type = mime::parameter(content_type, "report-type").unwrap_or_default();
    let is_report = mime::media_type(content_type) == "multipart/report"
        && report_type.eq_ignore_ascii_case("feedback-report");
    if !is_report {
        return Err(BodyError::malformed(
            "the Content-Type is not multipart/report; report-type=feedback-report (RFC 5965 section 2)",
        ));
    }
    let boundary = mime::parameter(content_type, "boundary");
    let boundary =
        boundary.ok_or_else(|| BodyError::malformed("the Content-Type has no boundary"))?;
    let parts = mime::parts(body, &boundary)?;
    let of = |kinds: &[&str]| parts.iter().find(|part| kinds.contains(&part.media_type().as_str()));
    let feedback = of(&["message/feedback-report"])
        .ok_or_else(|| BodyError::malformed("it has no part message/feedback-report"))?;
    let feedback = Entity::read(&feedback.decoded()?);
    let message = of(&["message/rfc822", "text/rfc822-headers", "message/rfc822-headers"]);
    let evidence = message.map(Entity::decoded).transpose()?;
    let evidence =
        evidence.and_then(|octets| Evidence::of_message(&String::from_utf8_lossy(&octets)));
    Ok(Claimed {
        zone: beside.zone.clone(),
        subject: reported(&feedback)?,
        category: category(&feedback, beside)?,
        count: incidents(&feedback)?,
        first_seen: arrival(&feedback)?,
        last_seen: None,
        comment: agent(&feedback),
        evidence,
    })
}

/// Whom it is about: `Source-IP`, else `Reported-Domain`.
fn reported(feedback: &Entity) -> Result<Subject, BodyError> {
    if let Some(text) = feedback.field("source-ip") {
        let text = text.trim_matches(['[', ']']);
        return subject("Source-IP", text.strip_prefix("IPv6:").unwrap_or(text));
    }
    match feedback.field("reported-domain") {
        Some(text) => subject("Reported-Domain", text),
        None => Err(BodyError::Other(
            "it names neither a Source-IP nor a Reported-Domain, so it is about nobody".into(),
        )),
    }
}

fn category(feedback: &Entity, beside: &Beside) -> Result<ReportCategory, BodyError> {
    let kind = feedback.field("feedback-type");
    let kind = kind.ok_or_else(|| BodyError::malformed("it has no Feedback-Type"))?;
    let kind = kind.to_ascii_lowercase();
    match (kind.as_str(), beside.category) {
        ("not-spam", _) => {
            Err(BodyError::Other("Feedback-Type: not-spam speaks for the subject".into()))
        }
        (_, Some(category)) => Ok(category),
        ("abuse", None) => Ok(ReportCategory::Spam),
        ("fraud", None) => Ok(ReportCategory::Phishing),
        ("virus", None) => Ok(ReportCategory::Malware),
        (other, None) => Err(BodyError::Other(format!(
            "Feedback-Type: {other:?} stands for no category; name one with ?category="
        ))),
    }
}

fn incidents(feedback: &Entity) -> Result<u64, BodyError> {
    let Some(text) = feedback.field("incidents") else { return Ok(1) };
    let count: Option<u64> = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| BodyError::Malformed(format!("Incidents: {text:?} is no number from 1 on")))
}

fn arrival(feedback: &Entity) -> Result<Option<UnixTime>, BodyError> {
    let date = feedback.field("arrival-date").or_else(|| feedback.field("received-date"));
    let Some(text) = date else { return Ok(None) };
    let at = jiff::fmt::rfc2822::parse(text).map_err(|_| {
        BodyError::Malformed(format!("Arrival-Date: {text:?} is no date of RFC 5322"))
    })?;
    Ok(Some(UnixTime(u64::try_from(at.timestamp().as_second()).unwrap_or(0))))
}

/// The program that made it: the text for people names recipients.
fn agent(feedback: &Entity) -> Option<Comment> {
    Comment::new(&format!("ARF by {}", feedback.field("user-agent")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/report; report-type=feedback-report; boundary=\"part\"";

    fn report(feedback: &str) -> String {
        format!(
            "--part\r\nContent-Type: text/plain\r\n\r\nThis is a report of mail to taro@example.jp.\r\n\
             --part\r\nContent-Type: message/feedback-report\r\n\r\n{feedback}\r\n\
             --part\r\nContent-Type: message/rfc822\r\n\r\nFrom: <spam@example.com>\r\nTo: <taro@example.jp>\r\n\
             Subject: Earn money\r\n\r\nSpam Spam Spam\r\n--part--\r\n"
        )
    }

    fn read(feedback: &str) -> Result<Claimed, BodyError> {
        super::read(TYPE, report(feedback).as_bytes(), &Beside::default())
    }

    const WHOLE: &str = "Feedback-Type: abuse\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n\
        Source-IP: 192.0.2.1\r\nArrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\nIncidents: 7\r\n";

    #[test]
    fn a_report_names_its_source_and_keeps_the_header_of_the_message() {
        let claimed = read(&WHOLE.replace("Thu", "Tue")).unwrap();
        assert_eq!(claimed.subject, "192.0.2.1".parse().unwrap());
        assert_eq!((claimed.category, claimed.count), (ReportCategory::Spam, 7));
        assert_eq!(claimed.first_seen, Some(UnixTime(1_110_304_800)));
        assert_eq!(claimed.comment.unwrap().as_str(), "ARF by SomeGenerator/1.0");
        let evidence = claimed.evidence.unwrap();
        assert!(evidence.as_str().contains("Subject: Earn money"));
        assert!(!evidence.as_str().contains("taro") && !evidence.as_str().contains("Spam Spam"));
    }

    #[test]
    fn a_whole_message_is_read_too() {
        let body = report(&WHOLE.replace("Thu", "Tue"));
        let message = format!("From: fbl@example.net\r\nContent-Type: {TYPE}\r\n\r\n{body}");
        let claimed = super::read("message/rfc822", message.as_bytes(), &Beside::default());
        assert_eq!(claimed.unwrap().count, 7);
    }

    #[test]
    fn types_stand_for_categories_and_the_sender_may_name_another() {
        let of = |kind: &str, beside: Option<ReportCategory>| {
            let feedback = format!("Feedback-Type: {kind}\r\nReported-Domain: bad.example.com\r\n");
            let beside = Beside { category: beside, zone: None };
            super::read(TYPE, report(&feedback).as_bytes(), &beside).map(|claimed| claimed.category)
        };
        assert_eq!(of("fraud", None), Ok(ReportCategory::Phishing));
        assert_eq!(of("Virus", None), Ok(ReportCategory::Malware));
        assert_eq!(of("abuse", Some(ReportCategory::SpamTrap)), Ok(ReportCategory::SpamTrap));
        assert!(of("other", None).is_err());
        assert!(of("other", Some(ReportCategory::Policy)).is_ok());
        assert!(of("not-spam", Some(ReportCategory::Spam)).is_err());
    }

    #[test]
    fn what_is_no_report_says_why() {
        for (content_type, body, says) in [
            ("multipart/report; boundary=part", report(WHOLE), "report-type"),
            (
                "multipart/mixed; report-type=feedback-report; boundary=part",
                report(WHOLE),
                "report-type",
            ),
            ("multipart/report; report-type=feedback-report", report(WHOLE), "no boundary"),
            (TYPE, "--part\r\n\r\nx\r\n--part--\r\n".into(), "no part message/feedback-report"),
            (TYPE, report(WHOLE).replace("--part--", ""), "it is cut"),
            (TYPE, report("Feedback-Type: abuse\r\n"), "about nobody"),
            (TYPE, report("Source-IP: 192.0.2.1\r\n"), "no Feedback-Type"),
            (TYPE, report("Feedback-Type: abuse\r\nSource-IP: 192.0.2\r\n"), "Source-IP"),
            (
                TYPE,
                report("Feedback-Type: abuse\r\nSource-IP: 192.0.2.1\r\nIncidents: 0\r\n"),
                "Incidents",
            ),
            (
                TYPE,
                report("Feedback-Type: abuse\r\nSource-IP: 192.0.2.1\r\nArrival-Date: now\r\n"),
                "Arrival-Date",
            ),
        ] {
            let err = super::read(content_type, body.as_bytes(), &Beside::default()).unwrap_err();
            assert!(err.to_string().contains(says), "{says}: {err}");
        }
    }
}
