//! What stands between: a resolver that answers in place of the lists, or not at all.

use std::{
    net::Ipv4Addr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use dnsbl_types::Name;
use futures_util::future::join_all;

use super::inner::{Inner, random};
use crate::{Answer, Event, QueryType, Question, ResolverTrouble, Transport};

/// What is known of the resolver. It is not kept over restarts.
#[derive(Default)]
pub(super) struct Resolver {
    state: Mutex<State>,
    /// Held by who looks, so that others wait for what comes of it.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    looked: Option<Instant>,
    /// What it gives for names that do not exist.
    strays: Vec<Ipv4Addr>,
    trouble: Option<ResolverTrouble>,
    /// When a return code last came through it.
    passed: Option<Instant>,
}

impl Resolver {
    /// How long a look at it holds.
    pub(super) const HOLDS: Duration = Duration::from_secs(60);

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between lock and unlock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong with it, as far as anybody has looked.
    pub(super) fn trouble(&self) -> Option<ResolverTrouble> {
        self.lock().trouble
    }

    /// The same, if somebody has looked so lately.
    fn recent(&self, age: Duration, now: Instant) -> Option<Option<ResolverTrouble>> {
        let state = self.lock();
        let is_recent = |at: Instant| now.saturating_duration_since(at) < age;
        state.looked.is_some_and(is_recent).then_some(state.trouble)
    }

    /// Takes what it gives for names that do not exist; tells what is wrong with it now.
    fn take(&self, silent: bool, strays: Vec<Ipv4Addr>, now: Instant) -> Option<ResolverTrouble> {
        let mut state = self.lock();
        let rewrites = strays.first().copied().map(ResolverTrouble::Rewrites);
        (state.looked, state.strays) = (Some(now), strays);
        if silent {
            return Some(ResolverTrouble::Silent);
        }
        // That it strips does not show here.
        rewrites.or(state.trouble.filter(|trouble| *trouble == ResolverTrouble::Strips))
    }

    /// Whether return codes came through it within the last minute.
    pub(super) fn passes(&self, now: Instant) -> bool {
        let passed = self.lock().passed;
        passed.is_some_and(|at| now.saturating_duration_since(at) < Self::HOLDS)
    }

    /// The address in an answer that is the resolver's and not the list's: all of them are such as it
    /// gives for names that do not exist.
    pub(super) fn rewrote(&self, answer: &Answer) -> Option<Ipv4Addr> {
        let state = self.lock();
        let is_stray = |addr: &Ipv4Addr| state.strays.iter().any(|stray| alike(*addr, *stray));
        let first = answer.addresses.first().copied();
        first.filter(|_| answer.addresses.iter().all(is_stray))
    }
}

/// Resolvers that rewrite do so to an address or a few of one network; a return code is itself alone.
fn alike(one: Ipv4Addr, other: Ipv4Addr) -> bool {
    let network = |addr: Ipv4Addr| u32::from(addr) >> 8;
    one == other || (one.octets()[0] != 127 && network(one) == network(other))
}

impl<T: Transport> Inner<T> {
    /// How long the resolver may take to deny a name that does not exist.
    const LOOK: Duration = Duration::from_secs(2);

    /// What is wrong with the resolver, by a look at it that is at most so old.
    pub(super) async fn look_at_resolver(&self, age: Duration) -> Option<ResolverTrouble> {
        let _looking = self.resolver.looking.lock().await;
        let now = self.now();
        if let Some(trouble) = self.resolver.recent(age, now) {
            return trouble;
        }
        let deadline = Instant::now() + Self::LOOK;
        let answers = join_all(reserved(random()).into_iter().map(async |name| {
            self.transport.ask(&Question { name, rtype: QueryType::A }, deadline).await.ok()
        }));
        let answers: Vec<Answer> =
            answers.await.into_iter().flatten().filter(|answer| answer.rcode != SERVFAIL).collect();
        let strays: Vec<Ipv4Addr> =
            answers.iter().flat_map(|answer| answer.addresses.iter().copied()).collect();
        let trouble = self.resolver.take(answers.is_empty(), strays, now);
        self.note_trouble(trouble);
        trouble
    }

    /// Notes that the resolver takes return codes out of answers.
    pub(super) fn note_stripping(&self) {
        self.note_trouble(Some(ResolverTrouble::Strips));
    }

    /// Notes that return codes come through it.
    pub(super) fn note_passed(&self) {
        let now = self.now();
        let mut state = self.resolver.lock();
        state.passed = Some(now);
        let stripped = state.trouble == Some(ResolverTrouble::Strips);
        drop(state);
        if stripped {
            self.note_trouble(None);
        }
    }

    fn note_trouble(&self, trouble: Option<ResolverTrouble>) {
        let before = std::mem::replace(&mut self.resolver.lock().trouble, trouble);
        let word = |trouble: Option<ResolverTrouble>| trouble.map(|t| std::mem::discriminant(&t));
        if word(before) != word(trouble) {
            self.tell(Some(Event::Resolver { trouble }));
        }
    }
}

const SERVFAIL: u16 = 2;

/// Names that do not exist, whatever happens (RFC 6761, RFC 2606): some resolvers answer for one of the
/// domains themselves.
fn reserved(random: [u8; 16]) -> [Name; 2] {
    let label: Vec<u8> = random.iter().map(|octet| b'a' + octet % 26).collect();
    let names: [Vec<&[u8]>; 2] = [vec![&label, b"invalid"], vec![&label, b"example", b"com"]];
    names.map(|labels| Name::from_labels(labels).expect("short labels of letters"))
}
