//! Who may relay for now: zones of grants, asked anew each time.

use std::{net::IpAddr, sync::Arc, time::Instant};

use dnsbl_client::{ClientError, GrantZone, Resolvers, Status, Udp, ZoneName};
use futures_util::{StreamExt, stream::FuturesUnordered};

use super::config::GrantSource;

/// All zones of grants.
pub(super) struct Grants(Vec<Source>);

/// A zone, whom to ask about it, and for which requests it counts.
struct Source {
    zone: GrantZone,
    transport: Arc<Udp>,
    context: Option<String>,
}

/// How it is asked about a client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    /// By a request with this `policy_context`.
    Request { context: &'a str },
    /// By a lookup in the map of this name.
    Map(&'a str),
}

/// What zones of grants say of a client: those that had answered when it was clear.
#[derive(Debug, Default)]
pub(crate) struct GrantReport {
    pub(crate) outcomes: Vec<(ZoneName, Status)>,
}

/// The name of the map that is all zones together.
const ALL: &str = "grant";

impl Grants {
    /// Asks these servers about zones that have none of their own.
    pub(super) fn new(
        sources: Vec<GrantSource>,
        resolvers: &Resolvers,
    ) -> Result<Self, ClientError> {
        let mut shared: Option<Arc<Udp>> = None;
        let mut asked = Vec::with_capacity(sources.len());
        for GrantSource { name, code, context, servers } in sources {
            let transport = if !servers.is_empty() {
                Arc::new(Udp::new(&Resolvers::Given(servers))?)
            } else if let Some(shared) = &shared {
                shared.clone()
            } else {
                shared.insert(Arc::new(Udp::new(resolvers)?)).clone()
            };
            asked.push(Source { zone: GrantZone::new(name, code), transport, context });
        }
        Ok(Self(asked))
    }

    /// Whether there is a map of this name.
    pub(super) fn has_map(&self, name: &str) -> bool {
        self.0.iter().any(|source| source.counts_for(Asked::Map(name)))
    }

    /// Whether a client has a grant, in any zone that counts for what is asked.
    pub(super) async fn ask(
        &self,
        asked: Asked<'_>,
        client: IpAddr,
        now: Instant,
        deadline: Instant,
    ) -> GrantReport {
        let sources = self.0.iter().filter(|source| source.counts_for(asked));
        let mut asking: FuturesUnordered<_> = sources
            .map(|Source { zone, transport, .. }| async move {
                (zone.name().clone(), zone.ask(&**transport, client, now, deadline).await)
            })
            .collect();
        let mut report = GrantReport::default();
        while report.granted().is_none()
            && let Some(outcome) = asking.next().await
        {
            report.outcomes.push(outcome);
        }
        report
    }
}

impl Source {
    fn counts_for(&self, asked: Asked<'_>) -> bool {
        match (asked, &self.context) {
            (Asked::Request { context }, Some(own)) => context == own,
            (Asked::Request { .. }, None) => true,
            (Asked::Map(_), Some(_)) => false,
            (Asked::Map(name), None) => {
                let public = self.zone.name().public();
                let label = public.split('.').next().unwrap_or_default();
                [ALL, public, label].iter().any(|own| own.eq_ignore_ascii_case(name))
            }
        }
    }
}

impl GrantReport {
    /// The zone by which the client has a grant, if it has one.
    pub(crate) fn granted(&self) -> Option<&ZoneName> {
        let granted = self.outcomes.iter().find(|(_, status)| status.listing().is_some());
        granted.map(|(zone, _)| zone)
    }

    /// Which zones could not tell, and why; `None` if all did.
    pub(crate) fn trouble(&self) -> Option<String> {
        let why = |(zone, status): &(ZoneName, Status)| {
            status.detail().map(|detail| format!("{zone}: {detail}"))
        };
        let troubles: Vec<String> = self.outcomes.iter().filter_map(why).collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }
}
