//! `[relay-tester]`: as typed, and checked.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use dnsbl_types::Name;
use ipnet::IpNet;
use relay_tester::{
    DriveSettings, HeaderText, HostName, Identity, LocalPart, ReceiverSettings, Sources,
    life::{Limits, Output, Patience},
    service::Settings,
};
use serde::Deserialize;
use toml::Spanned;

use super::refused::{Refused, all, duration, networks, optional, read, refuse, usual};

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct RelayTesterSpec {
    enabled: bool,
    zone: Option<Spanned<String>>,
    outputs_zone: Option<Spanned<String>>,
    receiver: Option<Spanned<String>>,
    receiver_address: Option<Spanned<String>>,
    probe_domain: Option<Spanned<String>>,
    ehlo: Option<Spanned<String>>,
    source: Option<Spanned<OneOrMore>>,
    outputs_networks: Option<Spanned<usize>>,
    allow_targets: Option<Spanned<Vec<Spanned<String>>>>,
    allow_targets_in_public: bool,
    own_addresses: Vec<Spanned<String>>,
    reference_hosts: Vec<Spanned<String>>,
    resolvers: Vec<Spanned<String>>,
    settle_for: Option<Spanned<String>>,
    pending_for: Option<Spanned<String>>,
    retry_after: Option<Spanned<String>>,
    second_test_after: Option<Spanned<String>>,
    connection_pause: Option<Spanned<String>>,
    probe_pause: Option<Spanned<String>>,
    lookup_page: Option<Spanned<String>>,
    contact: Option<Spanned<String>>,
    subject: Option<Spanned<String>>,
    mail_from: Option<Spanned<String>>,
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
    per_address_days: Spanned<u64>,
    per_24_hour: usize,
    global_hour: usize,
    at_once: Spanned<usize>,
    waiting: Spanned<usize>,
    per_token_hour: usize,
    anonymous_day: usize,
}

