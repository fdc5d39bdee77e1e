//! What waits for the server and is on its way there, and what became of it.

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered,
};
use jiff::Timestamp;
use tokio::{select, time::sleep_until};

use super::{
    endpoint::{Answer, Endpoint},
    pace::{Pace, Seldom},
    queue::{Posting, Queue, QueueLimits},
};

/// How often [`Outbox::tell_dropped`] is called.
pub(crate) const UPKEEP: Duration = Duration::from_secs(1);

/// What waits for the server and is on its way there; the only one that knows what became of it.
pub(crate) struct Outbox<P: Posting> {
    endpoint: Arc<Endpoint>,
    zone: Option<String>,
    queue: Queue<P>,
    in_flight: FuturesUnordered<LocalBoxFuture<'static, (P, Answer)>>,
    pace: Pace,
    trouble: Trouble,
    totals: Totals,
}

/// What goes wrong, each told once a minute.
#[derive(Default)]
struct Trouble {
    unreachable: Seldom,
    refused: Seldom,
    dropped: Seldom,
}

/// What became of all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// The server has them.
    pub(crate) posted: u64,
    /// The server would not have them.
    pub(crate) refused: u64,
    /// They waited too long, or were too many.
    pub(crate) dropped: u64,
}

impl<P: Posting> Outbox<P> {
    /// An empty one for what is posted there, for a zone or for the one that the server has for such.
    pub(crate) fn new(endpoint: Endpoint, zone: Option<String>, limits: QueueLimits) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            zone,
            queue: Queue::new(limits),
            in_flight: FuturesUnordered::new(),
            // Whoever is asked to wait longer than anything waits would post nothing any more.
            pace: Pace::new(limits.age),
            trouble: Trouble::default(),
            totals: Totals::default(),
        }
    }

    pub(crate) fn push(&mut self, new: P) {
        self.queue.push(new);
    }

    /// Whether nothing waits and nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_empty()
    }

    /// Sends what may be sent, and waits for an answer or until more may be sent; where nothing waits, for ever.
    /// It may be dropped at any time, and called again.
    pub(crate) async fn work(&mut self) {
        let now = Instant::now();
        while self.in_flight.len() < self.pace.width(now)
            && let Some(next) = self.queue.pop(Timestamp::now())
        {
            let post = post(self.endpoint.clone(), next, self.zone.clone());
            self.in_flight.push(post.boxed_local());
        }
        let pause = self.pace.pause(now);
        select! {
            Some((posting, answer)) = self.in_flight.next(), if !self.in_flight.is_empty() => {
                self.settle(posting, answer, Instant::now());
            }
            () = sleep_until(pause.unwrap_or(now).into()), if pause.is_some() => {}
            else => pending().await,
        }
    }

    /// Logs what was dropped since it was called last.
    pub(crate) fn tell_dropped(&mut self, now: Instant) {
        let dropped = self.queue.take_dropped();
        self.totals.dropped += dropped;
        if let Some(count) = self.trouble.dropped.count(now, dropped) {
            tracing::error!(count, "{} could not be posted in time and were dropped", P::NAME);
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    fn settle(&mut self, posting: P, answer: Answer, now: Instant) {
        match answer {
            Answer::Taken => {
                self.totals.posted += 1;
                self.reached();
            }
            Answer::Refused { detail, .. } => {
                self.totals.refused += 1;
                self.reached();
                if let Some(count) = self.trouble.refused.count(now, 1) {
                    tracing::error!(count, ?detail, "the server refuses {}", P::NAME);
                }
            }
            Answer::TryAgain { after, detail } => {
                self.queue.push_back(posting);
                self.pace.failed(now, after);
                if let Some(count) = self.trouble.unreachable.count(now, 1) {
                    tracing::warn!(count, ?detail, "{} could not be posted; they wait", P::NAME);
                }
            }
        }
    }

    fn reached(&mut self) {
        if self.pace.succeeded() {
            tracing::info!("the server takes {} again", P::NAME);
        }
    }
}

async fn post<P: Posting>(
    endpoint: Arc<Endpoint>,
    posting: P,
    zone: Option<String>,
) -> (P, Answer) {
    let answer = endpoint.post(&posting.body(zone.as_deref())).await;
    (posting, answer)
}
