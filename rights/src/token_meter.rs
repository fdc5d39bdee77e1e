//! How much each token is used: its requests of a minute, and when it was last used and from where.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use dnsbl_store::TokenUse;
use dnsbl_types::UnixTime;

const MINUTE: u64 = 60_000_000_000;

/// The meters of all tokens that were used of late, by their ids.
#[derive(Default)]
pub struct TokenMeters(Mutex<HashMap<String, Arc<TokenMeter>>>);

/// The meter of one token, whatever its secrets and terms become.
pub(crate) struct TokenMeter {
    id: String,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The theoretical arrival time (ITU-T I.371), in nanoseconds since the beginning.
    arrival: u64,
    last: Option<(UnixTime, Option<IpAddr>)>,
    /// Whether the store has the last use.
    is_kept: bool,
}

impl TokenMeter {
    fn new(id: &str) -> Self {
        Self { id: id.into(), begun: Instant::now(), state: Mutex::default() }
    }

    /// Notes a request.
    pub(crate) fn note(&self, at: UnixTime, from: Option<IpAddr>) {
        let mut state = self.lock();
        if state.last != Some((at, from)) {
            (state.last, state.is_kept) = (Some((at, from)), false);
        }
    }

    /// Takes a request from those of a minute, or says how long there is none. A whole minute's may come at once; then
    /// they come back evenly.
    pub(crate) fn take(&self, per_minute: NonZeroU32, now: Instant) -> Result<(), Duration> {
        let cost = MINUTE / u64::from(per_minute.get());
        let tolerance = cost * u64::from(per_minute.get() - 1);
        let now = now.saturating_duration_since(self.begun).as_nanos() as u64;
        let mut state = self.lock();
        let arrival = state.arrival.max(now);
        match (arrival - now).checked_sub(tolerance) {
            Some(wait) if wait > 0 => Err(Duration::from_nanos(wait)),
            _ => {
                state.arrival = arrival + cost;
                Ok(())
            }
        }
    }

    fn last(&self) -> Option<TokenUse> {
        let (at, from) = self.lock().last?;
        Some(TokenUse { token: self.id.clone(), at, from })
    }

    /// Whether nothing would be lost with it.
    fn is_idle(&self, now: Instant) -> bool {
        let state = self.lock();
        let elapsed = now.saturating_duration_since(self.begun).as_nanos() as u64;
        (state.is_kept || state.last.is_none()) && state.arrival <= elapsed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenMeters {
    /// The meter of a token.
    pub(crate) fn of(&self, id: &str) -> Arc<TokenMeter> {
        self.lock().entry(id.to_owned()).or_insert_with(|| TokenMeter::new(id).into()).clone()
    }

    /// When a token was last used, if it was since the start.
    pub fn last(&self, id: &str) -> Option<TokenUse> {
        self.lock().get(id)?.last()
    }

    /// The last uses that the store does not have.
    pub fn unkept(&self) -> Vec<TokenUse> {
        let meters = self.lock();
        let unkept = meters.values().filter(|meter| !meter.lock().is_kept);
        unkept.filter_map(|meter| meter.last()).collect()
    }

    /// The store has these; meters that nobody holds and that say no more go.
    pub fn kept(&self, uses: &[TokenUse], now: Instant) {
        let mut meters = self.lock();
        for used in uses {
            if let Some(meter) = meters.get(&used.token) {
                let mut state = meter.lock();
                state.is_kept |= state.last == Some((used.at, used.from));
            }
        }
        meters.retain(|_, meter| Arc::strong_count(meter) > 1 || !meter.is_idle(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<TokenMeter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixTime = UnixTime(1_700_000_000);

    #[test]
    fn a_minute_has_so_many_requests_and_they_come_back_evenly() {
        let (meter, now) = (TokenMeter::new("a"), Instant::now());
        let three = NonZeroU32::new(3).unwrap();
        let taken = |at| (0..10).filter(|_| meter.take(three, at).is_ok()).count();
        assert_eq!(taken(now), 3);
        assert_eq!(meter.take(three, now).unwrap_err().as_secs_f64().round(), 20.0);
        assert_eq!(taken(now + Duration::from_secs(21)), 1);
        assert_eq!(taken(now + Duration::from_secs(600)), 3);
    }

    #[test]
    fn a_last_use_is_kept_once_and_again_when_there_is_another() {
        let meters = TokenMeters::default();
        let meter = meters.of("a");
        assert_eq!(meters.unkept(), []);
        meter.note(AT, None);
        let unkept = meters.unkept();
        assert_eq!(unkept, [TokenUse { token: "a".into(), at: AT, from: None }]);
        meters.kept(&unkept, Instant::now());
        assert_eq!(meters.unkept(), []);
        meter.note(AT.plus(1), Some([192, 0, 2, 1].into()));
        let unkept = meters.unkept();
        meter.note(AT.plus(2), None);
        meters.kept(&unkept, Instant::now());
        assert_eq!(meters.unkept()[0].at, AT.plus(2), "it was used meanwhile");
    }

    #[test]
    fn a_meter_that_nobody_holds_goes_once_it_is_kept() {
        let meters = TokenMeters::default();
        meters.of("a").note(AT, None);
        let unkept = meters.unkept();
        meters.kept(&[], Instant::now());
        assert!(meters.last("a").is_some());
        meters.kept(&unkept, Instant::now());
        assert!(meters.last("a").is_none());
    }
}
