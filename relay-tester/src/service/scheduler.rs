//! The rounds in which is done what is due: tests that wait, tests to be settled, hosts to be tested
//! again or forgotten.

use std::{sync::Arc, time::Duration};

use dnsbl_types::{Clock, UnixTime};
use tokio::{
    select,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    admissions::Admissions,
    conversations::Conversations,
    journal::Journal,
    notices::Notices,
    records::{RecordsError, Versioned, tester_actor},
    shared::Shared,
};
use crate::{
    TestId,
    life::{Host, Output, Test},
};

/// How often is looked for what is due; times are in whole seconds.
const TICK: Duration = Duration::from_secs(1);
/// How long probes that are on their way may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(8);
/// How many tests and hosts are looked at in one round.
const ROUND: usize = 256;

/// The scheduler.
pub(super) struct Scheduler {
    pub(super) shared: Arc<Shared>,
    pub(super) admissions: Arc<Admissions>,
    pub(super) journal: Arc<Journal>,
    pub(super) conversations: Arc<Conversations>,
    pub(super) notices: Arc<Notices>,
}

impl Scheduler {
    /// Works until `stop`. Nothing is begun, settled, forgotten or sent while the clock is in doubt.
    pub(super) async fn run(self, clock: Clock, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            if let Some(now) = clock.believed()
                && let Err(err) = self.round(now, &mut tasks).await
            {
                tracing::error!(%err, "relay tests wait");
            }
            select! {
                () = stop.cancelled() => {}
                () = self.shared.wake.notified() => {}
                Some(_) = tasks.join_next() => {}
                () = sleep_until(Instant::now() + TICK) => {}
            }
        }
        self.conversations.stop();
        // A probe that is on its way is finished, so that its answer is known after the next start.
        let _ = timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
    }

    async fn round(&self, now: UnixTime, tasks: &mut JoinSet<()>) -> Result<(), RecordsError> {
        self.notices.send_due();
        for test in self.shared.records.due::<Test>(now, ROUND).await? {
            if test.value.awaits_conversation() {
                self.conversations.begin(&test.value, tasks);
            } else {
                self.settle(test.value.id, now).await?;
            }
        }
        for host in self.shared.records.due::<Host>(now, ROUND).await? {
            self.retest_or_expire(&host, now).await?;
        }
        for output in self.shared.records.due::<Output>(now, ROUND).await? {
            if output.value.expires_at() <= now {
                self.shared.records.write_if_fresh(vec![output.delete()]).await?;
            }
        }
        self.notices.forget_old(now).await
    }

    async fn settle(&self, id: TestId, now: UnixTime) -> Result<(), RecordsError> {
        let settle = |test: &mut Test| {
            if test.due(self.shared.settings.patience).is_some_and(|due| due <= now) {
                test.settle();
            }
        };
        self.journal.change(id, settle).await?;
        Ok(())
    }

    async fn retest_or_expire(
        &self,
        host: &Versioned<Host>,
        now: UnixTime,
    ) -> Result<(), RecordsError> {
        let listed = &host.value;
        let is_over = listed.expires_at() <= now
            || !self.shared.records.is_listed(&self.shared.settings.zone, listed.address).await?;
        if is_over {
            self.shared.records.write(tester_actor(), vec![host.delete()]).await?;
            return Ok(());
        }
        self.admissions.retest(host, now).await
    }
}
