//! `[relay-tester]`: as typed, and checked.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use dnsbl_types::Name;
use ipnet::IpNet;
use relay_tester::{
    HeaderText, HostName, LocalPart, Sources,
    life::{Limits, Output, Patience},
};
use serde::Deserialize;

use super::spec::{Refused, refuse};

/// The tester of open relays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayTester {
    /// Where open relays are listed.
    pub zone: Name,
    /// Where the outputs of relays of several hops are listed, if anywhere.
    pub outputs_zone: Option<Name>,
    /// Where the receiver listens for returned messages.
    pub receiver: SocketAddr,
    /// The public address of the receiver, where it is not the one it listens on.
    pub receiver_address: Option<IpAddr>,
    /// The domain whose mail the receiver takes.
    pub probe_domain: HostName,
    /// Our name in EHLO.
    pub ehlo: HostName,
    /// The addresses that tests come from; the system's choice where there is none of a family.
    pub sources: Sources,
    /// Networks that may be tested though they are special or our own.
    pub allow_targets: Vec<IpNet>,
    /// Whether `allow_targets` adds to what may be tested, instead of being all of it.
    pub allow_all: bool,
    /// Addresses of our own beside those of this machine.
    pub own_addresses: Vec<IpNet>,
    /// Hosts that answer on port 25 if anything does.
    pub reference_hosts: Vec<SocketAddr>,
    /// DNS servers to look up MX and PTR records with; none: those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// From how many networks hosts must have sent through an output before it is listed.
    pub outputs_networks: usize,
    /// How long messages are waited for, and how long passes between tests.
    pub patience: Patience,
    /// Between two connections to a host.
    pub connection_pause: Duration,
    /// Between two probes of a connection.
    pub probe_pause: Duration,
    /// The page of a test, with `{id}` and `{address}`.
    pub lookup_page: Option<HeaderText>,
    /// Who answers questions.
    pub contact: Option<HeaderText>,
    /// The Subject of messages, with `{id}` and `{address}`.
    pub subject: Option<HeaderText>,
    /// The local part of senders.
    pub mail_from: Option<LocalPart>,
    /// Whether the postmaster of a host is told when it is listed.
    pub notice: bool,
    /// Whether tests may be asked for without a token; then these are the proxies that are believed.
    pub anonymous: Option<Vec<IpNet>>,
    /// How often is tested.
    pub limits: Limits,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct RelayTesterSpec {
    enabled: bool,
    zone: Option<String>,
    outputs_zone: Option<String>,
    receiver: Option<String>,
    receiver_address: Option<String>,
    probe_domain: Option<String>,
    ehlo: Option<String>,
    source: Option<OneOrMore>,
    outputs_networks: Option<usize>,
    allow_targets: Vec<String>,
    allow_targets_in_public: bool,
    own_addresses: Vec<String>,
    reference_hosts: Vec<String>,
    resolvers: Vec<String>,
    settle_for: Option<String>,
    pending_for: Option<String>,
    retry_after: Option<String>,
    second_test_after: Option<String>,
    connection_pause: Option<String>,
    probe_pause: Option<String>,
    lookup_page: Option<String>,
    contact: Option<String>,
    subject: Option<String>,
    mail_from: Option<String>,
    notice: bool,
    limits: LimitsSpec,
    anonymous: AnonymousSpec,
}

/// One text, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct LimitsSpec {
    per_address_days: u64,
    per_24_hour: usize,
    global_hour: usize,
    at_once: usize,
    waiting: usize,
    per_token_hour: usize,
    anonymous_day: usize,
}

