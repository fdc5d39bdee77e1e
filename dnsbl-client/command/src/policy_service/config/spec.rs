//! The configuration exactly as typed.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use dnsbl_client::{
    Action, Asks, OnUnknown, Policy, PolicyError, Score, ScoreRange, Zone, ZoneKind,
};
use dnsbl_daemon::{Access, AccessError, Listen, log::Filter};
use serde::Deserialize;
use toml::Spanned;

use super::{
    super::template::Template,
    Config, Deadlines, GrantSource, Limits, Texts, What,
    grant::{GrantSpec, grants},
    value::{Points, Refused, refuse, server, template},
    zone::{Checked, ZoneSpec},
};

/// The only version so far.
const VERSION: &str = "v1";
/// More lists than this are a mistake.
const MAX_ZONES: usize = 64;
/// More zones of grants than this are one.
const MAX_GRANTS: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Spec {
    version: Spanned<String>,
    #[serde(default = "default_listen")]
    listen: Spanned<Vec<String>>,
    socketmap_listen: Option<Spanned<Vec<String>>>,
    #[serde(default = "default_socket_mode")]
    socket_mode: Spanned<String>,
    socket_group: Option<Spanned<String>>,
    metrics_listen: Option<SocketAddr>,
    state_file: Option<PathBuf>,
    #[serde(default = "default_log")]
    log: Spanned<String>,
    #[serde(default)]
    shadow: bool,
    #[serde(default)]
    exempt: Vec<Spanned<String>>,
    #[serde(default)]
    check_special_use: bool,
    #[serde(default)]
    resolvers: Vec<Spanned<String>>,
    #[serde(default = "default_deadline")]
    deadline_ms: Spanned<u64>,
    #[serde(default = "default_stress_deadline")]
    stress_deadline_ms: Spanned<u64>,
    checks: Option<Spanned<Vec<What>>>,
    #[serde(default)]
    on_unknown: OnUnknownSpec,
    #[serde(default = "default_gone_after")]
    gone_after_hours: Spanned<u64>,
    #[serde(default)]
    limits: LimitsSpec,
    #[serde(default)]
    score: ScoreSpec,
    #[serde(default)]
    text: TextSpec,
    #[serde(default, rename = "zone")]
    zones: Vec<Spanned<ZoneSpec>>,
    #[serde(default, rename = "grant")]
    grants: Vec<Spanned<GrantSpec>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct LimitsSpec {
    connections: Spanned<usize>,
    connections_per_network: Option<Spanned<usize>>,
    idle_timeout: Spanned<u64>,
}

impl Default for LimitsSpec {
    fn default() -> Self {
        Self {
            connections: Spanned::new(0..0, 4096),
            connections_per_network: None,
            idle_timeout: Spanned::new(0..0, 330),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ScoreSpec {
    tag: Option<Spanned<Points>>,
    defer: Option<Spanned<Points>>,
    reject: Option<Spanned<Points>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct TextSpec {
    tag: Spanned<String>,
    defer: Spanned<String>,
    reject: Spanned<String>,
}

impl Default for TextSpec {
    fn default() -> Self {
        let text = |text: &str| Spanned::new(0..0, text.to_owned());
        Self {
            tag: text("X-DNSBL: {zones}; score={score}"),
            defer: text("Service unavailable for now; {what} is listed in {zone}; {reason}"),
            reject: text("Service unavailable; {what} blocked using {zone}; {reason}"),
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnUnknownSpec {
    #[default]
    Neutral,
    Defer,
}

impl Spec {
    pub(super) fn check(self, folder: &Path) -> Result<Config, Refused> {
        if self.version.get_ref() != VERSION {
            return refuse(self.version.span(), format!("this release reads {VERSION:?} only"));
        }
        let has_nothing = self.zones.is_empty() && self.grants.is_empty();
        if has_nothing || self.zones.len() > MAX_ZONES {
            let at = self.zones.last().map_or(0..0, Spanned::span);
            return refuse(
                at,
                format!("there are 1 to {MAX_ZONES} tables [[zone]], or a [[grant]]"),
            );
        }
        if let Some(last) = self.grants.get(MAX_GRANTS) {
            return refuse(last.span(), format!("there are at most {MAX_GRANTS} tables [[grant]]"));
        }
        let key_files = self.zones.iter().filter_map(|zone| zone.get_ref().key_file());
        let key_files = key_files.map(|file| folder.join(file)).collect();
        let checks = checks(self.checks)?;
        let policy = match (self.zones.is_empty(), self.score.is_empty()) {
            (true, true) => Policy::default(),
            _ => self.score.policy(self.on_unknown)?,
        };
        let zones = zones(self.zones, folder)?;
        let grants = grants(self.grants.into_iter().map(Spanned::into_inner).collect())?;
        self.score.check_reach(&zones, &checks)?;
        let warnings = warnings(&zones, self.shadow);
        Ok(Config {
            key_files,
            listen: listen(&self.listen)?,
            socketmap_listen: socketmap_listen(self.socketmap_listen.as_ref(), &grants)?,
            access: access(&self.socket_mode, self.socket_group.as_ref())?,
            metrics_listen: self.metrics_listen,
            state_file: self.state_file.map(|path| folder.join(path)),
            log: filter(&self.log)?,
            shadow: self.shadow,
            exempt: self.exempt.iter().map(network).collect::<Result<_, _>>()?,
            check_special_use: self.check_special_use,
            resolvers: self.resolvers.iter().map(server).collect::<Result<_, _>>()?,
            deadlines: Deadlines {
                normal: milliseconds(&self.deadline_ms)?,
                stress: milliseconds(&self.stress_deadline_ms)?,
            },
            limits: self.limits.check()?,
            checks,
            policy,
            texts: self.text.check()?,
            zones: zones.into_iter().map(|checked| checked.zone).collect(),
            grants,
            gone_after: hours(&self.gone_after_hours)?,
            warnings,
        })
    }
}

impl LimitsSpec {
    fn check(self) -> Result<Limits, Refused> {
        let (connections, idle) = (*self.connections.get_ref(), *self.idle_timeout.get_ref());
        if !(1..=100_000).contains(&connections) {
            return refuse(self.connections.span(), "it is 1 to 100000");
        }
        if !(1..=3600).contains(&idle) {
            return refuse(self.idle_timeout.span(), "it is 1 to 3600 seconds");
        }
        let per_network = self.connections_per_network.as_ref();
        if let Some(wrong) = per_network.filter(|count| !(1..=100_000).contains(count.get_ref())) {
            return refuse(wrong.span(), "it is 1 to 100000");
        }
        let connections_per_network = per_network.map_or(connections, |count| *count.get_ref());
        Ok(Limits { connections, connections_per_network, idle: Duration::from_secs(idle) })
    }
}

/// The lists, none of which is there twice: it would count twice.
fn zones(specs: Vec<Spanned<ZoneSpec>>, folder: &Path) -> Result<Vec<Checked>, Refused> {
    let mut zones: Vec<Checked> = Vec::with_capacity(specs.len());
    for spec in specs {
        let at = spec.span();
        let checked = spec.into_inner().check(folder).map_err(|refused| match refused {
            // Something is missing, which stands nowhere.
            Refused { at: Range { start: 0, end: 0 }, detail } => {
                Refused { at: at.clone(), detail }
            }
            refused => refused,
        })?;
        let of = |checked: &Checked| {
            let zone = &checked.zone.zone;
            (zone.name.secret().clone(), std::mem::discriminant(&zone.asks))
        };
        if zones.iter().any(|other| of(other) == of(&checked)) {
            let name = checked.zone.zone.name.public();
            return refuse(
                if checked.at.is_empty() { at } else { checked.at },
                format!("{name} is there already: write its rules into one table"),
            );
        }
        zones.push(checked);
    }
    Ok(zones)
}

/// What is no mistake, but hardly meant.
fn warnings(zones: &[Checked], shadow: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    let in_shadow = zones.iter().filter(|checked| checked.counted.is_some());
    let names: Vec<&str> = in_shadow.map(|checked| checked.zone.zone.name.public()).collect();
    if shadow && !names.is_empty() {
        warnings.push(format!(
            "the service is in shadow, and {} besides: the decisions in the log are made without what {} says",
            names.join(", "),
            if names.len() == 1 { "it" } else { "they" },
        ));
    } else if !zones.is_empty() && names.len() == zones.len() {
        warnings.push("every list is in shadow: the score is always 0".into());
    }
    warnings
}

/// What a rule adds to the score.
fn weight(zone: &Zone, weight: Score) -> Score {
    match zone.kind {
        ZoneKind::Block => weight,
        _ => Score::ZERO,
    }
}

/// How many subjects of one request a list of this kind is asked about, at most.
fn subjects(asks: Asks, checks: &[What]) -> usize {
    let fits = |what: &&What| match (asks, what) {
        (Asks::Addresses { .. }, What::Client) | (Asks::Emails(_), What::Sender) => true,
        (Asks::Domains, what) => **what != What::Client,
        _ => false,
    };
    checks.iter().filter(fits).count()
}

fn listen(texts: &Spanned<Vec<String>>) -> Result<Vec<Listen>, Refused> {
    if texts.get_ref().is_empty() {
        return refuse(texts.span(), "it is empty; name at least one ADDRESS:PORT or unix:/path");
    }
    let parse = |text: &String| {
        Listen::parse(text).ok_or_else(|| Refused {
            at: texts.span(),
            detail: format!("{text:?} is not ADDRESS:PORT or unix:/path"),
        })
    };
    texts.get_ref().iter().map(parse).collect()
}

fn socketmap_listen(
    texts: Option<&Spanned<Vec<String>>>,
    grants: &[GrantSource],
) -> Result<Vec<Listen>, Refused> {
    let Some(texts) = texts else { return Ok(Vec::new()) };
    if grants.iter().all(|grant| grant.context.is_some()) {
        return refuse(texts.span(), "there is nothing to look up: no [[grant]] without a context");
    }
    listen(texts)
}

fn access(mode: &Spanned<String>, group: Option<&Spanned<String>>) -> Result<Access, Refused> {
    let access = Access::parse(mode.get_ref(), group.map(|group| group.get_ref().as_str()));
    access.map_err(|err| Refused {
        at: match (&err, group) {
            (AccessError::Group(_), Some(group)) => group.span(),
            _ => mode.span(),
        },
        detail: err.to_string(),
    })
}

fn filter(text: &Spanned<String>) -> Result<Filter, Refused> {
    Filter::parse(text.get_ref())
        .map_err(|err| Refused { at: text.span(), detail: err.to_string() })
}

fn network(text: &Spanned<String>) -> Result<ipnet::IpNet, Refused> {
    let single = || text.get_ref().parse::<IpAddr>().ok().map(Into::into);
    let net = text.get_ref().parse().ok().or_else(single);
    net.ok_or_else(|| Refused { at: text.span(), detail: "not an address or a prefix".into() })
}

fn milliseconds(number: &Spanned<u64>) -> Result<Duration, Refused> {
    match *number.get_ref() {
        ms @ 50..=60_000 => Ok(Duration::from_millis(ms)),
        _ => refuse(number.span(), "it is 50 to 60000 milliseconds"),
    }
}

fn hours(number: &Spanned<u64>) -> Result<Duration, Refused> {
    match *number.get_ref() {
        hours @ 1..=8760 => Ok(Duration::from_secs(hours * 3600)),
        _ => refuse(number.span(), "it is 1 to 8760 hours"),
    }
}

impl ScoreSpec {
    /// Refuses a band that no mail can reach. Lists in shadow count as they would.
    fn check_reach(&self, zones: &[Checked], checks: &[What]) -> Result<(), Refused> {
        let most: Score = zones
            .iter()
            .flat_map(|checked| {
                let zone = checked.counted.as_ref().unwrap_or(&checked.zone.zone);
                let reach = ScoreRange::of(zone.rules.iter().map(|rule| weight(zone, rule.weight)));
                std::iter::repeat_n(reach.most, subjects(zone.asks, checks))
            })
            .sum();
        let bands = [&self.tag, &self.defer, &self.reject].into_iter().flatten();
        for band in bands {
            let from = band.get_ref().0;
            if from > most {
                return refuse(
                    band.span(),
                    format!("{from} is never reached: all lists together add {most} at most"),
                );
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.tag.is_none() && self.defer.is_none() && self.reject.is_none()
    }

    fn policy(&self, on_unknown: OnUnknownSpec) -> Result<Policy, Refused> {
        let bands = [
            (&self.tag, Action::Tag),
            (&self.defer, Action::Defer),
            (&self.reject, Action::Reject),
        ];
        let chosen = bands.iter().filter_map(|(points, action)| {
            points.as_ref().map(|points| (points.span(), points.get_ref().0, *action))
        });
        let chosen: Vec<_> = chosen.collect();
        if chosen.is_empty() {
            return refuse(
                0..0,
                "the table [score] is missing or empty: from which score on to tag, defer or reject",
            );
        }
        let at = |score: Score| {
            let band = chosen.iter().find(|(_, from, _)| *from == score);
            band.map_or(0..0, |(span, ..)| span.clone())
        };
        let policy = Policy::new(chosen.iter().map(|(_, score, action)| (*score, *action)));
        let policy = policy.map_err(|err| Refused {
            at: match err {
                PolicyError::NotPositive(score) | PolicyError::Milder(score) => at(score),
                _ => 0..0,
            },
            detail: err.to_string(),
        })?;
        Ok(policy.on_unknown(on_unknown.into()))
    }
}

impl TextSpec {
    fn check(&self) -> Result<Texts, Refused> {
        Ok(Texts {
            tag: template(&self.tag, Template::parse_header)?,
            defer: template(&self.defer, Template::parse)?,
            reject: template(&self.reject, Template::parse)?,
        })
    }
}

impl From<OnUnknownSpec> for OnUnknown {
    fn from(on_unknown: OnUnknownSpec) -> Self {
        match on_unknown {
            OnUnknownSpec::Neutral => Self::Neutral,
            OnUnknownSpec::Defer => Self::Defer,
        }
    }
}

fn checks(chosen: Option<Spanned<Vec<What>>>) -> Result<Vec<What>, Refused> {
    let Some(chosen) = chosen else {
        return Ok(vec![What::Client, What::Helo, What::Sender, What::ReverseName]);
    };
    if chosen.get_ref().is_empty() {
        return refuse(chosen.span(), "it is empty; leave it out to look up everything");
    }
    Ok(chosen.into_inner())
}

fn default_listen() -> Spanned<Vec<String>> {
    Spanned::new(0..0, vec!["127.0.0.1:10040".into()])
}

fn default_log() -> Spanned<String> {
    Spanned::new(0..0, "info".into())
}

fn default_socket_mode() -> Spanned<String> {
    Spanned::new(0..0, "0666".into())
}

fn default_deadline() -> Spanned<u64> {
    Spanned::new(0..0, 1500)
}

fn default_gone_after() -> Spanned<u64> {
    Spanned::new(0..0, 24)
}

fn default_stress_deadline() -> Spanned<u64> {
    Spanned::new(0..0, 500)
}
