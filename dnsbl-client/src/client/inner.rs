//! Asking one list, with memory, health and budget.

use std::{
    sync::{
        Arc, Weak,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, Instant},
};

use ipnet::IpNet;
use tokio::{runtime::Handle, sync::Notify};

use super::{
    Outcome, Source, ZoneId,
    flight::{Flight, Landed},
    list::{Key, Knowledge, List, share},
    resolver::Resolver,
};
use crate::{
    Blocked, Bogus, ClientBuilder, Event, Failure, Health, QueryType, Question, Skipped,
    SpecialUse, Status, Target, Transport, TxtMode, Watch,
    cache::Age,
    health::{Spending, Trust},
    judge::judge,
    reason::reason,
    target::Special,
};

/// What all clones of a client share.
pub(super) struct Inner<T> {
    pub(super) settings: ClientBuilder,
    pub(super) lists: Vec<List>,
    pub(super) transport: T,
    pub(super) counts: Counts,
    /// Wakes the task that probes.
    pub(super) wake: Arc<Notify>,
    /// Questions on their way.
    pub(super) flying: AtomicUsize,
    pub(super) resolver: Resolver,
    /// How many questions there were, which gives each its place in their order.
    places: AtomicU64,
    /// The state file could not be written the last time.
    pub(super) state_unsaved: AtomicBool,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) checks: AtomicU64,
    pub(super) decided_early: AtomicU64,
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) coalesced: AtomicU64,
}

/// What is to be had of a list at once.
pub(super) enum Begun<'a, T: Transport> {
    Known(Status, Source),
    Wait(Flight<'a, T>),
}

