//! The configuration of a running client.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use ipnet::IpNet;

use crate::{CacheLimits, Clock, Event, Observer, Policy, Skipped, Target, target::Special};

/// The configuration of a running client, which never changes. The zones stand apart from it.
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) deadline: Duration,
    pub(crate) least_deadline: Option<Duration>,
    pub(crate) early_exit: bool,
    pub(crate) special_use: SpecialUse,
    /// Networks, and whether their addresses are skipped; the longest prefix decides.
    pub(crate) exempt: Vec<(IpNet, bool)>,
    pub(crate) cache: CacheLimits,
    pub(crate) health_checks: HealthChecks,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) clock: Clock,
    /// The most queries on their way at once.
    pub(crate) max_in_flight: usize,
    pub(crate) gone_after: Duration,
}

/// The addresses that are looked up though no mail comes from there over the Internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpecialUse {
    /// None: private, loopback, link-local, documentation and the like are skipped.
    #[default]
    Skip,
    /// Those for documentation (RFC 5737, RFC 3849), as tests use them.
    AskDocumentation,
    /// All.
    Ask,
}

/// The checks of whether a zone can be believed: probes on a schedule, and a denial before a listing counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HealthChecks {
    /// None: a zone that lists everything is believed. For measurements.
    Off,
    /// Before each listing: it counts only if the zone has just denied what was made up for the purpose. No
    /// zone is probed or left out, whatever it did before.
    ListingsOnly,
    /// A zone counts until something speaks against it; it is probed on a schedule, and left alone while it
    /// can't be believed. Before a listing counts, the zone denies what was made up for the purpose.
    #[default]
    Passive,
    /// The same, and a zone counts only once all its test entries were right. The policy service uses
    /// this; it costs the mail that comes before the first probe has ended.
    Required,
}

impl HealthChecks {
    /// Whether zones are probed, and left out while they can't be believed.
    pub(crate) fn probe(self) -> bool {
        matches!(self, Self::Passive | Self::Required)
    }

    /// Whether a zone counts only once a probe has succeeded.
    pub(crate) fn require(self) -> bool {
        self == Self::Required
    }

    /// Whether a zone denies something made up before a listing counts.
    pub(crate) fn confirm(self) -> bool {
        self != Self::Off
    }
}

impl Settings {
    /// The present, by the client's clock.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The same, where the system's clock was read already.
    pub(crate) fn at(&self, real: Instant) -> Instant {
        self.clock.at(|| real)
    }

    /// Calls the observer.
    pub(crate) fn notify(&self, event: Option<Event>) {
        if let (Some(event), Some(observer)) = (event, &self.observer) {
            observer.event(&event);
        }
    }

    /// Why no zone is asked about a target, if that is so.
    pub(crate) fn skips(&self, target: &Target) -> Option<Skipped> {
        let special = match (self.special_use, target.special_use()) {
            (_, None) | (SpecialUse::Ask, _) => false,
            (SpecialUse::AskDocumentation, Some(special)) => special == Special::Other,
            (SpecialUse::Skip, Some(_)) => true,
        };
        if special {
            return Some(Skipped::SpecialUse);
        }
        let Target::Address(addr) = target else { return None };
        let addr = addr.to_canonical();
        let nets = self.exempt.iter().filter(|(net, _)| net.contains(&addr));
        let longest = nets.max_by_key(|(net, _)| IpNet::prefix_len(net));
        longest.is_some_and(|(_, exempt)| *exempt).then_some(Skipped::Exempt)
    }
}
