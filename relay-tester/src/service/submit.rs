//! Submissions: who may ask for what.

use std::net::IpAddr;

use dnsbl_store::{Actor, ChangeError};
use dnsbl_types::{Name, UnixTime};

use super::{RecordsError, Tester, now, records::put_host};
use crate::{
    Ground, HostName, HostNameError, Known, Plan, Ports, Probe, RelayTarget, TargetError, TestId,
    Tier,
    life::{Asker, Host, Limit, Limited, State, Test, check_address, is_free},
    mx::{ResolveError, leads_to},
};

/// How many tests of an address the limits look at.
const HISTORY: usize = 50;

/// What stands before the address of a submitter without a token.
pub(super) const ANONYMOUS: &str = "anonymous ";

/// What somebody wants to have tested.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The host's address, as it was typed.
    pub address: String,
    /// Why.
    pub ground: Ground,
    /// Its port, 25 if left out.
    pub port: Option<u16>,
    /// A domain for which it takes mail.
    pub domain: Option<String>,
    /// How far the test goes, where the owner asks.
    pub tier: Option<Tier>,
    /// What was seen.
    pub evidence: Option<String>,
    /// What shall be remembered.
    pub note: Option<String>,
    /// Who asks, for the limits.
    pub asker: Asker,
    /// Who asks, for the log.
    pub actor: Actor,
}

/// An accepted submission.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The test; one that was under way already where the address has one.
    pub test: Test,
    /// The change that it rests on.
    pub seq: Option<u64>,
}

