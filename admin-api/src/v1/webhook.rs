//! Webhooks: between JSON and the vocabulary.

use admin_api_types as api;
use dnsbl_webhooks::{Draft, Failing, Pause, Progress, Secret, WebhookView};

use super::{BodyError, parse, parse_all, texts, time};

/// What a body asks for.
pub(crate) fn read(body: &api::WebhookBody) -> Result<Draft, BodyError> {
    Ok(Draft {
        url: parse("url", &body.url)?,
        zones: parse_all("zones", &body.zones)?,
        kinds: parse_all("kinds", &body.kinds)?,
        enabled: body.enabled.unwrap_or(true),
        secret: secret(body.secret.as_deref())?,
        after: body.after,
    })
}

/// A secret that somebody gives.
pub(crate) fn secret(text: Option<&str>) -> Result<Option<Secret>, BodyError> {
    text.map(|text| parse("secret", text)).transpose()
}

/// A webhook as it is shown, and its new secret where the server made one.
pub(crate) fn write(view: &WebhookView, secret: Option<&Secret>) -> api::Webhook {
    let webhook = &view.webhook;
    api::Webhook {
        id: webhook.id.to_string(),
        url: webhook.url.reveal().into(),
        zones: texts(&webhook.zones),
        kinds: texts(&webhook.kinds),
        enabled: webhook.enabled,
        token_id: webhook.token.clone(),
        created_at: time::write(webhook.created_at),
        secret_at: time::write(webhook.secret_at),
        secrets_until: view.secrets_until.iter().map(|until| time::write(*until)).collect(),
        status: status(view),
        secret: secret.map(Secret::reveal),
    }
}

fn status(view: &WebhookView) -> api::WebhookStatus {
    let Progress { position, last_attempt, last_success, failing, paused, .. } = &view.progress;
    let state = match (view.webhook.enabled, paused, failing, last_success) {
        (false, ..) => "disabled",
        (true, Some(_), ..) => "paused",
        (true, None, Some(_), _) => "failing",
        (true, None, None, Some(_)) => "ok",
        (true, None, None, None) => "waiting",
    };
    api::WebhookStatus {
        state: state.into(),
        position: *position,
        last_attempt: last_attempt.map(time::write),
        last_success: last_success.map(time::write),
        delivered: view.delivered,
        failures: view.failures,
        failing: failing.as_ref().map(failure),
        paused: paused.as_ref().map(pause),
    }
}

fn failure(failing: &Failing) -> api::WebhookFailure {
    api::WebhookFailure {
        since: time::write(failing.since),
        times: failing.times,
        reason: failing.reason.clone(),
        detail: failing.detail.clone(),
        next_try: time::write(failing.next_try),
    }
}

fn pause(pause: &Pause) -> api::WebhookPause {
    api::WebhookPause {
        since: time::write(pause.since),
        reason: pause.reason.word().into(),
        advice: pause.reason.advice().into(),
    }
}
