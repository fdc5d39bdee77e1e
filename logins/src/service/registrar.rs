//! The task that owns the grants.
//!
//! It takes all requests that wait, decides them one after the other, and writes what they leave as one change a
//! zone, so that ten thousand logins in a second are some hundred synced writes. Nobody is told of a grant before
//! it is durable and DNS answers it; where a write fails, the grants are as they were before.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use dnsbl_index::Index;
use dnsbl_store::{Actor, Change, ChangeError, Document, Operation, Precondition, Sources, Store};
use dnsbl_types::{GrantTerms, ListingBody, Name, Source, Subject, UnixTime};
use ipnet::IpNet;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    outcome::{GrantPage, LoginsError, Outcome},
    stats::Stats,
};
use crate::{
    Grant, Login, Refused, Settings, User,
    grants::{Effect, Grants, Rate, Sessions},
    record,
};

/// Requests that are decided together.
const ROUND: usize = 2048;
/// How often it is looked for what has ended.
const TICK: Duration = Duration::from_secs(1);
/// How often records are deleted that are no longer kept, and how many at once.
const FORGET_EVERY: Duration = Duration::from_secs(60);
const FORGET: usize = 1000;
/// Records that are read at once.
const PAGE: usize = 1000;

type Reply<T> = oneshot::Sender<T>;

/// What the task is asked for.
pub(super) enum Request {
    Login {
        zone: Option<Name>,
        login: Box<Login>,
        reply: Reply<Result<Outcome, LoginsError>>,
    },
    End {
        zone: Option<Name>,
        address: IpAddr,
        user: Option<User>,
        reply: Reply<Result<Option<u64>, LoginsError>>,
    },
    List {
        zone: Name,
        after: Option<IpAddr>,
        most: usize,
        reply: Reply<GrantPage>,
    },
    Find {
        zone: Name,
        address: IpAddr,
        reply: Reply<Option<Grant>>,
    },
}

/// The owner of all grants.
pub(super) struct Registrar {
    store: Store,
    index: Arc<Index>,
    settings: Arc<Settings>,
    stats: Arc<Stats>,
    source: Source,
    zones: HashMap<Name, Zone>,
    sessions: Sessions,
    rate: Rate,
    forgot_at: Instant,
}

/// The grants of one allow zone.
struct Zone {
    /// A zone that is deleted and made again has another one, and no grants.
    number: usize,
    grants: Grants,
}

/// What requests of one round change in one zone, and who waits for it.
#[derive(Default)]
struct Pending {
    /// Each grant as it was before.
    before: BTreeMap<IpNet, Option<Grant>>,
    waiting: Vec<Waiting>,
}

enum Waiting {
    Login { login: Box<Login>, effect: Effect, reply: Reply<Result<Outcome, LoginsError>> },
    End { reply: Reply<Result<Option<u64>, LoginsError>> },
}

