//! Asking several lists at once.

use dnsbl_types::{Name, query_name};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::{
    ClientError, Config, Listing, Skipped, Status, Target, dns::Dns, judge::judge, reason::reason,
};

/// Asks block lists.
///
/// It holds no connections and no state; one client serves any number of checks at once. It runs
/// inside a tokio runtime with IO and time enabled.
#[derive(Debug)]
pub struct Client {
    config: Config,
    dns: Dns,
}

/// What all lists say about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// What was looked up.
    pub target: Target,
    /// One for each zone, in the order of [`Config::zones`].
    pub outcomes: Vec<Outcome>,
}

/// What one list says about one target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The list.
    pub zone: Name,
    /// What it says.
    pub status: Status,
}

impl Client {
    /// Checks the settings and finds the resolvers.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        config.check()?;
        let dns = Dns::new(&config.resolvers)?;
        Ok(Self { config, dns })
    }

    /// Asks all lists at once and waits for them, at most until the deadline.
    ///
    /// It can't fail: whatever goes wrong with a list is its status.
    pub async fn check(&self, target: impl Into<Target>) -> Report {
        let target = target.into();
        let deadline = Instant::now() + self.config.deadline;
        let asked = self.config.zones.iter();
        let outcomes = join_all(asked.map(|zone| self.ask(target, zone, deadline))).await;
        Report { target, outcomes }
    }

    async fn ask(&self, target: Target, zone: &Name, deadline: Instant) -> Outcome {
        let status = if self.config.skip_special_use && target.is_special_use() {
            Status::Skipped(Skipped::SpecialUse)
        } else {
            match query_name::encode(target.addr(), zone) {
                Ok(qname) => self.status(&qname, deadline).await,
                Err(err) => Status::Failed(err.into()),
            }
        };
        let zone = zone.clone();
        Outcome { zone, status }
    }

    async fn status(&self, qname: &Name, deadline: Instant) -> Status {
        let status = match self.dns.ask_a(qname, deadline).await {
            Ok(reply) => judge(&reply),
            Err(failure) => Status::Failed(failure),
        };
        match status {
            Status::Listed(listing) => {
                Status::Listed(self.with_reason(listing, qname, deadline).await)
            }
            other => other,
        }
    }

    /// Adds the reason if the list gives one in time; the verdict stands without it.
    async fn with_reason(&self, listing: Listing, qname: &Name, deadline: Instant) -> Listing {
        let texts = self.dns.ask_txt(qname, deadline).await;
        let reason = texts.ok().and_then(|texts| reason(&texts));
        Listing { reason, ..listing }
    }
}

impl Report {
    /// Whether any list has it.
    pub fn is_listed(&self) -> bool {
        self.outcomes.iter().any(|o| o.status.listing().is_some())
    }

    /// Whether every list said yes or no.
    pub fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|o| o.status.is_verdict())
    }
}
