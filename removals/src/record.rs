//! What the store holds of requests, cases and mails, and what it means.

use std::{error::Error, net::IpAddr};

use dnsbl_reports::Comment;
use dnsbl_store::{Document, DocumentError, DocumentId, DocumentKind, Operation, Precondition};
use dnsbl_types::{Name, Subject, UnixTime};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Contact, Decision, RemovalId, Removed, Request, State, TicketDigest, Waiting,
    case::Case,
    item::{Claim, ItemId, Mark},
    mail::{MailId, QueuedMail},
};

/// The kind of documents that requests are.
pub(crate) const REQUEST: DocumentKind = DocumentKind::from_static("removal-request");
/// The kind of documents that contacts are: kept as long as somebody waits for an answer, and private.
pub(crate) const CONTACT: DocumentKind = DocumentKind::from_static("removal-contact");
/// The kind of documents that cases are.
pub(crate) const CASE: DocumentKind = DocumentKind::from_static("removal-case");
/// The kind of documents that mails are, which wait to be sent; private.
pub(crate) const MAIL: DocumentKind = DocumentKind::from_static("mail");
/// The kind of documents that claims of reviewers are.
pub(crate) const CLAIM: DocumentKind = DocumentKind::from_static("review-claim");
/// The kind of documents that tell what reviewers have decided about listings.
pub(crate) const MARK: DocumentKind = DocumentKind::from_static("review-mark");

const FORMAT: u8 = 1;

/// The reason why a record can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// A release that is newer wrote it.
    #[error("it is of format {0}; this release reads {FORMAT}")]
    Format(u8),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// A zone and a subject, of which there is one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CaseKey {
    pub(crate) zone: Name,
    pub(crate) subject: Subject,
}

