//! The maintenance that the server does on its own: sweeping, compacting, truncating the log.
//!
//! All of it goes in small steps with pauses between them, so that other changes wait for a step at most.
//! What can't be undone waits while the clock is in doubt.

use std::time::Duration;

use admin_api::{MOST_REMEMBERED, REMEMBERED_FOR};
use dnsbl_store::{Actor, Change, ChangeError, LogSize, Operation, OperationResult, Store};
use dnsbl_types::{Clock, ClockDoubt, ClockEvent, UnixTime};
use tokio::{
    sync::{oneshot, watch},
    task::spawn_blocking,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::config::ChangeLog;

/// How often expired rows and segments are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How often the log is truncated.
const TRUNCATE: Duration = Duration::from_secs(60);
/// The longest pause after a step. A step that took less is followed by a pause as long as itself, so that
/// other changes have the store for half of the time.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until `stop`, or until the store takes no more writes.
pub(crate) async fn run(
    store: Store,
    clock: Clock,
    log: watch::Receiver<ChangeLog>,
    stop: CancellationToken,
) {
    let mut keeper = Keeper { store, clock, log, size: LogSize::default() };
    let mut truncate_at = Instant::now();
    loop {
        let begun = Instant::now();
        clock_events(&keeper.clock.take_events());
        let mut done = keeper.step().await;
        if truncate_at <= begun {
            truncate_at = begun + TRUNCATE;
            done = match done {
                Ok(found) => keeper.truncate_log().await.map(|()| found),
                Err(err) => Err(err),
            };
        }
        let again = match done {
            Ok(true) => Instant::now() + begun.elapsed().min(PAUSE),
            Ok(false) | Err(ChangeError::Busy) => begun + TICK,
            Err(ChangeError::Unwritable { .. }) => return,
            Err(err) => {
                tracing::error!(%err, "maintenance failed");
                begun + TICK
            }
        };
        tokio::select! {
            () = sleep_until(again) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// The keeper of the store.
struct Keeper {
    store: Store,
    clock: Clock,
    log: watch::Receiver<ChangeLog>,
    size: LogSize,
}

impl Keeper {
    /// Sweeps some rows and compacts some; whether there may be more.
    async fn step(&self) -> Result<bool, ChangeError> {
        let swept = match self.clock.believed() {
            Some(now) => self.change(Operation::Sweep, now).await?,
            None => 0,
        };
        let compacted = self.change(Operation::CompactSegments, UnixTime::now()).await?;
        Ok(swept + compacted > 0)
    }

    /// Drops what is too old or too much of the log, of what undos need, and of what is remembered of requests.
    async fn truncate_log(&mut self) -> Result<(), ChangeError> {
        let Some(now) = self.clock.believed() else { return Ok(()) };
        self.forget_requests(now).await?;
        let ChangeLog { keep, keep_bytes, undo_bytes } = *self.log.borrow();
        let before = UnixTime(now.0.saturating_sub(keep.as_secs()));
        let (store, max_bytes) = (self.store.clone(), keep_bytes);
        let mut size = std::mem::take(&mut self.size);
        let find = move || {
            let reader = store.read(now);
            let floor = reader.floor_of_log(&mut size, before, max_bytes);
            (floor, reader.floor_of_undo(undo_bytes), size)
        };
        let (floor, undo_floor, size) = spawn_blocking(find).await.map_err(|_| closed())?;
        self.size = size;
        self.change(Operation::TruncateLog { floor: floor? }, now).await?;
        self.change(Operation::ForgetUndo { before: undo_floor? }, now).await.map(drop)
    }

    /// Forgets requests that can't be sent again any more.
    async fn forget_requests(&self, now: UnixTime) -> Result<(), ChangeError> {
        let before = UnixTime(now.0.saturating_sub(REMEMBERED_FOR));
        let store = self.store.clone();
        let forget = move || store.forget_requests(before, MOST_REMEMBERED);
        spawn_blocking(forget).await.map_err(|_| closed())??;
        Ok(())
    }

    async fn change(&self, operation: Operation, now: UnixTime) -> Result<u64, ChangeError> {
        let (tx, rx) = oneshot::channel();
        let change = Change::new(Actor::server(), operation);
        self.store.submit(change, now, move |committed| drop(tx.send(committed)));
        let committed = rx.await.unwrap_or_else(|_| Err(closed()))?;
        Ok(match committed.into_result() {
            Some(OperationResult::Count(count)) => count,
            _ => 0,
        })
    }
}

/// Tells what has become of the clock.
fn clock_events(events: &[ClockEvent]) {
    for event in events {
        match event {
            ClockEvent::Doubted(ClockDoubt::Stepped(seconds)) => tracing::warn!(
                seconds,
                "the clock stepped: what has expired by it is hidden, but nothing is removed, and no lifetime is taken, until it has gone on steadily for some minutes or is back in line"
            ),
            ClockEvent::Doubted(ClockDoubt::BeforeLastChange(at)) => tracing::warn!(
                last_change = at.0,
                "the clock says a time before the last change: set it; listings with a lifetime would end as soon as it is right, so none are taken until it is, or has gone on steadily for some minutes"
            ),
            ClockEvent::Doubted(ClockDoubt::LongAfterLastChange(at)) => tracing::info!(
                last_change = at.0,
                "the last change was long ago: what has expired is hidden, and removed once the clock has gone on steadily for some minutes"
            ),
            ClockEvent::InLine(seconds) => tracing::warn!(
                seconds,
                "the clock stepped back into line with the time that has passed, and is believed again"
            ),
            ClockEvent::Proved(ClockDoubt::LongAfterLastChange(_)) => {
                tracing::info!("the clock has gone on steadily, and is believed");
            }
            ClockEvent::Proved(_) => tracing::warn!(
                "the clock has gone on steadily since it stepped or the server started, and is believed from now on"
            ),
        }
    }
}

fn closed() -> ChangeError {
    ChangeError::Unwritable { reason: "it is closing".into(), full: false }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Instant,
    };

    use dnsbl_store::Precondition;
    use dnsbl_types::{ClockReading, ClockWatch, ListingBody, Name, ZoneKind, ZoneSpec};

    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);
    const YEAR: u64 = 365 * 86_400;

    /// A store whose keeper has a clock that can be set.
    struct Fixture {
        keeper: Keeper,
        machine: Arc<Mutex<ClockReading>>,
        _dir: tempfile::TempDir,
    }

    impl Fixture {
        fn started(wall: UnixTime, last_change: Option<UnixTime>) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path()).unwrap();
            store.start(Box::new(())).unwrap();
            let ns: Name = "ns.example.net".parse().unwrap();
            let spec = ZoneSpec::new(origin(), ZoneKind::Ip, vec![ns], "$".parse().unwrap());
            let zone =
                Operation::PutZone { zone: Box::new(spec.check().unwrap()), serial_floor: None };
            store.commit(Change::new(Actor::server(), zone), wall).unwrap();
            let machine = Arc::new(Mutex::new(ClockReading { wall, steady: Instant::now() }));
            let read = machine.clone();
            let clock = Clock::read_by(move || *read.lock().unwrap(), last_change);
            let log = ChangeLog {
                keep: Duration::from_secs(3600),
                keep_bytes: 1 << 30,
                undo_bytes: 1 << 30,
            };
            let (_, log) = watch::channel(log);
            let keeper = Keeper { store, clock, log, size: LogSize::default() };
            Self { keeper, machine, _dir: dir }
        }

        fn set(&self, wall: UnixTime) {
            self.machine.lock().unwrap().wall = wall;
        }

        /// Lets time pass, with a round of the keeper each second.
        async fn pass(&mut self, seconds: u64) {
            for _ in 0..seconds {
                {
                    let mut machine = self.machine.lock().unwrap();
                    machine.wall = machine.wall.plus(1);
                    machine.steady += Duration::from_secs(1);
                }
                while self.keeper.step().await.unwrap() {}
                self.keeper.truncate_log().await.unwrap();
            }
        }

        fn list(&self, subject: &str, expires_at: UnixTime) {
            let put = Operation::PutListing {
                zone: origin(),
                subject: subject.parse().unwrap(),
                source: "a".parse().unwrap(),
                body: Box::new(ListingBody {
                    expires_at: Some(expires_at),
                    ..ListingBody::default()
                }),
                precondition: Precondition::None,
            };
            let now = self.machine.lock().unwrap().wall;
            let change = Change::new(Actor::server(), put);
            self.keeper.store.commit(change, now).unwrap();
        }

        /// How many listings there are at a time, hidden ones left out.
        fn listed(&self, at: UnixTime) -> u64 {
            self.keeper.store.read(at).zone(&origin()).unwrap().unwrap().listings
        }

        fn log_floor(&self) -> u64 {
            self.keeper.store.read(NOW).log_floor().unwrap()
        }
    }

    fn origin() -> Name {
        "bl.example.org".parse().unwrap()
    }

    /// Field case 36.
    #[tokio::test]
    async fn a_year_forward_for_seconds_hides_what_expires_and_loses_none_of_it() {
        let mut fixture = Fixture::started(NOW, Some(NOW));
        fixture.list("192.0.2.1", NOW.plus(3600));
        fixture.list("192.0.2.2", NOW.plus(86_400));
        fixture.pass(5).await;
        let far = NOW.plus(5 + YEAR);
        fixture.set(far);
        fixture.pass(3).await;
        assert_eq!(fixture.listed(far.plus(3)), 0, "hidden at once");
        fixture.set(NOW.plus(8));
        fixture.pass(2).await;
        assert_eq!(fixture.listed(NOW.plus(10)), 2, "all of it is there");
        assert_eq!(fixture.log_floor(), 1, "and the log");
    }

    #[tokio::test]
    async fn a_step_that_proves_true_is_swept_and_the_log_cut_by_its_age() {
        let mut fixture = Fixture::started(NOW, Some(NOW));
        fixture.list("192.0.2.1", NOW.plus(3600));
        let far = NOW.plus(YEAR);
        fixture.set(far);
        fixture.pass(ClockWatch::PROOF.as_secs() - 2).await;
        assert_eq!((fixture.listed(NOW), fixture.log_floor()), (1, 1), "not proved yet");
        fixture.pass(5).await;
        assert_eq!(fixture.listed(NOW), 0, "swept");
        assert!(fixture.log_floor() > 1);
    }

    /// Field case 38.
    #[tokio::test]
    async fn a_start_in_1972_removes_nothing_and_neither_does_the_step_to_the_right_time() {
        let mut fixture = Fixture::started(UnixTime(2 * YEAR), Some(NOW));
        assert!(matches!(
            fixture.keeper.clock.take_events()[..],
            [ClockEvent::Doubted(ClockDoubt::BeforeLastChange(NOW))]
        ));
        fixture.list("192.0.2.1", NOW.plus(86_400));
        fixture.pass(10).await;
        fixture.set(NOW.plus(60));
        fixture.pass(3).await;
        assert!(matches!(fixture.keeper.clock.take_events()[..], [ClockEvent::InLine(1..)]));
        assert_eq!(fixture.listed(NOW.plus(63)), 1);
    }
}