impl Registrar {
    pub(super) fn new(
        store: Store,
        index: Arc<Index>,
        settings: Arc<Settings>,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            store,
            index,
            settings,
            stats,
            source: Source::LOGINS.parse().expect("a name of a source"),
            zones: HashMap::new(),
            sessions: Sessions::default(),
            rate: Rate::default(),
            forgot_at: Instant::now(),
        }
    }

    /// Reads the grants that the store holds. Blocks.
    pub(super) fn read(&mut self) -> Result<(), LoginsError> {
        let (now, store, mut after) = (UnixTime::now(), self.store.clone(), None);
        let reader = store.read(now);
        loop {
            let documents = reader.documents(&record::KIND, after.as_ref(), PAGE)?;
            let Some(last) = documents.last() else { return Ok(()) };
            after = Some(last.id().clone());
            for document in &documents {
                match record::read(document) {
                    Ok((zone, grant)) if grant.until() > now => self.take_over(&zone, grant),
                    Ok(_) => {}
                    Err(err) => tracing::warn!(id = %document.id(), %err, "a grant is left out"),
                }
            }
        }
    }

    fn take_over(&mut self, origin: &Name, grant: Grant) {
        if let Some(zone) = self.zone(origin) {
            zone.grants.set(grant.network, Some(grant));
        }
    }

    /// Answers requests until the end.
    pub(super) async fn run(mut self, mut rx: mpsc::Receiver<Request>, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::with_capacity(ROUND);
        loop {
            tokio::select! {
                biased;
                taken = rx.recv_many(&mut requests, ROUND) => {
                    if taken == 0 {
                        return;
                    }
                    self.serve(requests.drain(..)).await;
                }
                _ = tick.tick() => self.tidy().await,
                () = stop.cancelled(), if !rx.is_closed() => rx.close(),
            }
        }
    }

    async fn serve(&mut self, requests: impl Iterator<Item = Request>) {
        let now = UnixTime::now();
        self.expire(now);
        let mut pending: HashMap<Name, Pending> = HashMap::new();
        for request in requests {
            match request {
                Request::Login { zone, login, reply } => {
                    match self.login(zone, &login, now, &mut pending) {
                        Ok((origin, effect)) => {
                            let waiting = Waiting::Login { login, effect, reply };
                            pending.entry(origin).or_default().waiting.push(waiting);
                        }
                        Err(why) => {
                            self.stats.refused(login.way, why);
                            drop(reply.send(Ok(Outcome::Refused(why))));
                        }
                    }
                }
                Request::End { zone, address, user, reply } => {
                    match self.end(zone, address, user.as_ref(), &mut pending) {
                        Some(origin) => {
                            let waiting = Waiting::End { reply };
                            pending.entry(origin).or_default().waiting.push(waiting);
                        }
                        None => drop(reply.send(Ok(None))),
                    }
                }
                Request::List { zone, after, most, reply } => {
                    drop(reply.send(self.page(&zone, after, most)));
                }
                Request::Find { zone, address, reply } => {
                    let zone = self.zone(&zone);
                    let found = zone
                        .and_then(|zone| zone.grants.get(&zone.grants.network(address)).cloned());
                    drop(reply.send(found));
                }
            }
        }
        for (origin, pending) in pending {
            self.write(&origin, pending, now).await;
        }
    }

    /// Decides a login; where it grants something, its zone, and what it did there.
    fn login(
        &mut self,
        zone: Option<Name>,
        login: &Login,
        now: UnixTime,
        pending: &mut HashMap<Name, Pending>,
    ) -> Result<(Name, Effect), Refused> {
        self.settings.check(login, now)?;
        let origin = self.origin(zone).ok_or(Refused::Zone)?;
        // One that was reported already, on this way or another, says nothing new.
        if !self.sessions.is_first(login) {
            return Ok((origin, Effect::Unchanged));
        }
        let (settings, mut rate) = (self.settings.clone(), self.rate);
        let zone = self.zone(&origin).ok_or(Refused::Zone)?;
        let network = zone.grants.network(login.address);
        let before = zone.grants.get(&network).cloned();
        let decided = zone.grants.login(login, &settings.limits, &mut rate, now);
        self.rate = rate;
        match decided {
            Ok(Effect::Unchanged) => {}
            Ok(_) => {
                let pending = pending.entry(origin.clone()).or_default();
                pending.before.entry(network).or_insert(before);
            }
            Err(why) => {
                self.sessions.forget(login);
                return Err(why);
            }
        }
        Ok((origin, decided?))
    }

    /// Ends what a user has for an address, or what all have; the zone, where there was something.
    fn end(
        &mut self,
        zone: Option<Name>,
        address: IpAddr,
        user: Option<&User>,
        pending: &mut HashMap<Name, Pending>,
    ) -> Option<Name> {
        let origin = self.origin(zone)?;
        let zone = self.zone(&origin)?;
        let network = zone.grants.network(address);
        let before = zone.grants.get(&network).cloned();
        if !zone.grants.end(network, user) {
            return None;
        }
        let pending = pending.entry(origin.clone()).or_default();
        pending.before.entry(network).or_insert(before);
        Some(origin)
    }

    /// Writes what has changed in a zone, and tells those who wait; where that fails, all is as it was.
    async fn write(&mut self, origin: &Name, pending: Pending, now: UnixTime) {
        let Pending { before, waiting } = pending;
        let operations = self.operations(origin, &before, now);
        let written = match operations {
            Ok(operations) if operations.is_empty() => Ok(None),
            Ok(operations) => commit(&self.store, operations, now).await.map(Some),
            Err(err) => Err(err),
        };
        if let Err(err) = &written {
            tracing::error!(zone = %origin, %err, "logins grant nothing");
            if let Some(zone) = self.zones.get_mut(origin) {
                for (network, before) in before {
                    zone.grants.set(network, before);
                }
            }
        }
        for waiting in waiting {
            self.answer(origin, waiting, &written);
        }
    }

    fn answer(
        &mut self,
        origin: &Name,
        waiting: Waiting,
        written: &Result<Option<u64>, LoginsError>,
    ) {
        let seq = match written {
            Ok(seq) => Ok(*seq),
            Err(LoginsError::Change(err)) => Err(LoginsError::Change(err.clone())),
            Err(_) => Err(LoginsError::Stopping),
        };
        match (waiting, seq) {
            (Waiting::Login { login, reply, .. }, Err(err)) => {
                self.sessions.forget(&login);
                drop(reply.send(Err(err)));
            }
            (Waiting::Login { login, effect, reply }, Ok(seq)) => {
                let zone = self.zones.get(origin);
                let grant = zone
                    .and_then(|zone| zone.grants.get(&zone.grants.network(login.address)).cloned());
                // It may have ended in the same round: nothing is left of it then.
                let outcome = match grant {
                    Some(grant) => {
                        self.stats.granted(login.way, effect == Effect::New);
                        log(origin, &login, effect, &grant);
                        Outcome::granted(origin.clone(), grant, effect, seq)
                    }
                    None => Outcome::Ignored,
                };
                drop(reply.send(Ok(outcome)));
            }
            (Waiting::End { reply }, seq) => drop(reply.send(seq)),
        }
    }

    /// The operations that bring the store from what was before to what is now.
    fn operations(
        &self,
        origin: &Name,
        before: &BTreeMap<IpNet, Option<Grant>>,
        now: UnixTime,
    ) -> Result<Vec<Operation>, LoginsError> {
        let Some(zone) = self.zones.get(origin) else { return Ok(Vec::new()) };
        let mut operations = Vec::with_capacity(before.len() * 2);
        for (network, before) in before {
            let subject = Subject::from_net(*network);
            let (grant, listing) = match zone.grants.get(network) {
                Some(grant) => (
                    Some(grant.clone()),
                    Operation::PutListing {
                        zone: origin.clone(),
                        subject,
                        source: self.source.clone(),
                        body: Box::new(ListingBody {
                            expires_at: Some(grant.until()),
                            ..ListingBody::default()
                        }),
                        precondition: Precondition::None,
                    },
                ),
                None => (
                    before.clone().map(|grant| ended(grant, now)),
                    Operation::DeleteListing {
                        zone: origin.clone(),
                        subject,
                        sources: Sources::One(self.source.clone()),
                        precondition: Precondition::None,
                    },
                ),
            };
            operations.push(listing);
            if let Some(grant) = grant {
                let document = record::document(origin, &grant, self.settings.keep_names)?;
                operations.push(put(document));
            }
        }
        Ok(operations)
    }

    /// The zone of requests that name none is that of the settings, or the only one there is.
    fn origin(&self, named: Option<Name>) -> Option<Name> {
        named.or_else(|| self.settings.zone.clone()).or_else(|| {
            let snapshot = self.index.load();
            let mut allow =
                snapshot.zones().filter(|zone| zone.settings().kind.grant_terms().is_some());
            let only = allow.next()?.settings().origin.clone();
            allow.next().is_none().then_some(only)
        })
    }

    /// The grants of an allow zone, by its terms of now.
    fn zone(&mut self, origin: &Name) -> Option<&mut Zone> {
        let (number, terms): (usize, GrantTerms) = {
            let snapshot = self.index.load();
            let zone = snapshot.zone(origin)?;
            (zone.number(), zone.settings().kind.grant_terms()?)
        };
        let new = || Zone { number, grants: Grants::new(terms) };
        let zone = self.zones.entry(origin.clone()).or_insert_with(new);
        if zone.number != number {
            *zone = new();
        }
        zone.grants.set_terms(terms);
        Some(zone)
    }

    fn page(&mut self, origin: &Name, after: Option<IpAddr>, most: usize) -> GrantPage {
        let Some(zone) = self.zone(origin) else {
            return GrantPage { grants: Vec::new(), is_cut: false };
        };
        let after = after.map(|address| zone.grants.network(address));
        let mut grants: Vec<Grant> =
            zone.grants.after(after).take(most.saturating_add(1)).cloned().collect();
        let is_cut = grants.len() > most;
        grants.truncate(most);
        GrantPage { grants, is_cut }
    }

    fn expire(&mut self, now: UnixTime) {
        self.zones.values_mut().for_each(|zone| zone.grants.expire(now));
    }

    /// Drops what has ended, and deletes records that are no longer kept.
    async fn tidy(&mut self) {
        self.expire(UnixTime::now());
        {
            let snapshot = self.index.load();
            self.zones.retain(|origin, zone| {
                snapshot.zone(origin).is_some_and(|found| found.number() == zone.number)
            });
        }
        let live = self.zones.iter().map(|(origin, zone)| (origin.clone(), zone.grants.len()));
        self.stats.set_live(live.collect());
        if self.forgot_at.elapsed() >= FORGET_EVERY {
            match self.forget().await {
                // More of them may be due.
                Ok(FORGET) => {}
                Ok(_) => self.forgot_at = Instant::now(),
                Err(err) => {
                    self.forgot_at = Instant::now();
                    tracing::warn!(%err, "records of grants that ended are still there");
                }
            }
        }
    }

    /// Deletes some records that are no longer kept, and returns how many.
    async fn forget(&self) -> Result<usize, LoginsError> {
        let (store, now) = (self.store.clone(), UnixTime::now());
        let read = tokio::task::spawn_blocking(move || {
            store.read(now).documents_due(&record::KIND, now, FORGET)
        });
        let due = read.await.map_err(|_| LoginsError::Stopping)??;
        let count = due.len();
        let operations: Vec<Operation> = due.iter().map(delete).collect();
        if count > 0 {
            commit(&self.store, operations, now).await?;
        }
        Ok(count)
    }
}

