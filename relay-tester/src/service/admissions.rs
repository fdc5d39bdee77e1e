//! Admissions: who may ask for which test how often, which tests are under way, and whose owners have
//! opted out.

use std::{
    collections::HashMap,
    net::{IpAddr, UdpSocket},
    sync::Arc,
};

use dnsbl_store::{Actor, ChangeError};
use dnsbl_types::{Name, UnixTime};
use ipnet::IpNet;
use tokio::sync::{Mutex, Semaphore};

use super::{
    records::{
        MAX_OPT_OUTS, RecordsError, SOURCE, Versioned, canonical, delete_opt_out, put, put_opt_out,
        tester_actor,
    },
    shared::Shared,
};
use crate::{
    Ground, HostName, HostNameError, Ports, RelayTarget, TargetError, TestId, Tier,
    life::{Asker, Host, Limit, Limited, Recent, Test, check_address, is_free},
    mx::{ResolveError, leads_to},
};

/// How often a submission is decided anew where the host's record has changed meanwhile.
const TRIES: usize = 8;
/// How many tests of an address the limits look at.
const HISTORY: usize = 50;
/// How many domains are looked up at once for those without a token.
const ANONYMOUS_LOOKUPS: usize = 4;
/// How many are for those with one.
const LOOKUPS: usize = 16;
/// How many tests are read at a time.
const PAGE: usize = 256;
/// Seconds that the limits look back.
const DAY: u64 = 24 * 3600;
/// Seconds for which a retest waits that has to wait.
const LATER: u64 = 3600;

/// A request to have a host tested.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The host's address, as it was typed.
    pub address: String,
    /// The reason for it.
    pub ground: Ground,
    /// Its port, 25 if left out.
    pub port: Option<u16>,
    /// A domain for which it takes mail.
    pub domain: Option<String>,
    /// How far the test goes, where the owner asks.
    pub tier: Option<Tier>,
    /// The evidence that was seen.
    pub evidence: Option<String>,
    /// A note that is kept with the test.
    pub note: Option<String>,
    /// The asker, for the limits.
    pub asker: Asker,
    /// The asker, for the log.
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

/// The reason why a submission is refused.
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

/// The admissions. Whatever is decided by the state is written while it is locked, so that what is in
/// memory is what was written last.
pub(super) struct Admissions {
    shared: Arc<Shared>,
    anonymous_lookups: Semaphore,
    lookups: Semaphore,
    state: Mutex<AdmissionState>,
}

/// The facts that submissions are measured against.
#[derive(Default)]
struct AdmissionState {
    recent: Recent,
    /// The test of each address that has one.
    under_way: HashMap<IpAddr, TestId>,
    opt_outs: Vec<IpNet>,
}

