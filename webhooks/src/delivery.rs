//! One attempt: connected, signed, sent, answered.

use std::time::Duration;

use bytes::Bytes;
use dnsbl_outbound::{
    ConnectError, Connection, Connector, USER_AGENT, exchange, host_header, target,
};
use dnsbl_types::UnixTime;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Incoming, header};
use tokio::time::timeout;

use crate::{destination::Destinations, message::Message, secret::Secrets, webhook::WebhookUrl};

/// Octets of an answer that are read, so that a receiver can say what it has to; nobody looks at them.
const MAX_ANSWER: usize = 64 << 10;
/// How long they are waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// The reason why a message was not taken. None tells more of the URL than its host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// The destination is none that is allowed.
    #[error(
        "{0}: messages go over https to the Internet, and to what `allow` in [webhooks] of the server's configuration names"
    )]
    Forbidden(String),
    /// The receiver can't be reached, or makes no sense.
    #[error("{0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the receiver took longer than {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// It answers that it is elsewhere.
    #[error("the receiver answers {0}, and redirects are not followed; change the URL")]
    Redirect(u16),
    /// It answers with something else than 2xx.
    #[error("the receiver answers {status}")]
    Status {
        /// With what.
        status: u16,
        /// The seconds that it asks to be left alone, if it does.
        retry_after: Option<u64>,
    },
    /// The changes can't be read.
    #[error("the changes can't be read: {0}")]
    Unreadable(String),
}

impl DeliveryError {
    /// What kind of reason it is, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Forbidden(_) => "forbidden",
            Self::Unreachable(_) => "unreachable",
            Self::TooSlow(_) => "too-slow",
            Self::Redirect(_) => "redirect",
            Self::Status { .. } => "status",
            Self::Unreadable(_) => "unreadable",
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Status { status: 410, .. })
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Whoever delivers messages.
pub(crate) struct Deliverer {
    pub(crate) connector: Connector,
    pub(crate) destinations: Destinations,
    /// How long an attempt may take.
    pub(crate) limit: Duration,
}

impl Deliverer {
    /// Sends a message, signed at `now`.
    pub(crate) async fn deliver(
        &self,
        url: &WebhookUrl,
        secrets: &Secrets,
        message: &Message,
        now: UnixTime,
    ) -> Result<(), DeliveryError> {
        let attempt = timeout(self.limit, self.attempt(url, secrets, message, now));
        let (response, _connection) =
            attempt.await.map_err(|_| DeliveryError::TooSlow(self.limit))??;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        // What it says beside its status, and whether that ends, is its own business.
        let rest = Limited::new(response.into_body(), MAX_ANSWER).collect();
        let _ = timeout(self.limit.min(DRAIN), rest).await;
        match status {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => Err(DeliveryError::Redirect(status.as_u16())),
            status => Err(DeliveryError::Status { status: status.as_u16(), retry_after }),
        }
    }

    async fn attempt(
        &self,
        url: &WebhookUrl,
        secrets: &Secrets,
        message: &Message,
        now: UnixTime,
    ) -> Result<(Response<Incoming>, Connection), DeliveryError> {
        let may_reach = |address| self.destinations.may_reach(url, address);
        let stream = self.connector.connect(url.get(), may_reach).await?;
        let body = Bytes::from(message.body.clone());
        let request = Request::post(target(url.get()))
            .header(header::HOST, host_header(url.get()))
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now.0)
            .header("webhook-signature", secrets.sign(&message.id, now, &body))
            .body(Full::new(body))
            .map_err(|err| DeliveryError::Unreachable(err.to_string()))?;
        exchange(stream, request).await.map_err(|err| {
            DeliveryError::Unreachable(format!("the receiver makes no sense: {err}"))
        })
    }
}

impl From<ConnectError> for DeliveryError {
    fn from(err: ConnectError) -> Self {
        match err {
            ConnectError::Unreachable(why) => Self::Unreachable(why),
            ConnectError::Forbidden { .. } => Self::Forbidden(err.to_string()),
        }
    }
}