impl<T> Drop for Inner<T> {
    /// The task that probes finds that nobody is left.
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl<T: Transport> Inner<T> {
    pub(super) fn new(mut settings: ClientBuilder, transport: T) -> Self {
        let now = settings.clock.now();
        let zones = std::mem::take(&mut settings.zones);
        let capacity = share(&settings.cache, zones.len());
        let lists = (0..).zip(zones);
        let lists = lists.map(|(id, zone)| List::new(ZoneId(id), zone, capacity, now)).collect();
        let (counts, wake) = (Counts::default(), Arc::new(Notify::new()));
        Self {
            settings,
            lists,
            transport,
            counts,
            wake,
            flying: AtomicUsize::new(0),
            resolver: Resolver::default(),
            places: AtomicU64::new(0),
            state_unsaved: AtomicBool::new(false),
        }
    }

    /// The place of the next question in the order of all.
    pub(super) fn next_place(&self) -> u64 {
        self.places.fetch_add(1, SeqCst)
    }

    pub(super) fn now(&self) -> Instant {
        self.settings.clock.now()
    }

    /// What the clock says, where the system's says this.
    pub(super) fn at(&self, real: Instant) -> Instant {
        self.settings.clock.at(|| real)
    }

    /// Whether lists are probed on a schedule, and left out.
    pub(super) fn watches(&self) -> bool {
        matches!(self.settings.watch, Watch::On | Watch::Proof)
    }

    /// Whether lists are asked for what was made up before a listing counts.
    pub(super) fn doubts(&self) -> bool {
        self.settings.watch != Watch::Off
    }

    /// Why nobody is asked about a target, if that is so.
    pub(super) fn skips(&self, target: &Target) -> Option<Skipped> {
        let special = match (self.settings.special_use, target.special_use()) {
            (_, None) | (SpecialUse::Ask, _) => false,
            (SpecialUse::AskDocumentation, Some(special)) => special == Special::Other,
            (SpecialUse::Skip, Some(_)) => true,
        };
        if special {
            return Some(Skipped::SpecialUse);
        }
        let Target::Address(addr) = target else { return None };
        let addr = addr.to_canonical();
        let nets = self.settings.exempt.iter().filter(|(net, _)| net.contains(&addr));
        let longest = nets.max_by_key(|(net, _)| IpNet::prefix_len(net));
        longest.is_some_and(|(_, exempt)| *exempt).then_some(Skipped::Exempt)
    }

    /// What one list says, as far as memory goes, or the question that finds it out.
    pub(super) fn begin<'a>(
        self: &'a Arc<Self>,
        list: &'a List,
        target: &Target,
        now: Instant,
        deadline: Instant,
    ) -> Begun<'a, T> {
        let nowhere = |why| Begun::Known(Status::Skipped(why), Source::Nowhere);
        if let Some(why) = list.zone.refuses(target) {
            return nowhere(why);
        }
        let mut known = list.lock();
        let trust = if self.watches() { known.monitor.trust() } else { Trust::Full };
        let gone = || known.monitor.is_gone(self.settings.gone_after, now);
        if trust == Trust::Unproven && self.settings.watch == Watch::Proof {
            return nowhere(if gone() { Skipped::ZoneGone } else { Skipped::Unproven });
        }
        if let Some((entry, age)) = known.cache.usable(target, now) {
            self.counts.hits.fetch_add(1, Relaxed);
            if trust == Trust::ListingsWithheld && entry.status.listing().is_some() {
                return nowhere(Skipped::Suspect);
            }
            let source = if age == Age::Fresh { Source::Cache } else { Source::Stale };
            return Begun::Known(entry.status.clone(), source);
        }
        if trust == Trust::None {
            let gone = known.monitor.is_gone(self.settings.gone_after, now);
            return nowhere(if gone { Skipped::ZoneGone } else { Skipped::ZoneDown });
        }
        let key = (target.clone(), QueryType::A);
        if let Some(news) = known.follow(&key) {
            self.counts.coalesced.fetch_add(1, Relaxed);
            return Begun::Wait(Flight::follows(self, list, key, news));
        }
        self.counts.misses.fetch_add(1, Relaxed);
        match self.reserve(list, &mut known, now) {
            Ok(()) => {}
            Err(event) => {
                let stale = known.cache.stale(target, now).map(|entry| entry.status.clone());
                drop(known);
                self.tell(event);
                return match stale {
                    Some(status) => Begun::Known(status, Source::Stale),
                    None => nowhere(Skipped::OverBudget),
                };
            }
        }
        known.take_off(key.clone());
        drop(known);
        let asking = Box::pin(self.clone().fly(list.id, key.0.clone(), deadline));
        Begun::Wait(Flight::leads(self, list, key, asking))
    }

    /// The question for the reason of a listing, if it is to be asked.
    pub(super) fn begin_reason<'a>(
        self: &'a Arc<Self>,
        list: &'a List,
        target: &Target,
        now: Instant,
        deadline: Instant,
    ) -> Option<Flight<'a, T>> {
        let mut known = list.lock();
        let key: Key = (target.clone(), QueryType::Txt);
        if let Some(news) = known.follow(&key) {
            return Some(Flight::follows(self, list, key, news));
        }
        let due = known.cache.fresh(target, now).is_none_or(|entry| {
            let listed = matches!(&entry.status, Status::Listed(_));
            listed && entry.reason_from.is_some_and(|from| from <= now)
        });
        if !due || self.reserve(list, &mut known, now).is_err() {
            return None;
        }
        known.take_off(key.clone());
        drop(known);
        let asking = Box::pin(self.clone().fly_for_reason(list.id, key.0.clone(), deadline));
        Some(Flight::leads(self, list, key, asking))
    }

    /// Makes room for a question and takes it from the budget.
    fn reserve(
        &self,
        list: &List,
        known: &mut Knowledge,
        now: Instant,
    ) -> Result<(), Option<Event>> {
        if self.flying.fetch_add(1, Relaxed) >= self.settings.max_in_flight {
            self.flying.fetch_sub(1, Relaxed);
            return Err(None);
        }
        let spending = known.budget.take(now);
        if spending == Spending::Allowed {
            return Ok(());
        }
        self.flying.fetch_sub(1, Relaxed);
        let of = known.budget.state().map_or(0, |(_, of)| of);
        let spent = Event::BudgetSpent { zone: list.name().clone(), of };
        Err((spending == Spending::JustSpent).then_some(spent))
    }

    /// Asks the transport, without memory. What the resolver put in place of the list's answer is told
    /// apart from what a list says.
    pub(super) async fn ask(
        &self,
        list: &List,
        target: &Target,
        deadline: Instant,
    ) -> (Status, Option<crate::Answer>) {
        let name = match list.zone.question_name(target) {
            Ok(name) => name,
            Err(status) => return (status, None),
        };
        match self.transport.ask(&Question { name, rtype: QueryType::A }, deadline).await {
            Ok(answer) => {
                let status = judge(&answer, &list.zone.codes);
                let odd =
                    matches!(status, Status::Bogus(Bogus::OutsideLoopback(_) | Bogus::Localhost));
                if odd && self.doubts() {
                    self.look_at_resolver(Resolver::HOLDS).await;
                }
                let status = match (status, self.resolver.rewrote(&answer)) {
                    (Status::Listed(_) | Status::Bogus(_), Some(stray)) => {
                        Status::Blocked(Blocked::Rewritten(stray))
                    }
                    (Status::Listed(listing), None) => {
                        self.note_passed();
                        Status::Listed(list.with_hits(listing))
                    }
                    (status, _) => status,
                };
                (status, Some(answer))
            }
            Err(failure) => (Status::Failed(failure), None),
        }
    }

    async fn fly(self: Arc<Self>, list: ZoneId, target: Target, deadline: Instant) -> Landed {
        let began = Instant::now();
        let list = &self.lists[list.index()];
        let (status, answer) = self.find_out(list, &target, deadline).await;
        if status == Status::Failed(Failure::Deadline) && self.clone().ask_on(list.id, &target) {
            let mut known = list.lock();
            let stale = known.cache.stale(&target, self.now()).map(|entry| entry.status.clone());
            let source = Source::Network { took: began.elapsed() };
            return match stale {
                Some(status) => Landed { status, source: Source::Stale },
                None => Landed { status, source },
            };
        }
        self.learn(list, &target, status, answer.as_ref(), began)
    }

    /// Asks, and finds out what the answer is worth.
    async fn find_out(
        &self,
        list: &List,
        target: &Target,
        deadline: Instant,
    ) -> (Status, Option<crate::Answer>) {
        let place = self.next_place();
        let (status, answer) = self.ask(list, target, deadline).await;
        if !self.doubts() {
            return (status, answer);
        }
        let status = self.weigh(list, target, status, place, deadline).await;
        // What was made up may have shown only now that the answer is the resolver's.
        let rewrote = answer.as_ref().and_then(|answer| self.resolver.rewrote(answer));
        match (status, rewrote) {
            (Status::Listed(_), Some(stray)) => {
                (Status::Blocked(Blocked::Rewritten(stray)), answer)
            }
            (status, _) => (status, answer),
        }
    }

    /// Asks on for an answer that has not come in time: it counts the next time, and only a list that
    /// does not answer then has failed. Tells whether that is possible.
    pub(super) fn ask_on(self: Arc<Self>, list: ZoneId, target: &Target) -> bool {
        let Ok(runtime) = Handle::try_current() else { return false };
        let of = &self.lists[list.index()];
        let mut known = of.lock();
        if self.watches() {
            if known.monitor.trust() == Trust::None {
                return true;
            }
        } else if self.settings.cache.capacity == 0 {
            return false;
        }
        if !known.late.insert(target.clone()) {
            return true;
        }
        if self.reserve(of, &mut known, self.now()).is_err() {
            known.late.remove(target);
            return false;
        }
        drop(known);
        let late = Late { inner: self, list, target: target.clone() };
        runtime.spawn(async move { late.ask().await });
        true
    }

    /// The status is that of the listing, with its reason.
    async fn fly_for_reason(
        self: Arc<Self>,
        list: ZoneId,
        target: Target,
        deadline: Instant,
    ) -> Landed {
        let began = Instant::now();
        let list = &self.lists[list.index()];
        let texts = match list.zone.question_name(&target) {
            Ok(name) => {
                let question = Question { name, rtype: QueryType::Txt };
                self.transport.ask(&question, deadline).await
            }
            Err(_) => Err(Failure::NameTooLong),
        };
        let now = self.now();
        let again = texts.is_err().then(|| now + self.settings.cache.failure());
        let reason = texts.ok().and_then(|answer| reason(&answer.texts));
        list.lock().cache.set_reason(&target, reason.clone(), again);
        let mut listing = crate::Listing::new(Vec::new());
        listing.reason = reason;
        Landed {
            status: Status::Listed(listing),
            source: Source::Network { took: began.elapsed() },
        }
    }

    /// Notes what came of a question that began then, and tells what it should count as.
    pub(super) fn learn(
        &self,
        list: &List,
        target: &Target,
        status: Status,
        answer: Option<&crate::Answer>,
        began: Instant,
    ) -> Landed {
        let ended = Instant::now();
        let (now, took) = (self.at(ended), ended.saturating_duration_since(began));
        let mut known = list.lock();
        known.count(&status);
        let before = known.monitor.health(now);
        if self.watches() {
            known.monitor.hear(&status, now, jitter);
        }
        let after = known.monitor.health(now);
        let source = Source::Network { took };
        let landed = match status {
            Status::Listed(_) if self.watches() && known.withholds() => {
                Landed { status: Status::Skipped(Skipped::Suspect), source }
            }
            status if status.is_verdict() || status == Status::Failed(Failure::NameTooLong) => {
                let entry = self.settings.cache.entry(status.clone(), answer, now);
                known.cache.insert(target.clone(), entry);
                Landed { status, source }
            }
            trouble => match known.cache.stale(target, now) {
                Some(entry) => {
                    entry.spared_until = Some(now + self.settings.cache.failure());
                    Landed { status: entry.status.clone(), source: Source::Stale }
                }
                None => {
                    let entry = self.settings.cache.entry(trouble.clone(), None, now);
                    known.cache.insert(target.clone(), entry);
                    Landed { status: trouble, source }
                }
            },
        };
        drop(known);
        if let Some(observer) = &self.settings.observer {
            observer.outcome(list.name(), &landed.status, took);
        }
        self.tell_health(list, before, after);
        landed
    }

    /// Tells that the health has changed, and lets what was remembered go where it was wrong.
    pub(super) fn tell_health(&self, list: &List, from: Health, to: Health) {
        if from.word() == to.word() {
            return;
        }
        match to {
            Health::Suspect { .. } => self.wake.notify_one(),
            Health::Down { why, .. } => {
                if why.spoils_listings() {
                    list.lock().cache.clear();
                }
                self.wake.notify_one();
            }
            _ => {}
        }
        self.tell(Some(Event::Health { zone: list.name().clone(), from, to }));
    }

    pub(super) fn tell(&self, event: Option<Event>) {
        if let (Some(event), Some(observer)) = (event, &self.settings.observer) {
            observer.event(&event);
        }
    }

    /// Whether the reason of this outcome is to be asked for.
    pub(super) fn wants_reason(&self, outcome: &Outcome) -> bool {
        let mode = self.lists[outcome.id.index()].zone.txt;
        let listing = outcome.status.listing();
        mode != TxtMode::Never
            && listing.is_some_and(|listing| !listing.hits.is_empty() && listing.reason.is_none())
    }
}

/// A question that nobody waits for any longer.
struct Late<T: Transport> {
    inner: Arc<Inner<T>>,
    list: ZoneId,
    target: Target,
}

impl<T: Transport> Late<T> {
    /// How long a list may take altogether once the deadline of a check has passed: a resolver that
    /// minimises names asks for each label.
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn ask(&self) {
        let (inner, list) = (&self.inner, &self.inner.lists[self.list.index()]);
        let began = Instant::now();
        let (status, answer) = inner.find_out(list, &self.target, began + Self::PATIENCE).await;
        inner.learn(list, &self.target, status, answer.as_ref(), began);
    }
}

impl<T: Transport> Drop for Late<T> {
    /// Also where the runtime ends first.
    fn drop(&mut self) {
        self.inner.lists[self.list.index()].lock().late.remove(&self.target);
        self.inner.flying.fetch_sub(1, Relaxed);
    }
}

/// From 0 to 1.
pub(super) fn jitter() -> f64 {
    f64::from(u32::from_ne_bytes(random())) / f64::from(u32::MAX)
}

/// Random octets; zeros where the system has none to give, which costs jitter and surprise only.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    let _ = getrandom::fill(&mut octets);
    octets
}

pub(super) type WeakInner<T> = Weak<Inner<T>>;