#[derive(Serialize, Deserialize)]
struct RequestValue {
    zone: String,
    subject: String,
    by: Option<String>,
    network: Option<(IpAddr, u8)>,
    comment: Option<String>,
    language: String,
    at: u64,
    due: u64,
    state: StateValue,
    decision: Option<DecisionValue>,
    is_confirmed: bool,
    ticket: [u8; 32],
    confirmation: Option<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
enum StateValue {
    Unconfirmed(u64),
    Waiting { removed_at: Option<u64>, wider: Option<String> },
    Retest(String),
    Granted(RemovedValue),
    Refused(Option<String>),
    Done(RemovedValue),
}

#[derive(Serialize, Deserialize)]
struct RemovedValue {
    at: u64,
    cached_until: u64,
}

#[derive(Serialize, Deserialize)]
struct DecisionValue {
    by: String,
    at: u64,
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct CaseValue {
    removals: u32,
    last: u64,
}

#[derive(Serialize, Deserialize)]
struct MailValue {
    to: String,
    message: String,
    since: u64,
    tries: u32,
}

#[derive(Serialize, Deserialize)]
struct ClaimValue {
    item: String,
    by: String,
    token: Option<String>,
    until: u64,
}

#[derive(Serialize, Deserialize)]
struct MarkValue {
    item: String,
    is_kept: bool,
    by: String,
    at: u64,
    note: Option<String>,
    /// The change that had written the listing.
    seq: u64,
}

/// The document of a request; what is decided is deleted `keep` seconds after it came.
pub(crate) fn request_document(request: &Request, keep: u64) -> Result<Document, DocumentError> {
    let removed =
        |removed: &Removed| RemovedValue { at: removed.at.0, cached_until: removed.cached_until.0 };
    let value = RequestValue {
        zone: request.zone.to_string(),
        subject: request.subject.to_string(),
        by: request.by.clone(),
        network: request.network.map(|network| (network.addr(), network.prefix_len())),
        comment: request.comment.as_ref().map(|comment| comment.as_str().into()),
        language: request.language.code().into(),
        at: request.at.0,
        due: request.due.0,
        state: match &request.state {
            State::Unconfirmed(until) => StateValue::Unconfirmed(until.0),
            State::Waiting(Waiting { removed_at, wider }) => StateValue::Waiting {
                removed_at: removed_at.map(|at| at.0),
                wider: wider.as_ref().map(ToString::to_string),
            },
            State::Retest(test) => StateValue::Retest(test.clone()),
            State::Granted(value) => StateValue::Granted(removed(value)),
            State::Refused(verdict) => StateValue::Refused(verdict.clone()),
            State::Done(value) => StateValue::Done(removed(value)),
        },
        decision: request.decision.as_ref().map(|decision| DecisionValue {
            by: decision.by.clone(),
            at: decision.at.0,
            note: decision.note.as_ref().map(|note| note.as_str().into()),
        }),
        is_confirmed: request.is_confirmed,
        ticket: request.ticket.0,
        confirmation: request.confirmation.map(|digest| digest.0),
    };
    let due = match &request.state {
        State::Unconfirmed(until) => Some(*until),
        State::Waiting(Waiting { removed_at, .. }) => *removed_at,
        State::Retest(_) => None,
        State::Granted(_) | State::Refused(_) | State::Done(_) => Some(request.at.plus(keep)),
    };
    let group = group(&request.zone, &request.subject);
    Document::new(REQUEST, request_id(request.id)?, group, due, body(&value))
}

/// The request in a document.
pub(crate) fn read_request(document: &Document) -> Result<Request, RecordError> {
    let value: RequestValue = value(document)?;
    let removed = |value: RemovedValue| Removed {
        at: UnixTime(value.at),
        cached_until: UnixTime(value.cached_until),
    };
    let network = value.network.map(|(address, len)| IpNet::new(address, len));
    Ok(Request {
        id: document.id().as_str().parse().map_err(damaged)?,
        zone: value.zone.parse().map_err(damaged)?,
        subject: value.subject.parse().map_err(damaged)?,
        by: value.by,
        network: network.transpose().map_err(damaged)?,
        comment: value.comment.as_deref().and_then(Comment::new),
        language: value.language.parse().map_err(damaged)?,
        at: UnixTime(value.at),
        due: UnixTime(value.due),
        state: match value.state {
            StateValue::Unconfirmed(until) => State::Unconfirmed(UnixTime(until)),
            StateValue::Waiting { removed_at, wider } => State::Waiting(Waiting {
                removed_at: removed_at.map(UnixTime),
                wider: wider.map(|wider| wider.parse()).transpose().map_err(damaged)?,
            }),
            StateValue::Retest(test) => State::Retest(test),
            StateValue::Granted(value) => State::Granted(removed(value)),
            StateValue::Refused(verdict) => State::Refused(verdict),
            StateValue::Done(value) => State::Done(removed(value)),
        },
        decision: value.decision.map(|decision| Decision {
            by: decision.by,
            at: UnixTime(decision.at),
            note: decision.note.as_deref().and_then(Comment::new),
        }),
        is_confirmed: value.is_confirmed,
        ticket: TicketDigest(value.ticket),
        confirmation: value.confirmation.map(TicketDigest),
    })
}

/// The document of the mailbox that a request's answers go to.
pub(crate) fn contact_document(
    id: RemovalId,
    contact: &Contact,
) -> Result<Document, DocumentError> {
    let body = body(&contact.as_str());
    Ok(Document::new(CONTACT, request_id(id)?, Vec::new(), None, body)?.as_private())
}

/// The mailbox in a document.
pub(crate) fn read_contact(document: &Document) -> Result<Contact, RecordError> {
    value::<String>(document)?.parse().map_err(damaged)
}

/// The document of a case, to be deleted at a time.
pub(crate) fn case_document(
    key: &CaseKey,
    case: Case,
    until: UnixTime,
) -> Result<Document, DocumentError> {
    let value = CaseValue { removals: case.removals, last: case.last.0 };
    let document = Document::new(CASE, case_id(key)?, Vec::new(), Some(until), body(&value))?;
    Ok(document.as_step())
}

/// The case in a document.
pub(crate) fn read_case(document: &Document) -> Result<Case, RecordError> {
    let CaseValue { removals, last } = value(document)?;
    Ok(Case { removals, last: UnixTime(last) })
}

/// The document of a mail, which is tried next at a time.
pub(crate) fn mail_document(mail: &QueuedMail, next: UnixTime) -> Result<Document, DocumentError> {
    let value = MailValue {
        to: mail.to.to_string(),
        message: mail.message.clone(),
        since: mail.since.0,
        tries: mail.tries,
    };
    let id = mail.id.to_string().parse()?;
    Ok(Document::new(MAIL, id, Vec::new(), Some(next), body(&value))?.as_private())
}

/// The mail in a document.
pub(crate) fn read_mail(document: &Document) -> Result<QueuedMail, RecordError> {
    let value: MailValue = value(document)?;
    let id: RemovalId = document.id().as_str().parse().map_err(damaged)?;
    Ok(QueuedMail {
        id: MailId(id.0),
        to: value.to.parse().map_err(damaged)?,
        message: value.message,
        since: UnixTime(value.since),
        tries: value.tries,
    })
}

/// The document of a claim, which ends by itself.
pub(crate) fn claim_document(item: &ItemId, claim: &Claim) -> Result<Document, DocumentError> {
    let value = ClaimValue {
        item: item.to_string(),
        by: claim.by.clone(),
        token: claim.token.clone(),
        until: claim.until.0,
    };
    let document =
        Document::new(CLAIM, item_id(item)?, Vec::new(), Some(claim.until), body(&value))?;
    Ok(document.as_step())
}

/// The claim in a document.
pub(crate) fn read_claim(document: &Document) -> Result<Claim, RecordError> {
    let value: ClaimValue = value(document)?;
    Ok(Claim { by: value.by, token: value.token, until: UnixTime(value.until) })
}

/// Ends the claim of an item, if there is one.
pub(crate) fn end_claim(item: &ItemId) -> Result<Operation, DocumentError> {
    let (kind, precondition) = (CLAIM, Precondition::None);
    Ok(Operation::DeleteDocument { kind, id: item_id(item)?, precondition })
}

/// The document of what was decided about a listing, to be deleted at a time.
pub(crate) fn mark_document(
    item: &ItemId,
    mark: &Mark,
    until: UnixTime,
) -> Result<Document, DocumentError> {
    let value = MarkValue {
        item: item.to_string(),
        is_kept: mark.is_kept,
        by: mark.by.clone(),
        at: mark.at.0,
        note: mark.note.as_ref().map(|note| note.as_str().into()),
        seq: mark.seq,
    };
    Document::new(MARK, item_id(item)?, Vec::new(), Some(until), body(&value))
}

/// What was decided about a listing.
pub(crate) fn read_mark(document: &Document) -> Result<Mark, RecordError> {
    let value: MarkValue = value(document)?;
    Ok(Mark {
        is_kept: value.is_kept,
        by: value.by,
        at: UnixTime(value.at),
        note: value.note.as_deref().and_then(Comment::new),
        seq: value.seq,
    })
}

/// The id of what is kept of an item of the review.
pub(crate) fn item_id(item: &ItemId) -> Result<DocumentId, DocumentError> {
    blake3::hash(item.to_string().as_bytes()).to_hex()[..32].parse()
}

/// The id of a request, and of its contact.
pub(crate) fn request_id(id: RemovalId) -> Result<DocumentId, DocumentError> {
    id.to_string().parse()
}

/// The id of a case.
pub(crate) fn case_id(key: &CaseKey) -> Result<DocumentId, DocumentError> {
    hash(&key.zone, &key.subject).to_hex()[..32].parse()
}

/// The group of the requests about a subject in a zone.
pub(crate) fn group(zone: &Name, subject: &Subject) -> Vec<u8> {
    hash(zone, subject).as_bytes()[..16].to_vec()
}

fn hash(zone: &Name, subject: &Subject) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(zone.wire());
    hasher.update(subject.to_string().as_bytes());
    hasher.finalize()
}

/// A body of this release's format.
pub(crate) fn body(value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![FORMAT]).expect("a vector takes any value")
}