/// A grant as it was revoked: it is kept who had it.
fn ended(mut grant: Grant, now: UnixTime) -> Grant {
    for hold in &mut grant.holds {
        hold.until = hold.until.min(now);
    }
    grant
}

fn put(document: Document) -> Operation {
    Operation::PutDocument { document: Box::new(document), precondition: Precondition::None }
}

fn delete(document: &Document) -> Operation {
    Operation::DeleteDocument {
        kind: document.kind().clone(),
        id: document.id().clone(),
        precondition: Precondition::matches(document.revision()),
    }
}

/// Makes a change, and returns its number once it is durable and visible.
async fn commit(
    store: &Store,
    operations: Vec<Operation>,
    now: UnixTime,
) -> Result<u64, LoginsError> {
    let (tx, rx) = oneshot::channel();
    let change = Change { actor: Actor::part(Source::LOGINS), operations };
    store.submit(change, now, move |done: Result<_, ChangeError>| drop(tx.send(done)));
    let done = rx.await.map_err(|_| LoginsError::Stopping)?;
    done.map(|done| done.seq).map_err(|err| LoginsError::Change(Arc::new(err)))
}

/// A new grant is a line at info; it says where from, not who.
fn log(zone: &Name, login: &Login, effect: Effect, grant: &Grant) {
    let (network, way, service) = (grant.network, login.way.as_str(), login.service.as_str());
    let until = grant.until().0;
    match effect {
        Effect::New => tracing::info!(%zone, %network, way, service, until, "a login grants"),
        Effect::Renewed | Effect::Unchanged => {
            tracing::debug!(%zone, %network, way, service, until, "a login renews");
        }
    }
}

impl Settings {
    /// Whether a login may grant anything at all.
    fn check(&self, login: &Login, now: UnixTime) -> Result<(), Refused> {
        if login.at.is_some_and(|at| now.0.abs_diff(at.0) > self.max_age) {
            return Err(Refused::Stale);
        }
        if !is_grantable(login.address) {
            return Err(Refused::Address);
        }
        let is_believed = login.peer.is_none_or(|peer| self.is_proxy(peer));
        if !is_believed || self.is_proxy(login.address) {
            return Err(Refused::Proxy);
        }
        let is_vouched = matches!(login.way, crate::Way::Api | crate::Way::Drac);
        if !is_vouched && !self.services.contains(&login.service) {
            return Err(Refused::Service);
        }
        if self.tls_only && login.tls != Some(true) { Err(Refused::Tls) } else { Ok(()) }
    }
}

/// Whether an address is somebody's: not one that every host has, or none.
fn is_grantable(address: IpAddr) -> bool {
    let is_of_all = match address {
        IpAddr::V4(v4) => {
            v4 == std::net::Ipv4Addr::LOCALHOST || v4.octets()[0] == 0 || v4.is_broadcast()
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local(),
    };
    !is_of_all && !address.is_multicast()
}
