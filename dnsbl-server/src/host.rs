//! The server as the HTTP faces see it.

use std::sync::{Arc, OnceLock};

use admin_api::{Readiness, ReloadError, Reloading, Top, TopQuestion};
use dnsbl_store::Store;
use dnsbl_types::{Clock, ClockDoubt, UnixTime};

use tokio::sync::{mpsc, oneshot};

use crate::{metrics::Metrics, reload::ReloadRequest, top::TopCounters};

/// Seconds by which a lifetime may be wrong without harm.
const SMALL_STEP: u64 = 60;

/// The server as the HTTP faces see it.
pub(crate) struct Host {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) top: TopCounters,
    /// Set once everything is loaded and writable.
    pub(crate) serving: Arc<OnceLock<()>>,
    /// The way to whoever has the configuration.
    pub(crate) reloads: mpsc::Sender<ReloadRequest>,
}

impl dnsbl_web::Host for Host {
    fn state(&self) -> dnsbl_web::State {
        if self.store.failure().is_some() {
            dnsbl_web::State::ReadOnly
        } else if self.serving.get().is_none() {
            dnsbl_web::State::Loading
        } else {
            dnsbl_web::State::Serving
        }
    }

    fn count_request(&self, route: &str, code: u16) {
        self.metrics.count_request(route, code);
    }

    fn clock_doubt(&self) -> Option<String> {
        admin_api::ServerStatus::clock_doubt(self).map(|(why, _)| why)
    }
}

impl admin_api::ServerStatus for Host {
    fn readiness(&self) -> Readiness {
        let (reason, detail) = match self.store.failure() {
            Some(detail) => (Some("the store takes no writes; the log says why"), Some(detail)),
            None if self.serving.get().is_none() => (Some("loading"), None),
            None => (None, None),
        };
        let reason = reason.map(String::from);
        Readiness { ready: reason.is_none(), reason, detail: detail.map(|why| why.to_string()) }
    }

    fn metrics_text(&self) -> String {
        self.metrics.text()
    }

    fn count_request(&self, route: &str, code: u16) {
        self.metrics.count_request(route, code);
    }

    fn count_refusal(&self, token: &str, code: u16) {
        self.metrics.count_refusal(token, code);
    }

    fn token_uses_kept(&self, at: UnixTime) {
        self.metrics.token_uses_kept.set(at.0 as i64);
    }

    fn top(&self, question: &TopQuestion) -> Top {
        self.top.answer(question)
    }

    fn reload(&self, by: &str) -> Reloading {
        let (reloads, by) = (self.reloads.clone(), format!("reload by {by}"));
        Box::pin(async move {
            let (reply, done) = oneshot::channel();
            let asked = reloads.send(ReloadRequest { by, reply }).await;
            asked.map_err(|_| ReloadError::Stopping)?;
            done.await.unwrap_or(Err(ReloadError::Stopping))
        })
    }

    fn clock_doubt(&self) -> Option<(String, u64)> {
        let (doubt, proved_in) = self.clock.doubt()?;
        let why = match doubt {
            ClockDoubt::Stepped(by) if by.unsigned_abs() > SMALL_STEP => {
                let direction = if by > 0 { "forward" } else { "back" };
                format!("the server's clock stepped {direction} by {} s", by.unsigned_abs())
            }
            ClockDoubt::BeforeLastChange(at) => {
                format!(
                    "the server's clock says a time before the last change, at {} s since 1970",
                    at.0
                )
            }
            // Too little to matter, or nothing that speaks against the clock.
            ClockDoubt::Stepped(_) | ClockDoubt::LongAfterLastChange(_) => return None,
        };
        let seconds = proved_in.as_secs();
        let detail = format!(
            "{why}, so nothing is taken that rests on it; set the clock, or wait {seconds} s until it has proved true"
        );
        Some((detail, seconds))
    }
}