impl Default for LimitsSpec {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            per_address_days: usual(limits.per_address_days),
            per_24_hour: limits.per_24_hour,
            global_hour: limits.global_hour,
            at_once: usual(limits.at_once),
            waiting: usual(limits.waiting),
            per_token_hour: limits.per_token_hour,
            anonymous_day: limits.anonymous_day,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct AnonymousSpec {
    enabled: bool,
    proxies: Vec<Spanned<String>>,
}

const SETTLE_FOR: &str = "relay-tester.settle-for";
const SOURCE: &str = "relay-tester.source";
const ALLOW_TARGETS: &str = "relay-tester.allow-targets";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl RelayTesterSpec {
    /// The checked settings, if the tester is on. `at` is where the table stands, `public` a listener
    /// that is not on loopback.
    pub(super) fn check(
        self,
        at: &Range<usize>,
        public: Option<SocketAddr>,
    ) -> Result<Option<Settings>, Refused> {
        if !self.enabled {
            return Ok(None);
        }
        let receiver: SocketAddr = required("relay-tester.receiver", self.receiver.as_ref(), at)?;
        let allow_targets = self.allow_targets(receiver, public)?;
        let proxies = networks("relay-tester.anonymous.proxies", &self.anonymous.proxies)?;
        let identity = self.identity(at)?;
        let receiver_address =
            optional("relay-tester.receiver-address", self.receiver_address.as_ref())?;
        let own = (!receiver.ip().is_unspecified()).then_some(receiver.ip());
        Ok(Some(Settings {
            zone: required("relay-tester.zone", self.zone.as_ref(), at)?,
            outputs_zone: optional::<Name>(
                "relay-tester.outputs-zone",
                self.outputs_zone.as_ref(),
            )?,
            outputs_networks: outputs_networks(self.outputs_networks.as_ref())?,
            patience: self.patience()?,
            drive: self.drive(&allow_targets)?,
            receiver,
            receiving: ReceiverSettings::new(identity.ehlo.clone(), identity.probe_domain.clone()),
            receiver_address: receiver_address.or(own),
            identity: Arc::new(identity),
            allow_targets,
            allow_all: self.allow_targets_in_public,
            own_addresses: networks("relay-tester.own-addresses", &self.own_addresses)?,
            reference_hosts: all("relay-tester.reference-hosts", &self.reference_hosts)?,
            resolvers: all("relay-tester.resolvers", &self.resolvers)?,
            anonymous: self.anonymous.enabled.then_some(proxies),
            notice: self.notice,
            limits: self.limits.check()?,
        }))
    }

    fn allow_targets(
        &self,
        receiver: SocketAddr,
        public: Option<SocketAddr>,
    ) -> Result<Vec<IpNet>, Refused> {
        let Some(typed) = &self.allow_targets else { return Ok(Vec::new()) };
        let allowed = networks(ALLOW_TARGETS, typed.get_ref())?;
        let public = public.or_else(|| (!receiver.ip().is_loopback()).then_some(receiver));
        match public.filter(|_| !allowed.is_empty() && !self.allow_targets_in_public) {
            None => Ok(allowed),
            Some(public) => refuse(
                ALLOW_TARGETS,
                typed.span(),
                format!(
                    "it is for tests, and {public} is no loopback address: remove it, or set \
                     allow-targets-in-public = true beside it"
                ),
            ),
        }
    }

    fn identity(&self, at: &Range<usize>) -> Result<Identity, Refused> {
        let domain: HostName =
            required("relay-tester.probe-domain", self.probe_domain.as_ref(), at)?;
        let ehlo = required("relay-tester.ehlo", self.ehlo.as_ref(), at)?;
        let mut identity = Identity::new(ehlo, domain);
        identity.lookup_url = optional("relay-tester.lookup-page", self.lookup_page.as_ref())?;
        let contact: Option<HeaderText> = optional("relay-tester.contact", self.contact.as_ref())?;
        if let Some(contact) = contact {
            identity.opt_out_en = format!("ask {contact}.");
            identity.opt_out_ja =
                format!("今後の試験を希望されない場合は {contact} までご連絡ください。");
            identity.contact = contact;
        }
        if let Some(subject) = optional("relay-tester.subject", self.subject.as_ref())? {
            identity.subject = subject;
        }
        let mail_from: Option<LocalPart> =
            optional("relay-tester.mail-from", self.mail_from.as_ref())?;
        if let Some(mail_from) = mail_from {
            identity.mail_from_local = mail_from;
        }
        Ok(identity)
    }

    fn patience(&self) -> Result<Patience, Refused> {
        let settle_for = duration(SETTLE_FOR, self.settle_for.as_ref(), 30 * MINUTE)?;
        let pending_for = duration("relay-tester.pending-for", self.pending_for.as_ref(), 5 * DAY)?;
        if settle_for > pending_for {
            let at = self.settle_for.as_ref().or(self.pending_for.as_ref()).map(Spanned::span);
            let detail = "it is longer than pending-for: late returns would not count";
            return refuse(SETTLE_FOR, at.unwrap_or_default(), detail);
        }
        Ok(Patience {
            settle_for: settle_for.as_secs(),
            pending_for: pending_for.as_secs(),
            retry_after: within(
                "relay-tester.retry-after",
                self.retry_after.as_ref(),
                7 * MINUTE,
                6,
            )?,
            second_test_after: within(
                "relay-tester.second-test-after",
                self.second_test_after.as_ref(),
                15 * MINUTE,
                24,
            )?,
        })
    }

    fn drive(&self, allow_targets: &[IpNet]) -> Result<DriveSettings, Refused> {
        let second = Duration::from_secs(1);
        let connection_pause = self.connection_pause.as_ref();
        let probe_pause = self.probe_pause.as_ref();
        Ok(DriveSettings {
            connection_pause: duration("relay-tester.connection-pause", connection_pause, second)?,
            probe_pause: duration("relay-tester.probe-pause", probe_pause, Duration::ZERO)?,
            sources: self.source.as_ref().map(sources).transpose()?.unwrap_or_default(),
            loopback_only: !allow_targets.is_empty()
                && !self.allow_targets_in_public
                && allow_targets.iter().all(|net| net.addr().is_loopback()),
            ..DriveSettings::default()
        })
    }
}

impl LimitsSpec {
    fn check(self) -> Result<Limits, Refused> {
        let (at_once, waiting) = (*self.at_once.get_ref(), *self.waiting.get_ref());
        let per_address_days = *self.per_address_days.get_ref();
        if !(1..=1000).contains(&at_once) {
            let at = self.at_once.span();
            return refuse("relay-tester.limits.at-once", at, "it is 1 to 1000");
        }
        if !(1..=1_000_000).contains(&waiting) {
            let at = self.waiting.span();
            return refuse("relay-tester.limits.waiting", at, "it is 1 to 1000000");
        }
        if per_address_days > 3650 {
            let at = self.per_address_days.span();
            return refuse("relay-tester.limits.per-address-days", at, "it is at most 3650");
        }
        Ok(Limits {
            per_address_days,
            per_24_hour: self.per_24_hour,
            global_hour: self.global_hour,
            at_once,
            waiting,
            per_token_hour: self.per_token_hour,
            anonymous_day: self.anonymous_day,
        })
    }
}

/// Reads a text that the table at this place has to have.
fn required<T: FromStr<Err: std::fmt::Display>>(
    key: &'static str,
    text: Option<&Spanned<String>>,
    table: &Range<usize>,
) -> Result<T, Refused> {
    match text {
        Some(text) => read(key, text),
        None => refuse(key, table.clone(), "it has no default; a relay tester needs it"),
    }
}

/// Seconds of at most so many hours.
fn within(
    key: &'static str,
    text: Option<&Spanned<String>>,
    usual: Duration,
    hours: u32,
) -> Result<u64, Refused> {
    match duration(key, text, usual)? {
        wait if wait <= hours * HOUR => Ok(wait.as_secs()),
        _ => {
            let at = text.map(Spanned::span).unwrap_or_default();
            refuse(key, at, format!("it is at most {hours}h"))
        }
    }
}

fn sources(typed: &Spanned<OneOrMore>) -> Result<Sources, Refused> {
    let texts = match typed.get_ref() {
        OneOrMore::One(text) => std::slice::from_ref(text),
        OneOrMore::More(texts) => texts,
    };
    let mut sources = Sources::default();
    for text in texts {
        let address: IpAddr = read(SOURCE, &Spanned::new(typed.span(), text.clone()))?;
        if address.is_unspecified() || address.is_multicast() {
            let detail = format!("{address} is no address of this machine");
            return refuse(SOURCE, typed.span(), detail);
        }
        let is_second = match address.to_canonical() {
            IpAddr::V4(v4) => sources.v4.replace(v4).is_some(),
            IpAddr::V6(v6) => sources.v6.replace(v6).is_some(),
        };
        if is_second {
            let detail = format!("{address} is the second of its family: name one of each");
            return refuse(SOURCE, typed.span(), detail);
        }
    }
    Ok(sources)
}

fn outputs_networks(typed: Option<&Spanned<usize>>) -> Result<usize, Refused> {
    match typed {
        None => Ok(Output::NETWORKS),
        Some(networks) if (2..=32).contains(networks.get_ref()) => Ok(*networks.get_ref()),
        Some(other) => refuse("relay-tester.outputs-networks", other.span(), "it is 2 to 32"),
    }
}