/// Why a submission is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Such a host is not tested.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It is not one of the networks for tests.
    #[error("{0} is not within relay-tester.allow-targets, and nothing else is tested here")]
    NotAllowed(IpAddr),
    /// Its owner does not want it.
    #[error("the owner of {0} does not want it to be tested")]
    OptedOut(IpAddr),
    /// The domain is no name of a host.
    #[error("domain: {0}")]
    Domain(#[from] HostNameError),
    /// The domain's mail goes elsewhere.
    #[error("domain: mail for {domain} does not go to {address}")]
    NotItsMx {
        /// The domain.
        domain: HostName,
        /// The host.
        address: IpAddr,
    },
    /// The domain could not be looked up.
    #[error("domain: {0}")]
    Lookup(#[from] ResolveError),
    /// There is nothing that was seen.
    #[error("the ground `evidence` needs evidence: what the host relayed, with headers")]
    NoEvidence,
    /// There are odd probes for owners only.
    #[error("tier: only the owner of a host chooses how far a test goes")]
    Tier,
    /// It is about a listed host, and this one is not.
    #[error("{0} is not listed as an open relay")]
    NotListed(IpAddr),
    /// There is no zone to list it in.
    #[error("there is no zone {0} to list open relays in; create it first")]
    NoZone(Name),
    /// A limit is reached.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The store did not take it.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

impl Tester {
    /// Takes a submission: durable when this has finished.
    pub async fn submit(&self, submission: Submission) -> Result<Submitted, Refusal> {
        let target = self.target(&submission)?;
        let address = target.addr();
        if submission.ground == Ground::Evidence && submission.evidence.is_none() {
            return Err(Refusal::NoEvidence);
        }
        if submission.tier.is_some() && submission.ground != Ground::Owner {
            return Err(Refusal::Tier);
        }
        self.check_zone().await?;
        if let Some(test) = self.under_way(address).await? {
            return Ok(Submitted { test, seq: None });
        }
        let domain = self.domain(&submission, address).await?;
        self.admit(&submission, target, domain).await
    }

    /// Measures a submission against the limits and stores it, one at a time.
    async fn admit(
        &self,
        submission: &Submission,
        target: RelayTarget,
        domain: Option<HostName>,
    ) -> Result<Submitted, Refusal> {
        let mut book = self.book.lock().await;
        let (address, now) = (target.addr(), now());
        if let Some(&id) = book.under_way.get(&address)
            && let Some(test) = self.find(id).await?.filter(Test::is_under_way)
        {
            return Ok(Submitted { test, seq: None });
        }
        let (history, known) = self.records.history(address, HISTORY).await?;
        let host = known.as_ref().map(|host| &host.value).filter(|host| now < host.expires_at());
        let target = match (submission.ground.is_of_listed(), host) {
            (true, None) => return Err(Refusal::NotListed(address)),
            (true, Some(host)) => self.where_listed(submission, host)?,
            (false, _) => target,
        };
        let limits = &self.settings.limits;
        check_address(&history, host, submission.ground, limits, now)?;
        book.recent.prune(now);
        if !is_free(host, submission.ground) {
            book.recent.check(address, &submission.asker, limits, now)?;
            if book.under_way.len() >= limits.waiting {
                return Err(Limited { limit: Limit::Waiting, retry_after: 60 }.into());
            }
        }
        let test = self.new_test(submission, target, domain, host, now)?;
        let mut parts = vec![self.records.put_test(&test, None)?];
        if let Some(known) = known.as_ref().filter(|_| submission.ground == Ground::Delist) {
            let mut host = known.value.clone();
            host.delist_tests = host.delist_tests.saturating_add(1);
            host.last_delist_test = Some(now);
            parts.push(put_host(&host, host.due(now), Some(known))?);
        }
        let done = self.records.write(submission.actor.clone(), parts).await;
        let done = done.map_err(RecordsError::from)?;
        book.recent.add(now, address, submission.asker.clone());
        book.under_way.insert(address, test.id);
        self.wake.notify_one();
        Ok(Submitted { test, seq: Some(done.seq) })
    }

    fn target(&self, submission: &Submission) -> Result<RelayTarget, Refusal> {
        // Whether the port of a listed host is the right one is seen when the host is known.
        let is_any = submission.ground == Ground::Owner || submission.ground.is_of_listed();
        let policy = self.settings.policy(if is_any { Ports::Any } else { Ports::Smtp });
        let port = submission.port.unwrap_or(RelayTarget::SMTP);
        let target = RelayTarget::parse(&submission.address, port, &policy)?;
        let address = target.addr();
        let is_allowed = self.settings.is_allowed(address);
        if !is_allowed && !self.settings.allow_targets.is_empty() && !self.settings.allow_all {
            return Err(Refusal::NotAllowed(address));
        }
        if !is_allowed && is_of_this_machine(address) {
            return Err(TargetError::Own(address).into());
        }
        if self.is_opted_out(address) {
            return Err(Refusal::OptedOut(address));
        }
        Ok(target)
    }

    /// A listed host is tested again where it was found open, or on the port of SMTP.
    fn where_listed(&self, submission: &Submission, host: &Host) -> Result<RelayTarget, Refusal> {
        let port = submission.port.unwrap_or(host.port);
        let ports = if port == host.port { Ports::Any } else { Ports::Smtp };
        Ok(RelayTarget::new(host.address, port, &self.settings.policy(ports))?)
    }

    /// The domain, if mail for it goes to the host.
    async fn domain(
        &self,
        submission: &Submission,
        address: IpAddr,
    ) -> Result<Option<HostName>, Refusal> {
        let Some(text) = &submission.domain else { return Ok(None) };
        let domain: HostName = text.parse()?;
        let is_stranger = matches!(submission.asker, Asker::Anonymous(_));
        let permit = is_stranger.then(|| self.strangers_lookups.try_acquire()).transpose();
        let busy = |_| Limited { limit: Limit::Lookups, retry_after: 10 };
        let _permit = permit.map_err(busy)?;
        if leads_to(&domain, address, &self.dns).await? {
            Ok(Some(domain))
        } else {
            Err(Refusal::NotItsMx { domain, address })
        }
    }

    async fn check_zone(&self) -> Result<(), Refusal> {
        let zone = self.settings.zone.clone();
        let exists = self.records.read(move |reader| Ok(reader.settings(&zone)?.is_some())).await?;
        if exists { Ok(()) } else { Err(Refusal::NoZone(self.settings.zone.clone())) }
    }

    async fn under_way(&self, address: IpAddr) -> Result<Option<Test>, RecordsError> {
        let id = self.book.lock().await.under_way.get(&address).copied();
        match id {
            Some(id) => Ok(self.find(id).await?.filter(Test::is_under_way)),
            None => Ok(None),
        }
    }

    fn new_test(
        &self,
        submission: &Submission,
        target: RelayTarget,
        domain: Option<HostName>,
        host: Option<&Host>,
        now: UnixTime,
    ) -> Result<Test, RecordsError> {
        let tier = match submission.ground {
            Ground::Owner => submission.tier.unwrap_or(Tier::Full),
            _ => Tier::Default,
        };
        let mut test = blank(target, submission.ground, domain, now)?;
        test.plan = self.plan(&mut test.domain, tier, target.port(), host);
        test.evidence = submission.evidence.clone();
        test.note = submission.note.clone();
        test.submitter = match submission.asker {
            Asker::Anonymous(from) => format!("{ANONYMOUS}{from}"),
            _ => submission.actor.name.clone(),
        };
        Ok(test)
    }

    /// The probes of a test: those of the tier, and all by which the host was found open.
    pub(super) fn plan(
        &self,
        domain: &mut Option<HostName>,
        tier: Tier,
        port: u16,
        host: Option<&Host>,
    ) -> Vec<u8> {
        let host = host.filter(|host| host.port == port);
        if domain.is_none() {
            *domain = host.and_then(|host| host.domain.clone());
        }
        let known =
            Known { domain: domain.is_some(), receiver: self.settings.receiver_address.is_some() };
        let probes = Plan::select(tier, known).probes;
        let mut plan: Vec<u8> = probes.iter().map(|probe| probe.index).collect();
        for &probe in host.into_iter().flat_map(|host| &host.probes) {
            if !plan.contains(&probe) && Probe::by_index(probe).is_some() {
                plan.push(probe);
            }
        }
        plan
    }
}

/// A test that nothing has happened to.
pub(super) fn blank(
    target: RelayTarget,
    ground: Ground,
    domain: Option<HostName>,
    now: UnixTime,
) -> Result<Test, RecordsError> {
    Ok(Test {
        id: TestId::new(now, random()?),
        address: target.addr(),
        port: target.port(),
        ground,
        domain,
        evidence: None,
        note: None,
        submitter: super::SOURCE.into(),
        submitted_at: now,
        state: State::Queued,
        verdict: None,
        via: None,
        plan: Vec::new(),
        sent: Vec::new(),
        conversations: 0,
        tokens_expire_at: UnixTime(0),
        tested_at: None,
        transcript: Vec::new(),
        arrivals: Vec::new(),
        not_before: now,
        postponed: 0,
    })
}

fn random() -> Result<u64, RecordsError> {
    getrandom::u64().map_err(|err| {
        let reason = format!("the system has no random numbers: {err}");
        ChangeError::Unwritable { reason, full: false }.into()
    })
}

/// Whether this machine has that address: then a socket can be bound to it.
fn is_of_this_machine(address: IpAddr) -> bool {
    std::net::UdpSocket::bind((address, 0)).is_ok()
}
