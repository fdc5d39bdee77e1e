//! Reports, their evidence, cases and reporters as they are kept.

use std::net::IpAddr;

use dnsbl_store::{BodyError, BodyFormat, Document, DocumentError, DocumentId, DocumentKind};
use dnsbl_types::{Name, Source, Subject, UnixTime};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Comment, Decision, Evidence, Report, ReportId, ReportState, Reporter, Verdict,
    case::{Case, Claim, Listed, Voice},
};

/// The kind of documents that reports are.
pub(crate) const REPORT: DocumentKind = DocumentKind::from_static("report");
/// The kind of documents that evidence is: kept for a shorter time, and private.
pub(crate) const EVIDENCE: DocumentKind = DocumentKind::from_static("report-evidence");
/// The kind of documents that cases are.
pub(crate) const CASE: DocumentKind = DocumentKind::from_static("report-case");
/// The kind of documents that reporters are.
pub(crate) const REPORTER: DocumentKind = DocumentKind::from_static("reporter");

/// Seconds for which a reporter is kept after its last report.
const KEEP_REPORTER: u64 = 2 * 366 * 86_400;

const FORMAT: BodyFormat = BodyFormat(1);

/// A zone and a subject, of which there is one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CaseKey {
    pub(crate) zone: Name,
    pub(crate) subject: Subject,
}

/// A network by its address and the length of its prefix.
type NetValue = (IpAddr, u8);

#[derive(Serialize, Deserialize)]
struct ReportValue {
    zone: String,
    subject: String,
    category: String,
    reporter: String,
    network: Option<NetValue>,
    at: u64,
    last: u64,
    duplicates: u32,
    count: u64,
    first_seen: Option<u64>,
    last_seen: Option<u64>,
    comment: Option<String>,
    state: StateValue,
    decision: Option<DecisionValue>,
}

#[derive(Serialize, Deserialize)]
enum StateValue {
    Waiting,
    Listed(u64),
    Testing(String),
    Confirmed,
    Refuted,
}

