//! Whether what a list says can be believed, as `dnsbl check` tells it.

use dnsbl_client::{
    Blocked, Bogus, DownReason, Failure, Outcome, ProbeReport, ResolverTrouble, Skipped, Status,
    Target, ZoneId,
};
use tokio::sync::OnceCell;

use super::lists::{Asked, Asking};

/// One list, and what a probe of it has shown, if there was reason for one.
pub(super) struct Judge<'a> {
    asking: &'a Asking,
    list: &'a Asked,
    /// By the places of the client; all but those of this list stay empty.
    probes: Vec<OnceCell<ProbeReport>>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(asking: &'a Asking, list: &'a Asked) -> Self {
        let probes = asking.zones.iter().map(|_| OnceCell::new()).collect();
        Self { asking, list, probes }
    }

    /// What the list says. The client has proved a listing already; that something is not listed is
    /// true of every name below a zone that does not exist.
    pub(super) async fn look_up(&self, target: &Target) -> Outcome {
        let id = self.asking.id(self.list, target);
        let mut outcome = self.asking.client.lookup(id, target).await;
        if outcome.status == Status::NotListed {
            outcome.status = self.denied(id, target).await;
        }
        outcome
    }

    /// What it means that the list does not have it.
    async fn denied(&self, id: ZoneId, target: &Target) -> Status {
        let probe = self.probe(id).await;
        match fault_for(probe, target) {
            None => Status::NotListed,
            Some(DownReason::MissesTestEntry) => {
                for other in self.list.others(id) {
                    if self.probe(other).await.fault.is_none() {
                        return Status::Skipped(Skipped::WrongKind);
                    }
                }
                Status::Bogus(Bogus::NoTestEntry)
            }
            Some(why) => status_of(why, probe),
        }
    }

    async fn probe(&self, id: ZoneId) -> &ProbeReport {
        self.probes[id.index()].get_or_init(|| self.asking.client.probe(id)).await
    }
}

/// What is wrong with the list as far as this target is concerned. That it has no addresses of one family
/// is nothing wrong.
fn fault_for(probe: &ProbeReport, target: &Target) -> Option<DownReason> {
    let is_v6 = target.addr().is_some_and(|addr| addr.is_ipv6());
    let own = if is_v6 { probe.ipv6_fault } else { None };
    let own = own.filter(|why| *why != DownReason::MissesTestEntry);
    probe.fault.or(own)
}

fn status_of(why: DownReason, probe: &ProbeReport) -> Status {
    let asked = || {
        let unanswered = probe.points.iter().map(|point| &point.status);
        unanswered.into_iter().find(|status| !status.is_verdict()).cloned()
    };
    match why {
        DownReason::Blocked(why) => Status::Blocked(why),
        DownReason::MissesTestEntry => Status::Bogus(Bogus::NoTestEntry),
        DownReason::ResolverStrips => Status::Blocked(Blocked::Stripped),
        DownReason::ListsTestNegative
        | DownReason::ListsRandomName
        | DownReason::ListsEverything { .. } => Status::Bogus(Bogus::ListsEverything),
        _ if probe.resolver == Some(ResolverTrouble::Silent) => Status::Failed(Failure::Deadline),
        _ => asked().unwrap_or(Status::Failed(Failure::Deadline)),
    }
}
