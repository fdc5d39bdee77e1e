//! What a client needs to know before it asks.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{
    CacheLimits, Client, Clock, DialectError, Observer, Policy, Transport, Udp, Zone,
    dialect::postscreen,
};

/// What a [`Client`] is made of: lists, and how they are asked. Made by [`Client::builder`].
#[must_use]
pub struct ClientBuilder {
    pub(crate) zones: Vec<Zone>,
    pub(crate) policy: Policy,
    pub(crate) resolvers: Resolvers,
    pub(crate) deadline: Duration,
    pub(crate) least_deadline: Option<Duration>,
    pub(crate) early_exit: bool,
    pub(crate) special_use: SpecialUse,
    pub(crate) exempt: Vec<(IpNet, bool)>,
    pub(crate) cache: CacheLimits,
    pub(crate) watch: Watch,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) clock: Clock,
    pub(crate) max_in_flight: usize,
    pub(crate) by_hand: bool,
    pub(crate) gone_after: Duration,
}

/// Which addresses are looked up though no mail comes from there over the Internet.
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

/// Whether lists are doubted before they count, and watched: probed on a schedule, and left alone while they can't be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Watch {
    /// No list is probed or left out. One that lists everything is believed: for measurements.
    Off,
    /// No list is left out, whatever it did before; but a listing counts only if the list has just denied
    /// what was made up for the purpose.
    Doubt,
    /// A list counts until something speaks against it. Before a listing counts, the list denies what
    /// was made up for the purpose.
    #[default]
    On,
    /// The same, and a list counts only once all its test entries were right. The policy service uses
    /// this; it costs the mail that comes before the first probe has ended.
    Proof,
}

impl ClientBuilder {
    /// How long one check may take unless told otherwise.
    pub const DEADLINE: Duration = Duration::from_millis(1500);
    /// The longest that one check may take.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(3600);

    /// The most questions on their way unless told otherwise.
    pub const MAX_IN_FLIGHT: usize = 50_000;

    /// After how long a list that is down counts as gone unless told otherwise.
    pub const GONE_AFTER: Duration = Duration::from_secs(86_400);

    pub(crate) fn new() -> Self {
        Self {
            zones: Vec::new(),
            policy: Policy::default(),
            resolvers: Resolvers::System,
            deadline: Self::DEADLINE,
            least_deadline: None,
            early_exit: true,
            special_use: SpecialUse::Skip,
            exempt: Vec::new(),
            cache: CacheLimits::default(),
            watch: Watch::On,
            state_file: None,
            observer: None,
            clock: Clock::monotonic(),
            max_in_flight: Self::MAX_IN_FLIGHT,
            by_hand: false,
            gone_after: Self::GONE_AFTER,
        }
    }

    /// Asks this list too.
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Asks these lists too.
    pub fn zones(mut self, zones: impl IntoIterator<Item = Zone>) -> Self {
        self.zones.extend(zones);
        self
    }

    /// Asks the lists of a `postscreen_dnsbl_sites` value too.
    ///
    /// # Errors
    ///
    /// At the first entry that can't be read, with its position.
    pub fn postscreen_sites(self, text: &str) -> Result<Self, DialectError> {
        Ok(self.zones(postscreen::parse(text)?))
    }

    /// Judges so; one point rejects unless told otherwise.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Asks through these servers; those of the system unless told otherwise.
    pub fn resolvers(mut self, resolvers: Resolvers) -> Self {
        self.resolvers = resolvers;
        self
    }

    /// How long one check may take, above 0 and at most [`Self::MAX_DEADLINE`]; a list that has not
    /// answered by then has failed.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets the deadline shrink as answers arrive, down to this where the last one is missing.
    pub fn shrink_deadline(mut self, least: Duration) -> Self {
        self.least_deadline = Some(least);
        self
    }

    /// Whether a check ends as soon as the verdict is certain; it does unless told otherwise.
    pub fn early_exit(mut self, early_exit: bool) -> Self {
        self.early_exit = early_exit;
        self
    }