#[derive(Serialize, Deserialize)]
struct DecisionValue {
    confirmed: bool,
    by: String,
    at: u64,
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct CaseValue {
    zone: String,
    subject: String,
    claims: Vec<ClaimValue>,
}

#[derive(Serialize, Deserialize)]
struct ClaimValue {
    category: String,
    times: u32,
    /// From when, until when.
    listed: Option<(u64, u64)>,
    voices: Vec<VoiceValue>,
}

#[derive(Serialize, Deserialize)]
struct VoiceValue {
    reporter: String,
    network: Option<NetValue>,
    at: u64,
    report: u64,
    spent: bool,
}

#[derive(Serialize, Deserialize)]
struct ReporterValue {
    name: String,
    reports: u64,
    duplicates: u64,
    confirmed: u64,
    refuted: u64,
    first: u64,
    last: u64,
}

/// The document of a report, to be deleted `keep` seconds after it was last made.
pub(crate) fn report_document(report: &Report, keep: u64) -> Result<Document, DocumentError> {
    let value = ReportValue {
        zone: report.zone.to_string(),
        subject: report.subject.to_string(),
        category: report.category.as_str().into(),
        reporter: report.reporter.to_string(),
        network: report.network.map(net_value),
        at: report.at.0,
        last: report.last.0,
        duplicates: report.duplicates,
        count: report.count,
        first_seen: report.first_seen.map(|at| at.0),
        last_seen: report.last_seen.map(|at| at.0),
        comment: report.comment.as_ref().map(|comment| comment.as_str().into()),
        state: match &report.state {
            ReportState::Waiting => StateValue::Waiting,
            ReportState::Listed(until) => StateValue::Listed(until.0),
            ReportState::Testing(test) => StateValue::Testing(test.clone()),
            ReportState::Confirmed => StateValue::Confirmed,
            ReportState::Refuted => StateValue::Refuted,
        },
        decision: report.decision.as_ref().map(|decision| DecisionValue {
            confirmed: decision.verdict == Verdict::Confirmed,
            by: decision.by.clone(),
            at: decision.at.0,
            note: decision.note.as_ref().map(|note| note.as_str().into()),
        }),
    };
    let due = Some(report.last.plus(keep));
    Document::new(REPORT, report_id(report.id)?, group(&report.subject), due, FORMAT.encode(&value))
}

/// The report in a document.
pub(crate) fn read_report(document: &Document) -> Result<Report, BodyError> {
    let value: ReportValue = FORMAT.decode(document)?;
    Ok(Report {
        id: document.id().as_str().parse().map_err(BodyError::damaged)?,
        zone: value.zone.parse().map_err(BodyError::damaged)?,
        subject: value.subject.parse().map_err(BodyError::damaged)?,
        category: value.category.parse().map_err(BodyError::damaged)?,
        reporter: value.reporter.parse().map_err(BodyError::damaged)?,
        network: value.network.map(read_net).transpose()?,
        at: UnixTime(value.at),
        last: UnixTime(value.last),
        duplicates: value.duplicates,
        count: value.count,
        first_seen: value.first_seen.map(UnixTime),
        last_seen: value.last_seen.map(UnixTime),
        comment: value.comment.map(Comment::stored),
        state: match value.state {
            StateValue::Waiting => ReportState::Waiting,
            StateValue::Listed(until) => ReportState::Listed(UnixTime(until)),
            StateValue::Testing(test) => ReportState::Testing(test),
            StateValue::Confirmed => ReportState::Confirmed,
            StateValue::Refuted => ReportState::Refuted,
        },
        decision: value.decision.map(|decision| Decision {
            verdict: if decision.confirmed { Verdict::Confirmed } else { Verdict::Refuted },
            by: decision.by,
            at: UnixTime(decision.at),
            note: decision.note.map(Comment::stored),
        }),
    })
}

/// The document of a report's evidence, to be deleted at a time.
pub(crate) fn evidence_document(
    id: ReportId,
    evidence: &Evidence,
    until: UnixTime,
) -> Result<Document, DocumentError> {
    let body = FORMAT.encode(&evidence.as_str());
    Ok(Document::new(EVIDENCE, report_id(id)?, Vec::new(), Some(until), body)?.as_private())
}

/// The evidence in a document.
pub(crate) fn read_evidence(document: &Document) -> Result<Evidence, BodyError> {
    Ok(Evidence::stored(FORMAT.decode(document)?))
}

/// The document of a case, to be looked at again at a time.
pub(crate) fn case_document(
    key: &CaseKey,
    case: &Case,
    due: UnixTime,
) -> Result<Document, DocumentError> {
    let claims = case.claims.iter().map(|(category, claim)| ClaimValue {
        category: category.as_str().into(),
        times: claim.times,
        listed: claim.listed.map(|listed| (listed.at.0, listed.until.0)),
        voices: claim.voices.iter().map(voice_value).collect(),
    });
    let value = CaseValue {
        zone: key.zone.to_string(),
        subject: key.subject.to_string(),
        claims: claims.collect(),
    };
    // It names those who have just reported; the reports are what is to be kept.
    Ok(Document::new(CASE, case_id(key)?, Vec::new(), Some(due), FORMAT.encode(&value))?
        .as_private())
}

fn voice_value(voice: &Voice) -> VoiceValue {
    VoiceValue {
        reporter: voice.reporter.to_string(),
        network: voice.network.map(net_value),
        at: voice.at.0,
        report: voice.report.0,
        spent: voice.spent,
    }
}

/// The case in a document.
pub(crate) fn read_case(document: &Document) -> Result<(CaseKey, Case), BodyError> {
    let value: CaseValue = FORMAT.decode(document)?;
    let claims = value.claims.into_iter().map(|value| {
        let voices = value.voices.iter().map(read_voice).collect::<Result<_, _>>()?;
        let listed =
            value.listed.map(|(at, until)| Listed { at: UnixTime(at), until: UnixTime(until) });
        let claim = Claim { voices, times: value.times, listed };
        Ok((value.category.parse().map_err(BodyError::damaged)?, claim))
    });
    let claims = claims.collect::<Result<_, BodyError>>()?;
    let (zone, subject) = (value.zone.parse(), value.subject.parse());
    let key = CaseKey {
        zone: zone.map_err(BodyError::damaged)?,
        subject: subject.map_err(BodyError::damaged)?,
    };
    Ok((key, Case { claims }))
}

fn read_voice(value: &VoiceValue) -> Result<Voice, BodyError> {
    Ok(Voice {
        reporter: value.reporter.parse().map_err(BodyError::damaged)?,
        network: value.network.map(read_net).transpose()?,
        at: UnixTime(value.at),
        report: ReportId(value.report),
        spent: value.spent,
    })
}

/// The document of a reporter.
pub(crate) fn reporter_document(reporter: &Reporter) -> Result<Document, DocumentError> {
    let value = ReporterValue {
        name: reporter.name.to_string(),
        reports: reporter.reports,
        duplicates: reporter.duplicates,
        confirmed: reporter.confirmed,
        refuted: reporter.refuted,
        first: reporter.first.0,
        last: reporter.last.0,
    };
    let due = Some(reporter.last.plus(KEEP_REPORTER));
    let id = reporter_id(&reporter.name)?;
    Ok(Document::new(REPORTER, id, Vec::new(), due, FORMAT.encode(&value))?.as_step())
}

/// The reporter in a document.
pub(crate) fn read_reporter(document: &Document) -> Result<Reporter, BodyError> {
    let value: ReporterValue = FORMAT.decode(document)?;
    Ok(Reporter {
        name: value.name.parse().map_err(BodyError::damaged)?,
        reports: value.reports,
        duplicates: value.duplicates,
        confirmed: value.confirmed,
        refuted: value.refuted,
        first: UnixTime(value.first),
        last: UnixTime(value.last),
    })
}

/// The id of a report, and of its evidence.
pub(crate) fn report_id(id: ReportId) -> Result<DocumentId, DocumentError> {
    id.to_string().parse()
}

/// The id of a case.
pub(crate) fn case_id(key: &CaseKey) -> Result<DocumentId, DocumentError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.zone.wire());
    hasher.update(key.subject.to_string().as_bytes());
    hasher.finalize().to_hex()[..32].parse()
}