/// What a body says.
pub(crate) fn value<T: for<'de> Deserialize<'de>>(document: &Document) -> Result<T, RecordError> {
    match document.body() {
        [FORMAT, body @ ..] => postcard::from_bytes(body).map_err(damaged),
        [other, ..] => Err(RecordError::Format(*other)),
        [] => Err(RecordError::Damaged("it is empty, as after a recovery".into())),
    }
}

/// What a document says; one that can't be read is told and left out.
pub(crate) fn kept<T>(
    document: &Document,
    read: impl FnOnce(&Document) -> Result<T, RecordError>,
) -> Option<T> {
    let told = |err: &RecordError| {
        tracing::warn!(kind = %document.kind(), id = %document.id(), %err, "a record of removals is left out");
    };
    read(document).inspect_err(told).ok()
}

pub(crate) fn damaged(err: impl Into<Box<dyn Error + Send + Sync>>) -> RecordError {
    RecordError::Damaged(err.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    fn request(state: State) -> Request {
        Request {
            id: RemovalId(7),
            zone: "bl.example.org".parse().unwrap(),
            subject: "192.0.2.1".parse().unwrap(),
            by: Some("desk".into()),
            network: Some("198.51.100.0/24".parse().unwrap()),
            comment: Comment::new("we closed it"),
            language: Language::Japanese,
            at: UnixTime(10),
            due: UnixTime(20),
            state,
            decision: Some(Decision {
                by: "reviewer".into(),
                at: UnixTime(30),
                note: Comment::new("ours"),
            }),
            is_confirmed: true,
            ticket: TicketDigest([1; 32]),
            confirmation: Some(TicketDigest([2; 32])),
        }
    }

    #[test]
    fn everything_is_read_as_it_was_written() {
        let removed = Removed { at: UnixTime(1), cached_until: UnixTime(2) };
        let wider = "192.0.2.0/24".parse().ok();
        for (state, due) in [
            (State::Unconfirmed(UnixTime(9)), Some(9)),
            (State::Waiting(Waiting { removed_at: None, wider }), None),
            (State::Waiting(Waiting { removed_at: Some(UnixTime(8)), wider: None }), Some(8)),
            (State::Retest("a2ymidienc3la".into()), None),
            (State::Granted(removed), Some(110)),
            (State::Refused(Some("open".into())), Some(110)),
            (State::Done(removed), Some(110)),
        ] {
            let request = request(state);
            let document = request_document(&request, 100).unwrap();
            assert_eq!(document.due(), due.map(UnixTime));
            assert_eq!(read_request(&document).unwrap(), request);
        }
        let contact: Contact = "taro@example.jp".parse().unwrap();
        let document = contact_document(RemovalId(7), &contact).unwrap();
        assert_eq!(read_contact(&document).unwrap(), contact);
        let key = CaseKey {
            zone: "bl.example.org".parse().unwrap(),
            subject: "*.example.com".parse().unwrap(),
        };
        let case = Case { removals: 3, last: UnixTime(4) };
        let document = case_document(&key, case, UnixTime(8)).unwrap();
        assert_eq!(read_case(&document).unwrap(), case);
        let (to, message) = (contact, "Subject: a\r\n\r\nb".to_owned());
        let mail = QueuedMail { id: MailId(5), to, message, since: UnixTime(6), tries: 2 };
        let document = mail_document(&mail, UnixTime(8)).unwrap();
        assert_eq!(document.due(), Some(UnixTime(8)));
        assert_eq!(read_mail(&document).unwrap(), mail);
    }
}
