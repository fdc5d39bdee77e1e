//! Webhooks as they are kept. What a webhook is told to do is audited; its
//! secrets are a private document, of which the change log has no body; how far it has come is a bookmark beside that log.

use dnsbl_store::{BodyError, BodyFormat, Document, DocumentError, DocumentId, DocumentKind};
use dnsbl_types::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{
    progress::{Failing, Pause, PauseReason, Progress},
    secret::{Secret, Secrets},
    webhook::{Webhook, WebhookId},
};

/// The kind of documents that webhooks are, and of their bookmarks.
pub(crate) const WEBHOOK: DocumentKind = DocumentKind::from_static("webhook");
/// The kind of documents that their secrets are.
pub(crate) const SECRETS: DocumentKind = DocumentKind::from_static("webhook-secrets");

const FORMAT: BodyFormat = BodyFormat(1);

#[derive(Serialize, Deserialize)]
struct WebhookValue {
    url: String,
    zones: Vec<String>,
    kinds: Vec<String>,
    enabled: bool,
    token: String,
    created_at: u64,
    secret_at: u64,
    begins_after: u64,
}

#[derive(Serialize, Deserialize)]
struct SecretsValue {
    newest: Vec<u8>,
    older: Vec<(Vec<u8>, u64)>,
}

#[derive(Serialize, Deserialize)]
struct ProgressValue {
    /// Of which beginning it is; what came of another one says nothing.
    begins_after: u64,
    position: u64,
    told: u64,
    last_attempt: Option<u64>,
    last_success: Option<u64>,
    failing: Option<FailingValue>,
    paused: Option<(u64, String)>,
}

#[derive(Serialize, Deserialize)]
struct FailingValue {
    since: u64,
    times: u64,
    reason: String,
    detail: String,
    next_try: u64,
}

/// The document of a webhook.
pub(crate) fn document(webhook: &Webhook) -> Result<Document, DocumentError> {
    let value = WebhookValue {
        url: webhook.url.reveal().into(),
        zones: webhook.zones.iter().map(ToString::to_string).collect(),
        kinds: webhook.kinds.iter().map(ToString::to_string).collect(),
        enabled: webhook.enabled,
        token: webhook.token.clone(),
        created_at: webhook.created_at.0,
        secret_at: webhook.secret_at.0,
        begins_after: webhook.begins_after,
    };
    Document::new(WEBHOOK, id(&webhook.id)?, Vec::new(), None, FORMAT.encode(&value))
}

/// The document of a webhook's secrets.
pub(crate) fn secrets_document(
    webhook: &WebhookId,
    secrets: &Secrets,
) -> Result<Document, DocumentError> {
    let (newest, older) = secrets.parts();
    let older = older.iter().map(|(secret, until)| (secret.bytes().to_vec(), until.0)).collect();
    let value = SecretsValue { newest: newest.bytes().to_vec(), older };
    Ok(Document::new(SECRETS, id(webhook)?, Vec::new(), None, FORMAT.encode(&value))?.as_private())
}

/// The id of a webhook's documents.
pub(crate) fn id(webhook: &WebhookId) -> Result<DocumentId, DocumentError> {
    webhook.as_str().parse()
}

/// The webhook in a document.
pub(crate) fn read(document: &Document) -> Result<Webhook, BodyError> {
    let value: WebhookValue = FORMAT.decode(document)?;
    Ok(Webhook {
        id: document.id().as_str().parse().map_err(BodyError::damaged)?,
        url: value.url.parse().map_err(BodyError::damaged)?,
        zones: value
            .zones
            .iter()
            .map(|zone| zone.parse().map_err(BodyError::damaged))
            .collect::<Result<_, _>>()?,
        kinds: value
            .kinds
            .iter()
            .map(|kind| kind.parse().map_err(BodyError::damaged))
            .collect::<Result<_, _>>()?,
        enabled: value.enabled,
        token: value.token,
        created_at: UnixTime(value.created_at),
        secret_at: UnixTime(value.secret_at),
        begins_after: value.begins_after,
    })
}