/// The id of a reporter: names that differ in capitals only are one.
pub(crate) fn reporter_id(name: &Source) -> Result<DocumentId, DocumentError> {
    name.as_str().to_ascii_lowercase().replace('_', ":").parse()
}

/// The group of the reports of a subject, whatever the zone.
pub(crate) fn group(subject: &Subject) -> Vec<u8> {
    blake3::hash(subject.to_string().as_bytes()).as_bytes()[..16].to_vec()
}

fn net_value(net: IpNet) -> NetValue {
    (net.addr(), net.prefix_len())
}

fn read_net((address, len): NetValue) -> Result<IpNet, BodyError> {
    IpNet::new(address, len).map_err(BodyError::damaged)
}

#[cfg(test)]
mod tests {
    use dnsbl_types::ReportCategory;

    use super::*;

    fn report(state: ReportState) -> Report {
        Report {
            id: ReportId(7),
            zone: "bl.example.org".parse().unwrap(),
            subject: "192.0.2.1".parse().unwrap(),
            category: ReportCategory::DirectoryHarvest,
            reporter: "MX_1.a-b".parse().unwrap(),
            network: Some("198.51.100.0/24".parse().unwrap()),
            at: UnixTime(10),
            last: UnixTime(20),
            duplicates: 1,
            count: 51,
            first_seen: Some(UnixTime(5)),
            last_seen: None,
            comment: Comment::new("50 unknown recipients"),
            state,
            decision: Some(Decision {
                verdict: Verdict::Refuted,
                by: "reviewer".into(),
                at: UnixTime(30),
                note: Comment::new("ours"),
            }),
        }
    }

    #[test]
    fn everything_is_read_as_it_was_written() {
        for state in [
            ReportState::Waiting,
            ReportState::Listed(UnixTime(9)),
            ReportState::Testing("a2ymidienc3la".into()),
            ReportState::Confirmed,
            ReportState::Refuted,
        ] {
            let report = report(state);
            let document = report_document(&report, 100).unwrap();
            assert_eq!(document.due(), Some(UnixTime(120)));
            assert_eq!(read_report(&document).unwrap(), report);
        }
        let evidence = Evidence::new("Subject: a\nFrom: b").unwrap();
        let document = evidence_document(ReportId(7), &evidence, UnixTime(3)).unwrap();
        assert_eq!(read_evidence(&document).unwrap(), evidence);
        let voice = Voice {
            reporter: "mx1".parse().unwrap(),
            network: None,
            at: UnixTime(1),
            report: ReportId(2),
            spent: true,
        };
        let listed = Some(Listed { at: UnixTime(1), until: UnixTime(8) });
        let claim = Claim { voices: vec![voice], times: 3, listed };
        let case = Case { claims: [(ReportCategory::Spam, claim)].into() };
        let key = CaseKey {
            zone: "bl.example.org".parse().unwrap(),
            subject: "*.example.com".parse().unwrap(),
        };
        let document = case_document(&key, &case, UnixTime(8)).unwrap();
        assert_eq!(read_case(&document).unwrap(), (key, case));
        let reporter = Reporter {
            reports: 1,
            duplicates: 2,
            confirmed: 3,
            refuted: 4,
            ..Reporter::new("MX_1.a-b".parse().unwrap(), UnixTime(5))
        };
        let document = reporter_document(&reporter).unwrap();
        assert_eq!(document.id().as_str(), "mx:1.a-b");
        assert_eq!(read_reporter(&document).unwrap(), reporter);
    }

    #[test]
    fn a_case_with_all_its_voices_fits_into_a_document() {
        let voice = |n: usize| Voice {
            reporter: format!("{n:x<64}").parse().unwrap(),
            network: Some("2001:db8:ffff::/48".parse().unwrap()),
            at: UnixTime(1 << 34),
            report: ReportId(u64::MAX),
            spent: true,
        };
        let listed = Some(Listed { at: UnixTime(1 << 34), until: UnixTime(1 << 34) });
        let claim = |voices: usize| Claim {
            voices: (0..voices).map(voice).collect(),
            times: u32::MAX,
            listed,
        };
        let key = CaseKey {
            zone: "bl.example.org".parse().unwrap(),
            subject: "192.0.2.1".parse().unwrap(),
        };
        let claims = ReportCategory::ALL.map(|category| (category, claim(Case::MAX_VOICES / 9)));
        let case = Case { claims: claims.into() };
        assert!(case_document(&key, &case, UnixTime(1)).is_ok());
    }
}
