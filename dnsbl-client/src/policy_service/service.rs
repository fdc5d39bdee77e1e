//! From a request to a decision.

use std::{net::IpAddr, sync::Arc, time::Instant};

use dnsbl_client::{
    Action as Verdict, Client, Domain, Email, Event, Health, Observer, Outcome, Report, Resolvers,
    SpecialUse, Status, Target, Watch, Zone, ZoneName,
};

use super::{
    config::{Config, Deadlines, Limits, PolicyZone, Texts, What},
    metrics::Metrics,
    reply::{Action, Decision},
    request::Request,
    template::{Facts, Template},
};

/// Decides, and knows what all connections share.
pub(super) struct Service {
    client: Client,
    /// By the places of the client.
    zones: Vec<Zone>,
    urls: Vec<Option<Template>>,
    texts: Texts,
    checks: Vec<What>,
    exempt: Vec<ipnet::IpNet>,
    shadow: bool,
    deadlines: Deadlines,
    limits: Limits,
    metrics: Arc<Metrics>,
}

impl Service {
    pub(super) fn start(config: Config) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::new()?);
        let (zones, urls): (Vec<Zone>, Vec<_>) =
            config.zones.into_iter().map(|PolicyZone { zone, url }| (zone, url)).unzip();
        for zone in &zones {
            metrics.zone_up.with_label_values(&[zone.name.public()]).set(0);
        }
        let mut client = Client::builder()
            .zones(zones)
            .policy(config.policy)
            .deadline(config.deadlines.normal)
            .watch(Watch::Proof)
            .observer(Arc::new(Listener { metrics: metrics.clone() }));
        if !config.resolvers.is_empty() {
            client = client.resolvers(Resolvers::Given(config.resolvers));
        }
        if config.check_special_use {
            client = client.special_use(SpecialUse::Ask);
        }
        if let Some(path) = config.state_file {
            client = client.state_file(path);
        }
        let client = client.build()?;
        Ok(Self {
            zones: client.zones().cloned().collect(),
            client,
            urls,
            texts: config.texts,
            checks: config.checks,
            exempt: config.exempt,
            shadow: config.shadow,
            deadlines: config.deadlines,
            limits: config.limits,
            metrics,
        })
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// What to do. Whatever goes wrong on our side, mail is not refused for it.
    pub(super) async fn decide(&self, request: &Request) -> Decision {
        let began = Instant::now();
        let targets = self.targets(request);
        let decision = if targets.is_empty() {
            Decision::default()
        } else {
            let deadlines = &self.deadlines;
            let deadline = if request.stress { deadlines.stress } else { deadlines.normal };
            let report = self.client.check_within(&targets, deadline).await;
            self.decision(request, &report)
        };
        self.metrics.check_seconds.observe(began.elapsed().as_secs_f64());
        self.metrics.checks.with_label_values(&[decision.action.word()]).inc();
        tracing::debug!(
            client = ?request.client,
            action = decision.action.word(),
            score = %decision.score,
            zones = %decision.zones,
            shadow = self.shadow,
            "decided"
        );
        if self.shadow { Decision { action: Action::Pass, ..decision } } else { decision }
    }

    /// What to look up; nothing for users who have logged in and for exempt clients.
    fn targets(&self, request: &Request) -> Vec<Target> {
        let exempt =
            |addr: IpAddr| self.exempt.iter().any(|net| net.contains(&addr.to_canonical()));
        if request.is_authenticated() || request.client.is_some_and(exempt) {
            return Vec::new();
        }
        self.checks.iter().flat_map(|what| targets(*what, request)).collect()
    }

    fn decision(&self, request: &Request, report: &Report) -> Decision {
        let reasons = report.reasons();
        let mut zones: Vec<&str> = reasons.iter().map(|outcome| outcome.zone.public()).collect();
        zones.dedup();
        let zones = zones.join(",");
        let mut facts = Facts {
            client: request.client.map(|addr| addr.to_canonical().to_string()).unwrap_or_default(),
            zones: zones.replace(',', ", "),
            score: report.score.to_string(),
            ..Facts::default()
        };
        if let Some(first) = reasons.first() {
            facts.zone = first.zone.public().to_owned();
            facts.what = shown(&report.targets[first.target]);
            facts.reason = self.reason(first, &facts);
        }
        let action = match report.action {
            Verdict::Reject => Action::Reject(self.texts.reject.render(&facts)),
            Verdict::Defer => Action::Defer(self.texts.defer.render(&facts)),
            Verdict::Tag => Action::Tag(self.texts.tag.render(&facts)),
            _ => Action::Pass,
        };
        Decision { action, score: report.score, zones }
    }

    /// The message of a rule, or the list's text, and its URL unless there is one in the text.
    fn reason(&self, outcome: &Outcome, facts: &Facts) -> String {
        let Status::Listed(listing) = &outcome.status else { return String::new() };
        let zone = &self.zones[outcome.id.index()];
        let message =
            listing.hits.iter().find_map(|&hit| zone.rules[usize::from(hit)].message.clone());
        let text = message.or_else(|| listing.reason.clone()).unwrap_or_default();
        let url = self.urls[outcome.id.index()].as_ref().map(|url| url.render(facts));
        match url {
            Some(url) if text.is_empty() => format!("see {url}"),
            Some(url) if !text.contains("://") => format!("{text}; see {url}"),
            _ if text.is_empty() => "listed".to_owned(),
            _ => text,
        }
    }
}

/// What there is to look up of one kind.
fn targets(what: What, request: &Request) -> Vec<Target> {
    let domain = |text: &str| text.parse::<Domain>().ok().map(Target::Domain);
    let (first, second) = match what {
        What::Client => (request.client.map(Target::from), None),
        What::Helo => (domain(&request.helo), None),
        What::ReverseName => (domain(&request.reverse_name), None),
        What::Sender => {
            let host = request.sender.rsplit_once('@').and_then(|(_, host)| domain(host));
            (host, request.sender.parse::<Email>().ok().map(Target::Email))
        }
    };
    first.into_iter().chain(second).collect()
}

fn shown(target: &Target) -> String {
    match target {
        Target::Domain(domain) => domain.to_string().trim_end_matches('.').to_owned(),
        Target::Email(email) => email.to_string().trim_end_matches('.').to_owned(),
        address => address.addr().map(|addr| addr.to_string()).unwrap_or_default(),
    }
}

/// Tells logs and metrics what the client does.
struct Listener {
    metrics: Arc<Metrics>,
}

impl Observer for Listener {
    fn outcome(&self, zone: &ZoneName, status: &Status, took: std::time::Duration) {
        self.metrics.lookups.with_label_values(&[zone.public(), status.word()]).inc();
        tracing::debug!(%zone, status = status.word(), ?took, "a list answered");
    }

    fn event(&self, event: &Event) {
        match event {
            Event::Health { zone, from, to } => {
                let counts = matches!(to, Health::Up | Health::Probation);
                self.metrics.zone_up.with_label_values(&[zone.public()]).set(counts.into());
                self.metrics.state_changes.with_label_values(&[zone.public(), to.word()]).inc();
                let why = match to {
                    Health::Suspect { why } | Health::Down { why, .. } => why.to_string(),
                    _ => String::new(),
                };
                let (from, to) = (from.word(), to.word());
                tracing::warn!(%zone, from, to, why, "the health of a list changed");
            }
            other => tracing::warn!(event = ?other, "a list is in trouble"),
        }
    }
}