/// The secrets in a document.
pub(crate) fn read_secrets(document: &Document) -> Result<Secrets, BodyError> {
    let SecretsValue { newest, older } = FORMAT.decode(document)?;
    let secret = |bytes| Secret::of_bytes(bytes).map_err(BodyError::damaged);
    let older = older.into_iter().map(|(bytes, until)| Ok((secret(bytes)?, UnixTime(until))));
    Ok(Secrets::new(secret(newest)?, older.collect::<Result<_, BodyError>>()?))
}

/// The bookmark of a webhook that has come so far.
pub(crate) fn bookmark(webhook: &Webhook, progress: &Progress) -> Vec<u8> {
    FORMAT.encode(&ProgressValue {
        begins_after: webhook.begins_after,
        position: progress.position,
        told: progress.told,
        last_attempt: progress.last_attempt.map(|at| at.0),
        last_success: progress.last_success.map(|at| at.0),
        failing: progress.failing.as_ref().map(|failing| FailingValue {
            since: failing.since.0,
            times: failing.times,
            reason: failing.reason.clone(),
            detail: failing.detail.clone(),
            next_try: failing.next_try.0,
        }),
        paused: progress.paused.as_ref().map(|pause| (pause.since.0, pause.reason.word().into())),
    })
}

/// How far a webhook has come by its bookmark; `None` where that is of another beginning.
pub(crate) fn read_bookmark(
    webhook: &Webhook,
    bytes: &[u8],
) -> Result<Option<Progress>, BodyError> {
    let value: ProgressValue = FORMAT.decode_bytes(bytes)?;
    if value.begins_after != webhook.begins_after {
        return Ok(None);
    }
    let pause = |(since, word): (u64, String)| {
        let reason = PauseReason::ALL.into_iter().find(|reason| reason.word() == word);
        let reason = reason.ok_or_else(|| BodyError::damaged(format!("a pause for {word}")))?;
        Ok(Pause { since: UnixTime(since), reason })
    };
    Ok(Some(Progress {
        position: value.position,
        told: value.told,
        last_attempt: value.last_attempt.map(UnixTime),
        last_success: value.last_success.map(UnixTime),
        failing: value.failing.map(|failing| Failing {
            since: UnixTime(failing.since),
            times: failing.times,
            reason: failing.reason,
            detail: failing.detail,
            next_try: UnixTime(failing.next_try),
        }),
        paused: value.paused.map(pause).transpose()?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::of_random([9; 8]),
            url: "https://hooks.example/x?y=z".parse().unwrap(),
            zones: vec!["bl.example.org".parse().unwrap()],
            kinds: vec!["put".parse().unwrap()],
            enabled: true,
            token: "0a".into(),
            created_at: UnixTime(3),
            secret_at: UnixTime(4),
            begins_after: 5,
        }
    }

    #[test]
    fn a_webhook_and_its_secrets_are_read_as_they_were_written() {
        let webhook = webhook();
        assert_eq!(read(&document(&webhook).unwrap()).unwrap(), webhook);
        let secret = |byte| Secret::of_random([byte; 32]);
        let secrets = Secrets::new(secret(1), vec![(secret(2), UnixTime(9))]);
        let document = secrets_document(&webhook.id, &secrets).unwrap();
        assert_eq!(read_secrets(&document).unwrap(), secrets);
    }

    #[test]
    fn a_bookmark_is_of_one_beginning() {
        let mut progress = Progress::beginning_after(5);
        progress.pause(PauseReason::Compacted, UnixTime(7));
        progress.failing = Some(Failing {
            since: UnixTime(1),
            times: 2,
            reason: "a".into(),
            detail: "b".into(),
            next_try: UnixTime(8),
        });
        let kept = bookmark(&webhook(), &progress);
        assert_eq!(read_bookmark(&webhook(), &kept).unwrap(), Some(progress));
        let other = Webhook { begins_after: 6, ..webhook() };
        assert_eq!(read_bookmark(&other, &kept).unwrap(), None);
        assert!(read_bookmark(&other, b"").is_err() && read_bookmark(&other, &[9, 1]).is_err());
    }
}
