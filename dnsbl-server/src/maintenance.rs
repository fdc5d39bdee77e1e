//! What the server does on its own: sweeping, folding, compacting the log.

use std::time::Duration;

use dnsbl_store::{Actor, Change, ChangeError, Outcome, Store};
use dnsbl_types::UnixTime;
use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::config::ChangeLog;

/// How often expired rows and segments are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How often the log is compacted.
const COMPACT: Duration = Duration::from_secs(60);

/// Runs until `stop`, or until the store takes no more writes.
pub(crate) async fn run(store: Store, log: ChangeLog, stop: CancellationToken) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut compact_at = Instant::now();
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => return,
        }
        let mut done = repeat(&store, || Change::Sweep, &stop).await;
        done = done.and(repeat(&store, || Change::Fold, &stop).await);
        if compact_at <= Instant::now() {
            compact_at += COMPACT;
            done = done.and(change(&store, compact(log)).await.map(drop));
        }
        match done {
            Ok(()) | Err(ChangeError::Busy) => {}
            Err(ChangeError::Unwritable { .. }) => return,
            Err(err) => tracing::error!(%err, "maintenance failed"),
        }
    }
}

fn compact(log: ChangeLog) -> Change {
    let before = UnixTime(UnixTime::now().0.saturating_sub(log.keep.as_secs()));
    Change::CompactLog { before, max_bytes: log.keep_bytes }
}

/// Repeats a change until it finds nothing to do. Other changes get their turn in between.
async fn repeat(
    store: &Store,
    make: impl Fn() -> Change,
    stop: &CancellationToken,
) -> Result<(), ChangeError> {
    while !stop.is_cancelled() && change(store, make()).await? > 0 {}
    Ok(())
}

async fn change(store: &Store, change: Change) -> Result<u64, ChangeError> {
    let (tell, told) = oneshot::channel();
    store.submit(Actor::server(), change, UnixTime::now(), move |done| drop(tell.send(done)));
    let done = told.await.unwrap_or_else(|_| Err(closed()))?;
    Ok(if let Outcome::Count(count) = done.outcome { count } else { 0 })
}

fn closed() -> ChangeError {
    ChangeError::Unwritable { reason: "it is closing".into(), full: false }
}
