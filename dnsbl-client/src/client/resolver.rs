//! The resolver between client and zones: it may answer in their place, or not at all.

use std::{
    mem,
    net::Ipv4Addr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use dnsbl_types::Name;
use futures_util::future::join_all;

use super::settings::Settings;
use crate::{Answer, Event, QueryType, Question, ResolverTrouble, Transport};

/// The resolver, as far as it is known. It is not kept over restarts.
#[derive(Default)]
pub(super) struct Resolver {
    state: Mutex<ResolverState>,
    /// Held by who checks it, so that others wait for the result.
    checking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct ResolverState {
    checked: Option<Instant>,
    /// The addresses that it gives for names that do not exist.
    strays: Vec<Ipv4Addr>,
    trouble: Option<ResolverTrouble>,
    /// When a return code last came through it.
    passed: Option<Instant>,
}

impl Resolver {
    /// How long the result of a check holds.
    pub(super) const HOLDS: Duration = Duration::from_secs(60);
    /// How long it may take to deny a name that does not exist.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// What is wrong with it, as far as anybody has checked.
    pub(super) fn trouble(&self) -> Option<ResolverTrouble> {
        self.lock().trouble
    }

    /// What is wrong with it, by a check that is at most so old.
    pub(super) async fn check<T: Transport>(
        &self,
        transport: &T,
        settings: &Settings,
        max_age: Duration,
        random: [u8; 16],
    ) -> Option<ResolverTrouble> {
        let _checking = self.checking.lock().await;
        let now = settings.now();
        if let Some(trouble) = self.checked_within(max_age, now) {
            return trouble;
        }
        let deadline = Instant::now() + Self::PATIENCE;
        let answers = join_all(reserved(random).into_iter().map(async |name| {
            transport.ask(&Question { name, rtype: QueryType::A }, deadline).await.ok()
        }));
        let answers: Vec<Answer> =
            answers.await.into_iter().flatten().filter(|answer| answer.rcode != SERVFAIL).collect();
        let strays = answers.iter().flat_map(|answer| answer.addresses.iter().copied()).collect();
        let trouble = self.record_check(answers.is_empty(), strays, now);
        self.record_trouble(trouble, settings);
        trouble
    }

    /// Records that it takes return codes out of answers.
    pub(super) fn record_stripping(&self, settings: &Settings) {
        self.record_trouble(Some(ResolverTrouble::Strips), settings);
    }

    /// Records that a return code came through it.
    pub(super) fn record_passed(&self, settings: &Settings) {
        let now = settings.now();
        let mut state = self.lock();
        state.passed = Some(now);
        let stripped = state.trouble == Some(ResolverTrouble::Strips);
        drop(state);
        if stripped {
            self.record_trouble(None, settings);
        }
    }

    /// Whether return codes came through it within the last minute.
    pub(super) fn passes(&self, now: Instant) -> bool {
        let passed = self.lock().passed;
        passed.is_some_and(|at| now.saturating_duration_since(at) < Self::HOLDS)
    }

    /// The address in an answer that is the resolver's and not the zone's: all of them are such as it
    /// gives for names that do not exist.
    pub(super) fn rewrote(&self, answer: &Answer) -> Option<Ipv4Addr> {
        let state = self.lock();
        let is_stray = |addr: &Ipv4Addr| state.strays.iter().any(|stray| alike(*addr, *stray));
        let first = answer.addresses.first().copied();
        first.filter(|_| answer.addresses.iter().all(is_stray))
    }

    /// What was wrong with it at the last check, if that is so recent.
    fn checked_within(&self, age: Duration, now: Instant) -> Option<Option<ResolverTrouble>> {
        let state = self.lock();
        let is_recent = |at: Instant| now.saturating_duration_since(at) < age;
        state.checked.is_some_and(is_recent).then_some(state.trouble)
    }

    /// Takes the addresses that it gives for names that do not exist; gives what is wrong with it now.
    fn record_check(
        &self,
        silent: bool,
        strays: Vec<Ipv4Addr>,
        now: Instant,
    ) -> Option<ResolverTrouble> {
        let mut state = self.lock();
        let rewrites = strays.first().copied().map(ResolverTrouble::Rewrites);
        (state.checked, state.strays) = (Some(now), strays);
        if silent {
            return Some(ResolverTrouble::Silent);
        }
        // That it strips does not show here.
        rewrites.or(state.trouble.filter(|trouble| *trouble == ResolverTrouble::Strips))
    }

    fn record_trouble(&self, trouble: Option<ResolverTrouble>, settings: &Settings) {
        let before = mem::replace(&mut self.lock().trouble, trouble);
        let kind = |trouble: Option<ResolverTrouble>| trouble.map(|t| mem::discriminant(&t));
        if kind(before) != kind(trouble) {
            settings.notify(Some(Event::Resolver { trouble }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, ResolverState> {
        // Nothing between lock and unlock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolvers that rewrite do so to an address or a few of one network; a return code is itself alone.
fn alike(one: Ipv4Addr, other: Ipv4Addr) -> bool {
    let network = |addr: Ipv4Addr| u32::from(addr) >> 8;
    one == other || (one.octets()[0] != 127 && network(one) == network(other))
}

const SERVFAIL: u16 = 2;

/// Names that do not exist, whatever happens (RFC 6761, RFC 2606): some resolvers answer for one of the
/// domains themselves.
fn reserved(random: [u8; 16]) -> [Name; 2] {
    let label: Vec<u8> = random.iter().map(|octet| b'a' + octet % 26).collect();
    let names: [Vec<&[u8]>; 2] = [vec![&label, b"invalid"], vec![&label, b"example", b"com"]];
    names.map(|labels| Name::from_labels(labels).expect("short labels of letters"))
}
