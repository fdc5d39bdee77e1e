//! The configuration of the policy service: what it means, checked.

mod grant;
mod load;
mod spec;
mod value;
mod zone;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use dnsbl_client::{GrantCode, Policy, Zone, ZoneName};
use dnsbl_daemon::{Access, Listen, log::Filter};
use ipnet::IpNet;
use serde::Deserialize;

use super::template::Template;

/// The configuration, as it stays while the service runs.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) listen: Vec<Listen>,
    /// Where clients are looked up who have a grant.
    pub(super) socketmap_listen: Vec<Listen>,
    /// Who may connect to Unix sockets.
    pub(super) access: Access,
    pub(super) metrics_listen: Option<SocketAddr>,
    /// Health of the lists, kept over restarts.
    pub(super) state_file: Option<PathBuf>,
    /// A filter such as `info` or `dnsbl=debug`.
    pub(crate) log: Filter,
    /// Decide and log, but always answer DUNNO.
    pub(super) shadow: bool,
    /// Clients that are not checked.
    pub(super) exempt: Vec<IpNet>,
    /// Check private, loopback and other special-use addresses too.
    pub(super) check_special_use: bool,
    /// Empty: those of /etc/resolv.conf.
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) deadlines: Deadlines,
    pub(super) limits: Limits,
    /// What of a request is looked up.
    pub(super) checks: Vec<What>,
    pub(super) policy: Policy,
    pub(super) texts: Texts,
    pub(super) zones: Vec<PolicyZone>,
    pub(super) grants: Vec<GrantSource>,
    /// After how long a list that is down counts as gone.
    pub(super) gone_after: Duration,
    /// What is no mistake, but hardly meant.
    pub(crate) warnings: Vec<String>,
    /// The files of their keys.
    pub(super) key_files: Vec<PathBuf>,
}

/// How long a decision may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) normal: Duration,
    /// While Postfix says `stress=yes`.
    pub(super) stress: Duration,
}

/// What strangers may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once.
    pub(super) connections: usize,
    /// Connections at once from one network: an IPv4 address, an IPv6 /64.
    pub(super) connections_per_network: usize,
    /// How long a connection may be silent.
    pub(super) idle: Duration,
}

/// What is said.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// A header line.
    pub(super) tag: Template,
    pub(super) defer: Template,
    pub(super) reject: Template,
}

/// A list and what this service does with it.
#[derive(Clone, Debug)]
pub(super) struct PolicyZone {
    pub(super) zone: Zone,
    /// Where a person can look up why; goes into the reason unless the list's text has a URL.
    pub(super) url: Option<Template>,
}

/// A zone whose clients may relay for now, and for which requests it counts.
#[derive(Clone, Debug)]
pub(super) struct GrantSource {
    pub(super) name: ZoneName,
    /// What it answers for a grant.
    pub(super) code: GrantCode,
    /// The `policy_context` that a request has to have; `None`: any.
    pub(super) context: Option<String>,
    /// Who is asked about it; empty: the resolvers.
    pub(super) servers: Vec<SocketAddr>,
}

/// What of a request is looked up, in the lists that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// The client's address.
    Client,
    /// What it calls itself.
    Helo,
    /// The sender's domain, and the whole address in lists of mail addresses.
    Sender,
    /// The client's name in the reverse DNS.
    ReverseName,
}

impl Config {
    /// What the scores lead to.
    pub(crate) fn policy(&self) -> Policy {
        self.policy.clone()
    }

    /// The resolvers; empty: those of the system.
    pub(crate) fn resolvers(&self) -> &[SocketAddr] {
        &self.resolvers
    }

    /// Asks these resolvers, unless there are none.
    pub(crate) fn ask_resolvers(&mut self, resolvers: &[SocketAddr]) {
        if !resolvers.is_empty() {
            self.resolvers = resolvers.to_vec();
        }
    }

    /// The zones of grants.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &ZoneName> {
        self.grants.iter().map(|grant| &grant.name)
    }

    /// The lists.
    pub(crate) fn zones(&self) -> impl Iterator<Item = Zone> {
        self.zones.iter().map(|zone| zone.zone.clone())
    }
}

#[cfg(test)]
mod tests;
