//! What all connections share: who decides, limits, logs and figures.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use dnsbl_client::{Event, Health, Observer, Status, ZoneName};

use super::{
    config::{Config, Limits},
    decider::{Basis, Decided, Decider},
    grants::{Asked, GrantReport},
    metrics::Metrics,
    reply::{Action, Decision},
    request::Request,
};

/// Decides, tells what it decided, and knows what all connections share.
pub(super) struct Service {
    decider: Decider,
    limits: Limits,
    metrics: Arc<Metrics>,
    /// The zones of grants that could not tell the last time.
    silent_grants: Mutex<HashSet<ZoneName>>,
}

impl Service {
    pub(super) fn start(config: Config) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::new()?);
        for zone in config.zones() {
            metrics.zone_up.with_label_values(&[zone.name.public()]).set(0);
            metrics.zone_gone.with_label_values(&[zone.name.public()]).set(0);
        }
        for grant in &config.grants {
            for result in GRANT_RESULTS {
                metrics.grant_lookups.with_label_values(&[grant.name.public(), result]).inc_by(0);
            }
        }
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let limits = config.limits;
        // It hears what the state file says of each list before anything is asked.
        let listener = Arc::new(Listener { metrics: metrics.clone() });
        let decider = Decider::new(config, |client| client.observer(listener))?;
        Ok(Self { decider, limits, metrics, silent_grants: Mutex::default() })
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// What to do; `known` is what was decided before about the same message. What is decided anew is one
    /// line of the log.
    pub(super) async fn decide(&self, request: &Request, known: Option<Decision>) -> Decision {
        let began = Instant::now();
        let deadline = self.decider.deadline(request);
        let decided = self.decider.decide(request, deadline, known).await;
        self.note_grants(&decided.grants);
        if matches!(decided.basis, Basis::Memory) {
            return decided.decision;
        }
        self.metrics.check_seconds.observe(began.elapsed().as_secs_f64());
        self.metrics.checks.with_label_values(&[decided.decision.action.as_str()]).inc();
        let shadow = self.decider.is_in_shadow();
        log(request, &decided, shadow);
        let decision = decided.decision;
        if shadow { Decision { action: Action::Pass, ..decision } } else { decision }
    }

    /// Whether a client has a grant by the zones of a map; it is one line of the log.
    pub(super) async fn has_grant(&self, map: &str, client: IpAddr) -> bool {
        let grants = self.decider.grants();
        if !grants.has_map(map) {
            tracing::warn!(map = said(map), "a lookup in a map that is no zone of grants");
            return false;
        }
        let now = Instant::now();
        let deadline = now + self.decider.lookup_deadline();
        let report = grants.ask(Asked::Map(map), client, now, deadline).await;
        self.note_grants(&report);
        let shadow = self.decider.is_in_shadow();
        tracing::info!(
            client = client.to_canonical().to_string(),
            map,
            granted = report.granted().map(ZoneName::public),
            ungranted = report.trouble(),
            shadow,
            "decided"
        );
        report.granted().is_some() && !shadow
    }

    /// Counts what zones of grants said, and tells when one begins to be silent and when that ends.
    fn note_grants(&self, report: &GrantReport) {
        for (zone, status) in &report.outcomes {
            let result = grant_result(status);
            self.metrics.grant_lookups.with_label_values(&[zone.public(), result]).inc();
            let mut silent = self.silent_grants.lock().unwrap_or_else(PoisonError::into_inner);
            match status.detail() {
                Some(why) if silent.insert(zone.clone()) => {
                    tracing::warn!(%zone, why, "a zone of grants could not tell: nobody is permitted by it");
                }
                None if silent.remove(zone) => {
                    tracing::info!(%zone, "a zone of grants tells again")
                }
                _ => {}
            }
        }
    }
}

/// What a zone of grants may say, in metrics.
const GRANT_RESULTS: [&str; 3] = ["granted", "none", "failed"];

fn grant_result(status: &Status) -> &'static str {
    let [granted, none, failed] = GRANT_RESULTS;
    match status {
        Status::Listed(_) => granted,
        Status::NotListed => none,
        _ => failed,
    }
}

/// What strangers say is cut and quoted: the log has one line for a decision.
fn log(request: &Request, decided: &Decided, shadow: bool) {
    let Decision { action, score, zones, hits, noted, granted } = &decided.decision;
    let why = match &decided.basis {
        Basis::Nothing(why) => Some(why.to_string()),
        _ => None,
    };
    tracing::info!(
        client = request.client.map(|addr| addr.to_canonical().to_string()),
        helo = said(&request.helo),
        sender = said(&request.sender),
        queue_id = said(&request.queue_id),
        instance = said(&request.instance),
        action = action.as_str(),
        %score,
        %zones,
        hits = said_long(hits),
        noted = said_long(noted),
        granted,
        ungranted = decided.grants.trouble(),
        why,
        shadow,
        "decided"
    );
}

/// The most characters of what a stranger said that get into the log.
const MAX_SAID: usize = 256;

/// What a stranger said, cut; nothing where it is nothing.
fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.chars().take(MAX_SAID).collect())
}

/// Subjects and lists, which are of bounded length; nothing where there are none.
fn said_long(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Tells logs and metrics what the client does.
struct Listener {
    metrics: Arc<Metrics>,
}

impl Observer for Listener {
    fn outcome(&self, zone: &ZoneName, status: &Status, took: std::time::Duration) {
        self.metrics.lookups.with_label_values(&[zone.public(), status.as_str()]).inc();
        tracing::debug!(%zone, status = status.as_str(), ?took, "a list answered");
    }

    fn event(&self, event: &Event) {
        match event {
            Event::Health { zone, from, to } => self.health(zone, *from, *to),
            Event::Gone { zone, .. } => {
                self.metrics.zone_gone.with_label_values(&[zone.public()]).set(1);
                tracing::error!(%zone, "{event}");
            }
            Event::Resolver { trouble } => {
                self.metrics.resolver_up.set(trouble.is_none().into());
                match trouble {
                    Some(_) => tracing::warn!("{event}"),
                    None => tracing::info!("{event}"),
                }
            }
            other => tracing::warn!("{other}"),
        }
    }
}

impl Listener {
    fn health(&self, zone: &ZoneName, from: Health, to: Health) {
        let labels = &[zone.public()];
        let counts = matches!(to, Health::Up | Health::Probation);
        self.metrics.zone_up.with_label_values(labels).set(counts.into());
        self.metrics.state_changes.with_label_values(&[zone.public(), to.as_str()]).inc();
        if counts {
            self.metrics.zone_gone.with_label_values(labels).set(0);
        }
        let (was, is) = (from.as_str(), to.as_str());
        match to {
            Health::Suspect { why } | Health::Down { why, .. } => {
                tracing::warn!(%zone, from = was, to = is, why = %why, "the health of a list changed");
            }
            _ => tracing::info!(%zone, from = was, to = is, "the health of a list changed"),
        }
    }
}
