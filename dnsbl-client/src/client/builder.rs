//! What is given to a client before it runs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

use super::{
    Client,
    settings::{HealthChecks, Settings, SpecialUse},
};
use crate::{
    CacheLimits, ClientError, Clock, DialectError, Observer, Policy, Resolvers, Transport, Udp,
    Zone, dialect::postscreen, error::MAX_DEADLINE,
};

/// The settings of a [`Client`]: zones, and how they are asked. Made by [`Client::builder`].
#[must_use]
pub struct ClientBuilder {
    zones: Vec<Zone>,
    resolvers: Resolvers,
    manual_probing: bool,
    settings: Settings,
}

impl Client {
    /// Settings to begin with.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            zones: Vec::new(),
            resolvers: Resolvers::System,
            manual_probing: false,
            settings: Settings {
                policy: Policy::default(),
                deadline: ClientBuilder::DEADLINE,
                least_deadline: None,
                early_exit: true,
                special_use: SpecialUse::Skip,
                exempt: Vec::new(),
                cache: CacheLimits::default(),
                health_checks: HealthChecks::Passive,
                state_file: None,
                observer: None,
                clock: Clock::monotonic(),
                max_in_flight: ClientBuilder::MAX_IN_FLIGHT,
                gone_after: ClientBuilder::GONE_AFTER,
            },
        }
    }
}

impl ClientBuilder {
    /// How long one check may take unless told otherwise.
    pub const DEADLINE: Duration = Duration::from_millis(1500);
    /// The longest that one check may take.
    pub const MAX_DEADLINE: Duration = MAX_DEADLINE;

    /// The most questions on their way unless told otherwise.
    pub const MAX_IN_FLIGHT: usize = 50_000;

    /// After how long a zone that is down counts as gone unless told otherwise.
    pub const GONE_AFTER: Duration = Duration::from_secs(86_400);

    /// Asks this zone too.
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Asks these zones too.
    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.zones.extend(zones);
        self
    }

    /// Asks the zones of a `postscreen_dnsbl_sites` value too.
    ///
    /// # Errors
    ///
    /// At the first entry that can't be read, with its position.
    pub fn postscreen_sites(self, text: &str) -> Result<Self, DialectError> {
        Ok(self.zones(postscreen::parse(text)?))
    }

    /// Judges so; one point rejects unless told otherwise.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Asks through these servers; those of the system unless told otherwise.
    pub fn resolvers(mut self, resolvers: Resolvers) -> Self {
        self.resolvers = resolvers;
        self
    }

    /// How long one check may take, above 0 and at most [`Self::MAX_DEADLINE`]; a zone that has not
    /// answered by then has failed.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Lets the deadline shrink as answers arrive, down to this where the last one is missing.
    pub fn shrink_deadline(mut self, least: Duration) -> Self {
        self.settings.least_deadline = Some(least);
        self
    }

    /// Whether a check ends as soon as the verdict is certain; it does unless told otherwise.
    pub fn early_exit(mut self, early_exit: bool) -> Self {
        self.settings.early_exit = early_exit;
        self
    }

    /// Which special addresses are looked up; none unless told otherwise.
    pub fn special_use(mut self, special_use: SpecialUse) -> Self {
        self.settings.special_use = special_use;
        self
    }

    /// Skips the addresses of these networks. Of several that hold an address, the longest decides.
    pub fn exempt(mut self, nets: impl IntoIterator<Item = IpNet>) -> Self {
        self.settings.exempt.extend(nets.into_iter().map(|net| (net, true)));
        self
    }

    /// Does not skip the addresses of these networks, which lie inside exempt ones.
    pub fn not_exempt(mut self, nets: impl IntoIterator<Item = IpNet>) -> Self {
        self.settings.exempt.extend(nets.into_iter().map(|net| (net, false)));
        self
    }

    /// Keeps answers so.
    pub fn cache(mut self, limits: CacheLimits) -> Self {
        self.settings.cache = limits;
        self
    }

    /// Checks in this way whether zones can be believed.
    pub fn health_checks(mut self, health_checks: HealthChecks) -> Self {
        self.settings.health_checks = health_checks;
        self
    }

    /// Keeps health and budgets in this file over restarts. It holds no keys.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.state_file = Some(path.into());
        self
    }

    /// Keeps nothing over restarts.
    pub fn without_state_file(mut self) -> Self {
        self.settings.state_file = None;
        self
    }

    /// Tells this observer.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.settings.observer = Some(observer);
        self
    }

    /// Reads the time there.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Has so many questions on their way at once, at most; what comes on top is skipped.
    pub fn max_in_flight(mut self, most: usize) -> Self {
        self.settings.max_in_flight = most;
        self
    }

    /// Counts a zone as gone that has been down for so long: an allow list turns no rejection into a
    /// deferral any longer, and [`Event::Gone`](crate::Event::Gone) tells so. A day unless told
    /// otherwise. What the resolver is to blame for does not count.
    pub fn gone_after(mut self, after: Duration) -> Self {
        self.settings.gone_after = after;
        self
    }

    /// Starts no task: [`Client::run_probes`] is called instead.
    pub fn manual_probing(mut self) -> Self {
        self.manual_probing = true;
        self
    }

    /// Makes the client. Where zones are probed, a task that probes them is started, and ends with
    /// the client.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with these settings; where zones are probed, outside a tokio runtime.
    ///
    /// # Panics
    ///
    /// In a tokio runtime without IO and time, once something is asked.
    pub fn build(self) -> Result<Client, ClientError> {
        let transport = Udp::new(&self.resolvers)?;
        self.build_with(transport)
    }

    /// As [`Self::build`], with another way to ask; the resolvers do not matter then.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with these settings.
    pub fn build_with<T: Transport>(self, transport: T) -> Result<Client<T>, ClientError> {
        let Self { zones, settings, manual_probing, .. } = self;
        if zones.is_empty() {
            return Err(ClientError::NoZone);
        } else if zones.len() > usize::from(u16::MAX) {
            return Err(ClientError::TooManyZones);
        } else if settings.deadline.is_zero() || settings.deadline > MAX_DEADLINE {
            return Err(ClientError::Deadline(settings.deadline));
        }
        Client::new(settings, zones, transport, manual_probing)
    }
}
