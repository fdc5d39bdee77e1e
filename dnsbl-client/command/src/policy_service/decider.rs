//! From a request to a decision. `dnsbl explain` asks here too: what it tells is what the service does.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use dnsbl_client::{
    Action as Verdict, Client, ClientBuilder, ClientError, Domain, Email, HealthChecks, Outcome,
    Report, Resolvers, SpecialUse, Status, Target, Zone, ZoneKind, ZoneName,
};
use ipnet::IpNet;

use super::{
    config::{Config, Deadlines, PolicyZone, Texts, What},
    grants::{Asked, GrantReport, Grants},
    reply::{Action, Decision},
    request::Request,
    template::{Facts, Template},
};

/// Decides about requests.
pub(crate) struct Decider {
    grants: Grants,
    /// Asks the lists, if there are any.
    client: Option<Client>,
    /// By the places of the client.
    zones: Vec<Zone>,
    urls: Vec<Option<Template>>,
    texts: Texts,
    checks: Vec<What>,
    exempt: Vec<IpNet>,
    shadow: bool,
    deadlines: Deadlines,
}

/// What was decided, and by what.
pub(crate) struct Decided {
    /// As if nothing were in shadow.
    pub(crate) decision: Decision,
    /// What it rests on.
    pub(crate) basis: Basis,
    /// What zones of grants say.
    pub(crate) grants: GrantReport,
}

/// What a decision rests on.
pub(crate) enum Basis {
    /// The client has a grant; no list was asked.
    Grant,
    /// What the lists say.
    Lists(Report),
    /// What was decided before about the same message.
    Memory,
    /// No list was asked.
    Nothing(Unasked),
}

/// Why nothing is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unasked {
    #[error("the user has logged in")]
    LoggedIn,
    #[error("exempt: {0} stands in the configuration")]
    Exempt(IpNet),
    #[error("there is no list: only grants are asked for")]
    NoList,
    #[error("nothing to look up: the configuration's checks leave it out")]
    Nothing,
}

impl Decider {
    /// Decides by this configuration; `adapt` changes how the lists are asked.
    pub(crate) fn new(
        config: Config,
        adapt: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, ClientError> {
        let (zones, urls): (Vec<Zone>, Vec<_>) =
            config.zones.into_iter().map(|PolicyZone { zone, url }| (zone, url)).unzip();
        let resolvers = match config.resolvers.is_empty() {
            true => Resolvers::System,
            false => Resolvers::Given(config.resolvers),
        };
        let grants = Grants::new(config.grants, &resolvers)?;
        let mut client = Client::builder()
            .zones(zones.iter().cloned())
            .resolvers(resolvers)
            .policy(config.policy)
            .deadline(config.deadlines.normal)
            .gone_after(config.gone_after)
            .health_checks(HealthChecks::Required);
        if config.check_special_use {
            client = client.special_use(SpecialUse::Ask);
        }
        if let Some(path) = config.state_file {
            client = client.state_file(path);
        }
        let client = match zones.is_empty() {
            true => None,
            false => Some(adapt(client).build()?),
        };
        Ok(Self {
            grants,
            client,
            zones,
            urls,
            texts: config.texts,
            checks: config.checks,
            exempt: config.exempt,
            shadow: config.shadow,
            deadlines: config.deadlines,
        })
    }

    /// Who asks the lists, if there are any.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The zones of grants.
    pub(super) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Whether everything passes whatever is decided.
    pub(crate) fn is_in_shadow(&self) -> bool {
        self.shadow
    }

    /// How long a lookup in a map may take.
    pub(super) fn lookup_deadline(&self) -> Duration {
        self.deadlines.normal
    }

    /// How long a decision may take.
    pub(crate) fn deadline(&self, request: &Request) -> Duration {
        if request.stress { self.deadlines.stress } else { self.deadlines.normal }
    }

    /// What to do; `known` is what was decided before about the same message. Whatever goes wrong on our
    /// side, mail is not refused for it, and nobody is permitted to relay.
    ///
    /// Who has a grant is not judged by lists: they mean the networks from which users log in.
    pub(crate) async fn decide(
        &self,
        request: &Request,
        deadline: Duration,
        known: Option<Decision>,
    ) -> Decided {
        let began = Instant::now();
        let grants = self.ask_grants(request, began, deadline).await;
        let (decision, basis) = match (grants.granted(), known) {
            (Some(zone), _) => (granted(request, zone), Basis::Grant),
            (None, Some(known)) => (known, Basis::Memory),
            (None, None) => self.ask_lists(request, deadline.saturating_sub(began.elapsed())).await,
        };
        Decided { decision, basis, grants }
    }

    /// Whether the client has a grant. The lists, where there are any, have at least half of the time.
    async fn ask_grants(&self, request: &Request, now: Instant, deadline: Duration) -> GrantReport {
        let Some(client) = request.client.filter(|_| !request.is_authenticated()) else {
            return GrantReport::default();
        };
        let share = if self.client.is_some() { deadline / 2 } else { deadline };
        let asked = Asked::Request { context: &request.context };
        self.grants.ask(asked, client, now, now + share).await
    }

    async fn ask_lists(&self, request: &Request, deadline: Duration) -> (Decision, Basis) {
        match self.targets(request) {
            Ok((client, targets)) => {
                let report = client.check_within(&targets, deadline).await;
                (self.decision(request, &report), Basis::Lists(report))
            }
            Err(why) => (Decision::default(), Basis::Nothing(why)),
        }
    }

    /// What to look up, and by whom; nothing for users who have logged in and for exempt clients.
    fn targets(&self, request: &Request) -> Result<(&Client, Vec<Target>), Unasked> {
        if request.is_authenticated() {
            return Err(Unasked::LoggedIn);
        }
        let holds =
            |addr: IpAddr| self.exempt.iter().find(|net| net.contains(&addr.to_canonical()));
        if let Some(net) = request.client.and_then(holds) {
            return Err(Unasked::Exempt(*net));
        }
        let client = self.client.as_ref().ok_or(Unasked::NoList)?;
        let targets: Vec<Target> =
            self.checks.iter().flat_map(|what| targets(*what, request)).collect();
        if targets.is_empty() { Err(Unasked::Nothing) } else { Ok((client, targets)) }
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
        let is_noted = |outcome: &&Outcome| {
            outcome.status.listing().is_some()
                && self.zones[outcome.id.index()].kind == ZoneKind::Informational
        };
        Decision {
            action,
            score: report.score,
            zones,
            hits: hits(report, reasons),
            noted: hits(report, report.outcomes.iter().filter(is_noted)),
            granted: None,
        }
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

/// A permission to relay where it is asked about that, and else nothing.
fn granted(request: &Request, zone: &ZoneName) -> Decision {
    let action = if request.is_about_recipient() { Action::Permit } else { Action::Pass };
    Decision { action, granted: Some(zone.public().to_owned()), ..Decision::default() }
}

/// Which subjects are listed where: `192.0.2.9 in bl.example.org, …`.
fn hits<'a>(report: &Report, outcomes: impl IntoIterator<Item = &'a Outcome>) -> String {
    let hits = outcomes.into_iter();
    let hits = hits.map(|o| format!("{} in {}", shown(&report.targets[o.target]), o.zone));
    hits.collect::<Vec<_>>().join(", ")
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