    /// Which special addresses are looked up; none unless told otherwise.
    pub fn special_use(mut self, special_use: SpecialUse) -> Self {
        self.special_use = special_use;
        self
    }

    /// Skips the addresses of these networks. Of several that hold an address, the longest decides.
    pub fn exempt(mut self, nets: impl IntoIterator<Item = IpNet>) -> Self {
        self.exempt.extend(nets.into_iter().map(|net| (net, true)));
        self
    }

    /// Does not skip the addresses of these networks, which lie inside exempt ones.
    pub fn not_exempt(mut self, nets: impl IntoIterator<Item = IpNet>) -> Self {
        self.exempt.extend(nets.into_iter().map(|net| (net, false)));
        self
    }

    /// Keeps answers so.
    pub fn cache(mut self, limits: CacheLimits) -> Self {
        self.cache = limits;
        self
    }

    /// Watches the lists, or does not.
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// Keeps health and budgets in this file over restarts. It holds no keys.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Keeps nothing over restarts.
    pub fn without_state_file(mut self) -> Self {
        self.state_file = None;
        self
    }

    /// Tells this observer.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Reads the time there.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Has so many questions on their way at once, at most; what comes on top is skipped.
    pub fn max_in_flight(mut self, most: usize) -> Self {
        self.max_in_flight = most;
        self
    }

    /// Counts a list as gone that has been down for so long: an allow list turns no rejection into a
    /// deferral any longer, and [`Event::Gone`](crate::Event::Gone) tells so. A day unless told
    /// otherwise. What the resolver is to blame for does not count.
    pub fn gone_after(mut self, after: Duration) -> Self {
        self.gone_after = after;
        self
    }

    /// Starts no task: [`Client::tend`] is called instead.
    pub fn tend_by_hand(mut self) -> Self {
        self.by_hand = true;
        self
    }

    /// Makes the client. Where lists are watched, a task that probes them is started, and ends with
    /// the client.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with these settings; where lists are watched, outside a tokio runtime.
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
        self.check()?;
        Client::new(self, transport)
    }

    /// Refuses settings with which nothing can be asked.
    fn check(&self) -> Result<(), ClientError> {
        if self.zones.is_empty() {
            Err(ClientError::NoZone)
        } else if self.zones.len() > usize::from(u16::MAX) {
            Err(ClientError::TooManyZones)
        } else if self.deadline.is_zero() || self.deadline > Self::MAX_DEADLINE {
            Err(ClientError::Deadline(self.deadline))
        } else {
            Ok(())
        }
    }
}

/// The servers through which lists are asked, one after the other until one gives an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolvers {
    /// Those of `/etc/resolv.conf`; its search domains and options do not apply.
    #[default]
    System,
    /// These.
    Given(Vec<SocketAddr>),
    /// These, which serve the lists themselves: they are asked without recursion.
    Authority(Vec<SocketAddr>),
}

/// Why settings make no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing to ask.
    #[error("no zone to ask")]
    NoZone,
    /// More than 65,535.
    #[error("more than 65,535 zones")]
    TooManyZones,
    /// No time to answer, or more than anybody waits.
    #[error("a deadline of {0:?} is not above 0 and at most {max:?}", max = ClientBuilder::MAX_DEADLINE)]
    Deadline(Duration),
    /// Nobody to ask.
    #[error("no resolver to ask")]
    NoResolver,
    /// The system's resolvers are not known.
    #[error("reading the resolvers from /etc/resolv.conf")]
    SystemResolvers(#[source] io::Error),
    /// Lists are watched by a task, which needs a tokio runtime.
    #[error("lists are watched inside a tokio runtime only")]
    NoRuntime,
    /// No thread to run on.
    #[error("starting a thread")]
    Runtime(#[source] io::Error),
    /// No socket to ask with.
    #[error("opening a socket")]
    Socket(#[source] io::Error),
}