impl Default for LimitsSpec {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            per_address_days: limits.per_address_days,
            per_24_hour: limits.per_24_hour,
            global_hour: limits.global_hour,
            at_once: limits.at_once,
            waiting: limits.waiting,
            per_token_hour: limits.per_token_hour,
            anonymous_day: limits.anonymous_day,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct AnonymousSpec {
    enabled: bool,
    proxies: Vec<String>,
}

const SETTLE_FOR: &str = "relay-tester.settle-for";
const PENDING_FOR: &str = "relay-tester.pending-for";
const RETRY_AFTER: &str = "relay-tester.retry-after";
const SECOND_TEST_AFTER: &str = "relay-tester.second-test-after";
const SOURCE: &str = "relay-tester.source";
const OUTPUTS_NETWORKS: &str = "relay-tester.outputs-networks";
const ALLOW_TARGETS: &str = "relay-tester.allow-targets";

impl RelayTesterSpec {
    /// The checked settings, if the tester is on. `public` is a listener that is not on loopback.
    pub(super) fn check(self, public: Option<SocketAddr>) -> Result<Option<RelayTester>, Refused> {
        if !self.enabled {
            return Ok(None);
        }
        let receiver: SocketAddr = required("relay-tester.receiver", self.receiver)?;
        let allow_targets: Vec<IpNet> = networks(ALLOW_TARGETS, &self.allow_targets)?;
        let public = public.or_else(|| (!receiver.ip().is_loopback()).then_some(receiver));
        if let Some(public) = public.filter(|_| !allow_targets.is_empty())
            && !self.allow_targets_in_public
        {
            return refuse(
                ALLOW_TARGETS,
                format!(
                    "it is for tests, and {public} is no loopback address: remove it, or set \
                     allow-targets-in-public = true beside it"
                ),
            );
        }
        let anonymous = networks("relay-tester.anonymous.proxies", &self.anonymous.proxies)?;
        Ok(Some(RelayTester {
            zone: required("relay-tester.zone", self.zone)?,
            outputs_zone: optional("relay-tester.outputs-zone", self.outputs_zone)?,
            receiver,
            receiver_address: optional("relay-tester.receiver-address", self.receiver_address)?,
            probe_domain: required("relay-tester.probe-domain", self.probe_domain)?,
            ehlo: required("relay-tester.ehlo", self.ehlo)?,
            sources: sources(self.source)?,
            outputs_networks: outputs_networks(self.outputs_networks)?,
            allow_targets,
            allow_all: self.allow_targets_in_public,
            own_addresses: networks("relay-tester.own-addresses", &self.own_addresses)?,
            reference_hosts: all("relay-tester.reference-hosts", &self.reference_hosts)?,
            resolvers: all("relay-tester.resolvers", &self.resolvers)?,
            patience: Patience {
                retry_after: within(RETRY_AFTER, self.retry_after.as_deref(), "7m", 6)?,
                second_test_after: within(
                    SECOND_TEST_AFTER,
                    self.second_test_after.as_deref(),
                    "15m",
                    24,
                )?,
                ..patience(self.settle_for.as_deref(), self.pending_for.as_deref())?
            },
            connection_pause: duration(
                "relay-tester.connection-pause",
                self.connection_pause.as_deref().unwrap_or("1s"),
            )?,
            probe_pause: duration(
                "relay-tester.probe-pause",
                self.probe_pause.as_deref().unwrap_or("0s"),
            )?,
            lookup_page: optional("relay-tester.lookup-page", self.lookup_page)?,
            contact: optional("relay-tester.contact", self.contact)?,
            subject: optional("relay-tester.subject", self.subject)?,
            mail_from: optional("relay-tester.mail-from", self.mail_from)?,
            notice: self.notice,
            anonymous: self.anonymous.enabled.then_some(anonymous),
            limits: self.limits.check()?,
        }))
    }
}

impl LimitsSpec {
    fn check(self) -> Result<Limits, Refused> {
        if !(1..=1000).contains(&self.at_once) {
            return refuse("relay-tester.limits.at-once", "it is 1 to 1000");
        }
        if !(1..=1_000_000).contains(&self.waiting) {
            return refuse("relay-tester.limits.waiting", "it is 1 to 1000000");
        }
        if self.per_address_days > 3650 {
            return refuse("relay-tester.limits.per-address-days", "it is at most 3650");
        }
        Ok(Limits {
            per_address_days: self.per_address_days,
            per_24_hour: self.per_24_hour,
            global_hour: self.global_hour,
            at_once: self.at_once,
            waiting: self.waiting,
            per_token_hour: self.per_token_hour,
            anonymous_day: self.anonymous_day,
        })
    }
}

fn patience(settle_for: Option<&str>, pending_for: Option<&str>) -> Result<Patience, Refused> {
    let settle_for = duration(SETTLE_FOR, settle_for.unwrap_or("30m"))?.as_secs();
    let pending_for = duration(PENDING_FOR, pending_for.unwrap_or("5d"))?.as_secs();
    if settle_for > pending_for {
        return refuse(SETTLE_FOR, "it is longer than pending-for: late returns would not count");
    }
    Ok(Patience { settle_for, pending_for, retry_after: 0, second_test_after: 0 })
}

/// Seconds of at most so many hours.
fn within(key: &'static str, text: Option<&str>, usual: &str, hours: u64) -> Result<u64, Refused> {
    match duration(key, text.unwrap_or(usual))?.as_secs() {
        seconds if seconds <= hours * 3600 => Ok(seconds),
        _ => refuse(key, format!("it is at most {hours}h")),
    }
}

fn sources(given: Option<OneOrMore>) -> Result<Sources, Refused> {
    let texts = match given {
        None => Vec::new(),
        Some(OneOrMore::One(text)) => vec![text],
        Some(OneOrMore::More(texts)) => texts,
    };
    let mut sources = Sources::default();
    for address in all::<IpAddr>(SOURCE, &texts)? {
        if address.is_unspecified() || address.is_multicast() {
            return refuse(SOURCE, format!("{address} is no address of this machine"));
        }
        let is_second = match address.to_canonical() {
            IpAddr::V4(v4) => sources.v4.replace(v4).is_some(),
            IpAddr::V6(v6) => sources.v6.replace(v6).is_some(),
        };
        if is_second {
            return refuse(
                SOURCE,
                format!("{address} is the second of its family: name one of each"),
            );
        }
    }
    Ok(sources)
}

fn outputs_networks(given: Option<usize>) -> Result<usize, Refused> {
    match given.unwrap_or(Output::NETWORKS) {
        networks @ 2..=32 => Ok(networks),
        _ => refuse(OUTPUTS_NETWORKS, "it is 2 to 32"),
    }
}

/// Reads a whole number and a unit: `90s`, `30m`, `6h`, `5d`.
fn duration(key: &'static str, text: &str) -> Result<Duration, Refused> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[at..].trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return refuse(key, format!("{text:?} is not a number with s, m, h or d behind it")),
    };
    let seconds = text[..at].parse().ok().and_then(|number: u64| number.checked_mul(unit));
    match seconds {
        Some(seconds) if seconds <= 365 * 86_400 => Ok(Duration::from_secs(seconds)),
        _ => refuse(key, format!("{text:?} is not within 0s and 365d")),
    }
}

fn required<T: FromStr>(key: &'static str, text: Option<String>) -> Result<T, Refused>
where
    T::Err: std::fmt::Display,
{
    match optional(key, text)? {
        Some(value) => Ok(value),
        None => refuse(key, "it has no default; a relay tester needs it"),
    }
}

fn optional<T: FromStr>(key: &'static str, text: Option<String>) -> Result<Option<T>, Refused>
where
    T::Err: std::fmt::Display,
{
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(err) => refuse(key, format!("{text:?}: {err}")),
    }
}

fn all<T: FromStr>(key: &'static str, texts: &[String]) -> Result<Vec<T>, Refused>
where
    T::Err: std::fmt::Display,
{
    let values = texts.iter().map(|text| required(key, Some(text.clone())));
    values.collect()
}

fn networks(key: &'static str, texts: &[String]) -> Result<Vec<IpNet>, Refused> {
    let networks = texts.iter().map(|text| {
        let address: Option<IpAddr> = text.parse().ok();
        match address {
            Some(address) => Ok(IpNet::from(address)),
            None => required(key, Some(text.clone())),
        }
    });
    networks.collect()
}