impl Admissions {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let anonymous_lookups = Semaphore::new(ANONYMOUS_LOOKUPS);
        let (lookups, state) = (Semaphore::new(LOOKUPS), Mutex::default());
        Self { shared, anonymous_lookups, lookups, state }
    }

    /// Fills the state with what earlier runs have left.
    pub(super) async fn load_recent(&self, now: UnixTime) -> Result<(), RecordsError> {
        let since = UnixTime(now.0.saturating_sub(DAY));
        let (mut submitted, mut before) = (Vec::new(), None);
        loop {
            let (page, next) = self.shared.records.newest(None, before, PAGE).await?;
            let is_last = next.is_none() || page.iter().any(|t| t.submitted_at < since);
            before = next;
            submitted.extend(page.into_iter().filter(|test| test.submitted_at >= since));
            if is_last {
                break;
            }
        }
        let mut recent = Recent::default();
        for test in submitted.into_iter().rev().filter(|test| test.submitter != SOURCE) {
            let asker = match test.anonymous_submitter() {
                Some(from) => Asker::Anonymous(from),
                None => Asker::Token(test.submitter),
            };
            recent.add(test.submitted_at, test.address, asker);
        }
        let most = self.shared.settings.limits.waiting.max(PAGE);
        let waiting = self.shared.records.due::<Test>(UnixTime(u64::MAX), most).await?;
        let under_way = waiting.iter().map(|test| (test.value.address, test.value.id)).collect();
        let opt_outs = self.shared.records.opt_outs().await?;
        *self.state.lock().await = AdmissionState { recent, under_way, opt_outs };
        Ok(())
    }

    /// Takes a submission: durable when this has finished.
    pub(super) async fn submit(&self, submission: Submission) -> Result<Submitted, Refusal> {
        let target = self.target(&submission).await?;
        let address = target.addr();
        if submission.ground == Ground::Evidence && submission.evidence.is_none() {
            return Err(Refusal::NoEvidence);
        }
        if submission.tier.is_some() && submission.ground != Ground::Owner {
            return Err(Refusal::Tier);
        }
        if !self.shared.records.has_zone(&self.shared.settings.zone).await? {
            return Err(Refusal::NoZone(self.shared.settings.zone.clone()));
        }
        let under_way = self.state.lock().await.under_way.get(&address).copied();
        if let Some(test) = self.still_under_way(under_way).await? {
            return Ok(Submitted { test, seq: None });
        }
        let domain = submission.domain.as_deref().map(str::parse).transpose()?;
        let is_charged = self.charge(&submission, address).await?;
        if let Some(domain) = &domain {
            self.check_leads_to(domain, &submission.asker, address).await?;
        }
        for _ in 0..TRIES {
            match self.admit(&submission, target, domain.clone(), is_charged).await {
                // What comes back meanwhile writes the host's record, too: it is read again.
                Err(Refusal::Records(RecordsError::Change(ChangeError::Stale { .. }))) => {}
                admitted => return admitted,
            }
        }
        self.admit(&submission, target, domain, is_charged).await
    }

    async fn target(&self, submission: &Submission) -> Result<RelayTarget, Refusal> {
        // Whether the port of a listed host is the right one is seen when the host is known.
        let is_any = submission.ground == Ground::Owner || submission.ground.is_of_listed();
        let policy = self.shared.settings.policy(if is_any { Ports::Any } else { Ports::Smtp });
        let port = submission.port.unwrap_or(RelayTarget::SMTP);
        let target = RelayTarget::parse(&submission.address, port, &policy)?;
        let address = target.addr();
        let is_allowed = self.shared.settings.is_allowed(address);
        if !is_allowed
            && !self.shared.settings.allow_targets.is_empty()
            && !self.shared.settings.allow_all
        {
            return Err(Refusal::NotAllowed(address));
        }
        // A socket can be bound to an address that this machine has.
        if !is_allowed && UdpSocket::bind((address, 0)).is_ok() {
            return Err(TargetError::Own(address).into());
        }
        if self.is_opted_out(address).await {
            return Err(Refusal::OptedOut(address));
        }
        Ok(target)
    }

    async fn still_under_way(&self, id: Option<TestId>) -> Result<Option<Test>, RecordsError> {
        let Some(id) = id else { return Ok(None) };
        let test = self.shared.records.test(id).await?.map(|found| found.value);
        Ok(test.filter(Test::is_under_way))
    }

    /// Charges a submission before anything is looked up for it: whoever asks in vain has asked too. The
    /// first test for delisting is free, names that are looked up for it are not.
    async fn charge(&self, submission: &Submission, address: IpAddr) -> Result<bool, Refusal> {
        let known = self.shared.records.of::<Host>(address).await?;
        let (asker, now) = (&submission.asker, UnixTime::now());
        let host = known.as_ref().map(|host| &host.value).filter(|host| now < host.expires_at());
        let is_charged = !is_free(host, submission.ground, asker);
        let mut state = self.state.lock().await;
        if is_charged {
            state.recent.charge(asker, &self.shared.settings.limits, now)?;
        }
        if submission.domain.is_some() {
            state.recent.charge_lookup(asker, now)?;
        }
        Ok(is_charged)
    }

    /// Whether mail for the domain goes to the host.
    async fn check_leads_to(
        &self,
        domain: &HostName,
        asker: &Asker,
        address: IpAddr,
    ) -> Result<(), Refusal> {
        let permits = match asker {
            Asker::Anonymous(_) => &self.anonymous_lookups,
            Asker::Token(_) | Asker::Trusted => &self.lookups,
        };
        let busy = |_| Limited { limit: Limit::Lookups, retry_after: 10 };
        let _permit = permits.try_acquire().map_err(busy)?;
        if leads_to(domain, address, &self.shared.dns).await? {
            Ok(())
        } else {
            Err(Refusal::NotItsMx { domain: domain.clone(), address })
        }
    }

    /// Measures a submission against the limits and stores it, one at a time.
    async fn admit(
        &self,
        submission: &Submission,
        target: RelayTarget,
        domain: Option<HostName>,
        is_charged: bool,
    ) -> Result<Submitted, Refusal> {
        let mut state = self.state.lock().await;
        let (address, now) = (target.addr(), UnixTime::now());
        let under_way = state.under_way.get(&address).copied();
        if let Some(test) = self.still_under_way(under_way).await? {
            if is_charged {
                state.recent.give_back(&submission.asker);
            }
            return Ok(Submitted { test, seq: None });
        }
        let (history, known) = self.shared.records.history(address, HISTORY).await?;
        let host = known.as_ref().map(|host| &host.value).filter(|host| now < host.expires_at());
        let target = match (submission.ground.is_of_listed(), host) {
            (true, None) => return Err(Refusal::NotListed(address)),
            (true, Some(host)) => self.target_of_listed(submission, host)?,
            (false, _) => target,
        };
        let (limits, asker) = (&self.shared.settings.limits, &submission.asker);
        check_address(&history, host, submission.ground, asker, limits, now)?;
        state.recent.prune(now);
        if !is_free(host, submission.ground, asker) {
            state.recent.check(address, limits, now)?;
            if state.under_way.len() >= limits.waiting {
                return Err(Limited { limit: Limit::Waiting, retry_after: 60 }.into());
            }
        }
        let test = self.new_test(submission, target, domain, host, now)?;
        let mut operations = vec![self.shared.records.put_test(&test, None, false)?];
        if let Some(known) = known.as_ref().filter(|_| submission.ground == Ground::Delist) {
            let mut host = known.value.clone();
            let tests = match asker {
                Asker::Anonymous(_) => &mut host.anonymous_delist_tests,
                Asker::Token(_) | Asker::Trusted => &mut host.delist_tests,
            };
            *tests = tests.and_one(now);
            operations.push(put(
                address,
                &host,
                host.due(now, self.shared.settings.patience),
                Some(known),
            )?);
        }
        let done = self.shared.records.write(submission.actor.clone(), operations).await;
        let done = done.map_err(RecordsError::from)?;
        if is_charged {
            state.recent.give_back(&submission.asker);
        }
        state.recent.add(now, address, submission.asker.clone());
        state.under_way.insert(address, test.id);
        self.shared.wake.notify_one();
        Ok(Submitted { test, seq: Some(done.seq) })
    }

    /// A listed host is tested again where it was found open, or on the port of SMTP.
    fn target_of_listed(
        &self,
        submission: &Submission,
        host: &Host,
    ) -> Result<RelayTarget, Refusal> {
        let port = submission.port.unwrap_or(host.port);
        let ports = if port == host.port { Ports::Any } else { Ports::Smtp };
        Ok(RelayTarget::new(host.address, port, &self.shared.settings.policy(ports))?)
    }

    fn new_test(
        &self,
        submission: &Submission,
        target: RelayTarget,
        domain: Option<HostName>,
        host: Option<&Host>,
        now: UnixTime,
    ) -> Result<Test, RecordsError> {
        let submitter = match submission.asker {
            Asker::Anonymous(from) => format!("{}{from}", Test::ANONYMOUS),
            _ => submission.actor.name.clone(),
        };
        let mut test = Test::new(new_id(now)?, target, submission.ground, submitter, now);
        test.domain = domain;
        test.evidence = submission.evidence.clone();
        test.note = submission.note.clone();
        let tier = match submission.ground {
            Ground::Owner => submission.tier.unwrap_or(Tier::Full),
            _ => Tier::Default,
        };
        self.choose_probes(&mut test, tier, host);
        Ok(test)
    }

    fn choose_probes(&self, test: &mut Test, tier: Tier, host: Option<&Host>) {
        let host = host.filter(|host| host.port == test.port);
        if test.domain.is_none() {
            test.domain = host.and_then(|host| host.domain.clone());
        }
        let open = host.map_or(&[][..], |host| &host.probes);
        test.choose_probes(tier, open, self.shared.settings.receiver_address.is_some());
    }

    /// Has a listed host tested again, if there is room, and notes when somebody should look at it next.
    pub(super) async fn retest(
        &self,
        host: &Versioned<Host>,
        now: UnixTime,
    ) -> Result<(), RecordsError> {
        let listed = &host.value;
        let mut state = self.state.lock().await;
        let is_busy = state.under_way.contains_key(&listed.address)
            || state.under_way.len() >= self.shared.settings.limits.waiting;
        let ports = self.shared.settings.policy(Ports::Any);
        let target = RelayTarget::new(listed.address, listed.port, &ports);
        let Some(target) = target.ok().filter(|_| !is_busy) else {
            let later = now.plus(LATER).min(listed.expires_at());
            self.shared
                .records
                .write(tester_actor(), vec![put(listed.address, listed, later, Some(host))?])
                .await?;
            return Ok(());
        };
        let next = put(
            listed.address,
            listed,
            listed.due(now, self.shared.settings.patience),
            Some(host),
        )?;
        if state.is_opted_out(listed.address) {
            self.shared.records.write(tester_actor(), vec![next]).await?;
            return Ok(());
        }
        let mut test = Test::new(new_id(now)?, target, Ground::Retest, SOURCE.into(), now);
        test.domain = listed.domain.clone();
        self.choose_probes(&mut test, Tier::Default, Some(listed));
        let put = self.shared.records.put_test(&test, None, true)?;
        self.shared.records.write(tester_actor(), vec![next, put]).await?;
        state.under_way.insert(listed.address, test.id);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Lets go of a test that is over.
    pub(super) async fn release(&self, test: &Test) {
        let mut state = self.state.lock().await;
        if state.under_way.get(&test.address) == Some(&test.id) {
            state.under_way.remove(&test.address);
        }
    }

    /// Charges a look at a test to somebody without a token.
    pub(super) async fn charge_read(&self, from: IpAddr) -> Result<(), Limited> {
        self.state.lock().await.recent.charge_read(from, UnixTime::now())
    }

    /// How many tests are under way. It may block for as long as a change takes, so never call it from
    /// asynchronous code.
    pub(super) fn count_under_way(&self) -> usize {
        self.state.blocking_lock().under_way.len()
    }

    /// The networks that are not tested, in no particular order.
    pub(super) async fn opt_outs(&self) -> Vec<IpNet> {
        self.state.lock().await.opt_outs.clone()
    }

    /// Whether the owner of this address does not want it to be tested.
    pub(super) async fn is_opted_out(&self, address: IpAddr) -> bool {
        self.state.lock().await.is_opted_out(address)
    }

    /// Tests a network no more. The number of the change and the tests of the network that are under
    /// way, or `None` where too many have opted out.
    pub(super) async fn opt_out(
        &self,
        network: IpNet,
        actor: Actor,
    ) -> Result<Option<(u64, Vec<TestId>)>, RecordsError> {
        let network = canonical(network);
        let mut state = self.state.lock().await;
        if state.opt_outs.len() >= MAX_OPT_OUTS {
            return Ok(None);
        }
        let done = self.shared.records.write(actor, vec![put_opt_out(network)?]).await?;
        state.opt_outs.retain(|other| *other != network);
        state.opt_outs.push(network);
        let within = state.under_way.iter().filter(|(address, _)| network.contains(*address));
        Ok(Some((done.seq, within.map(|(_, id)| *id).collect())))
    }

    /// Ends an opt-out. The number of the change, or `None` where there was none.
    pub(super) async fn opt_in(
        &self,
        network: IpNet,
        actor: Actor,
    ) -> Result<Option<u64>, RecordsError> {
        let network = canonical(network);
        let mut state = self.state.lock().await;
        if !state.opt_outs.contains(&network) {
            return Ok(None);
        }
        let done = self.shared.records.write(actor, delete_opt_out(network)?).await?;
        state.opt_outs.retain(|other| *other != network);
        Ok(Some(done.seq))
    }
}

impl AdmissionState {
    fn is_opted_out(&self, address: IpAddr) -> bool {
        self.opt_outs.iter().any(|network| network.contains(&address))
    }
}

fn new_id(now: UnixTime) -> Result<TestId, RecordsError> {
    let random = getrandom::u64().map_err(|err| {
        let reason = format!("the system has no random numbers: {err}");
        RecordsError::from(ChangeError::Unwritable { reason, full: false })
    })?;
    Ok(TestId::new(now, random))
}
