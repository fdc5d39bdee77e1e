//! Figures for Prometheus, and the listener that shows them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use dnsbl_daemon::{ConnectionLimits, ConnectionPermits, Guarded, Listener, PeerNetwork, Stream};
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// From half a millisecond to about 8 seconds.
const CHECK_BUCKETS: (f64, f64, usize) = (0.0005, 2.0, 15);
/// Connections to the listener at once; where there are as many, the longest idle makes room.
const LIMITS: ConnectionLimits = ConnectionLimits { all: 16, per_network: 8 };
/// How long a request may take to come, and its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// All figures of the service.
pub(super) struct Metrics {
    registry: Registry,
    /// `dnsbl_checks_total{action}`
    pub(super) checks: IntCounterVec,
    /// `dnsbl_check_seconds`
    pub(super) check_seconds: Histogram,
    /// `dnsbl_lookups_total{zone,status}`
    pub(super) lookups: IntCounterVec,
    /// `dnsbl_grant_lookups_total{zone,result}`
    pub(super) grant_lookups: IntCounterVec,
    /// `dnsbl_zone_up{zone}`
    pub(super) zone_up: IntGaugeVec,
    /// `dnsbl_zone_gone{zone}`
    pub(super) zone_gone: IntGaugeVec,
    /// `dnsbl_resolver_up`
    pub(super) resolver_up: IntGauge,
    /// `dnsbl_zone_state_changes_total{zone,reason}`
    pub(super) state_changes: IntCounterVec,
    /// `dnsbl_policy_connections`
    pub(super) connections: IntGauge,
    /// `dnsbl_policy_malformed_total`
    pub(super) malformed: IntCounter,
}

impl Metrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let (start, factor, count) = CHECK_BUCKETS;
        let check_seconds =
            HistogramOpts::new("dnsbl_check_seconds", "Time from a request to its decision")
                .buckets(prometheus::exponential_buckets(start, factor, count)?);
        let metrics = Self {
            registry: Registry::new(),
            checks: IntCounterVec::new(
                Opts::new("dnsbl_checks_total", "Decisions by action"),
                &["action"],
            )?,
            check_seconds: Histogram::with_opts(check_seconds)?,
            lookups: IntCounterVec::new(
                Opts::new("dnsbl_lookups_total", "What lists said"),
                &["zone", "status"],
            )?,
            grant_lookups: IntCounterVec::new(
                Opts::new("dnsbl_grant_lookups_total", "What zones of grants said of clients"),
                &["zone", "result"],
            )?,
            zone_up: IntGaugeVec::new(
                Opts::new("dnsbl_zone_up", "1 while a list's word counts"),
                &["zone"],
            )?,
            zone_gone: IntGaugeVec::new(
                Opts::new(
                    "dnsbl_zone_gone",
                    "1 once a list was down so long that it counts as gone",
                ),
                &["zone"],
            )?,
            resolver_up: IntGauge::new(
                "dnsbl_resolver_up",
                "0 while the resolver rewrites or strips answers, or does not answer",
            )?,
            state_changes: IntCounterVec::new(
                Opts::new("dnsbl_zone_state_changes_total", "Changes of a list's health"),
                &["zone", "reason"],
            )?,
            connections: IntGauge::new("dnsbl_policy_connections", "Connections of mail servers")?,
            malformed: IntCounter::new(
                "dnsbl_policy_malformed_total",
                "Connections closed because what came was no request",
            )?,
        };
        metrics.resolver_up.set(1);
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(self.checks.clone()))?;
        self.registry.register(Box::new(self.check_seconds.clone()))?;
        self.registry.register(Box::new(self.lookups.clone()))?;
        self.registry.register(Box::new(self.grant_lookups.clone()))?;
        self.registry.register(Box::new(self.zone_up.clone()))?;
        self.registry.register(Box::new(self.zone_gone.clone()))?;
        self.registry.register(Box::new(self.resolver_up.clone()))?;
        self.registry.register(Box::new(self.state_changes.clone()))?;
        self.registry.register(Box::new(self.connections.clone()))?;
        self.registry.register(Box::new(self.malformed.clone()))
    }

    fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Answers `GET /metrics` until the runtime ends.
pub(super) async fn serve(listener: Listener, metrics: Arc<Metrics>) {
    let permits = ConnectionPermits::new(LIMITS);
    loop {
        let (stream, peer) = listener.accept().await;
        let peer = peer.map_or(PeerNetwork::Local, |peer| PeerNetwork::of(peer.ip()));
        let Some(permit) = permits.acquire(peer) else { continue };
        let (stream, metrics) = (Guarded::new(stream, Arc::new(permit), PATIENCE), metrics.clone());
        tokio::spawn(async move { show(stream, &metrics).await });
    }
}

async fn show(stream: Guarded<Stream>, metrics: &Metrics) {
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(respond(&request, metrics))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false);
    if let Err(err) = http.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%err, "a request for metrics went wrong");
    }
}

fn respond(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => match metrics.text() {
            Ok(text) => (StatusCode::OK, text),
            Err(err) => (StatusCode::INTERNAL_SERVER_ERROR, err.to_string()),
        },
        _ => (StatusCode::NOT_FOUND, "there is GET /metrics\n".into()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
