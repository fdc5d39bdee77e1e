//! The journal of tests: each change of a test is read, made and written with what follows from it, in
//! one transaction.

use std::sync::Arc;

use dnsbl_store::{Actor, ChangeError};
use dnsbl_types::UnixTime;

use super::{
    admissions::Admissions,
    consequences::{Case, Consequences, Finding},
    notices::Notices,
    records::{RecordsError, Versioned, tester_actor},
    shared::Shared,
    stats::StatCounters,
};
use crate::{
    TestId,
    life::{Test, Verdict},
};

/// How often a change is tried again after another one came first.
const TRIES: usize = 16;

/// The journal.
pub(super) struct Journal {
    pub(super) shared: Arc<Shared>,
    pub(super) admissions: Arc<Admissions>,
    pub(super) notices: Arc<Notices>,
    pub(super) counters: Arc<StatCounters>,
}

impl Journal {
    /// A test.
    pub(super) async fn find(&self, id: TestId) -> Result<Option<Test>, RecordsError> {
        Ok(self.shared.records.test(id).await?.map(|found| found.value))
    }

    /// Changes a test as the tester itself; the test as it is then, and the result of the change.
    pub(super) async fn change<T>(
        &self,
        id: TestId,
        change: impl FnMut(&mut Test) -> T,
    ) -> Result<Option<(Test, T)>, RecordsError> {
        let changed = self.change_as(tester_actor(), id, change).await?;
        Ok(changed.map(|(test, result, _)| (test, result)))
    }

    /// Changes a test and whatever follows from the change, and gives the number of that change if
    /// anything changed; `None` where there is no such test. The change may be tried several times.
    pub(super) async fn change_as<T>(
        &self,
        actor: Actor,
        id: TestId,
        mut change: impl FnMut(&mut Test) -> T,
    ) -> Result<Option<(Test, T, Option<u64>)>, RecordsError> {
        for _ in 0..TRIES {
            let Some(before) = self.shared.records.test(id).await? else { return Ok(None) };
            let mut test = before.value.clone();
            let result = change(&mut test);
            if test == before.value {
                return Ok(Some((test, result, None)));
            }
            if let Some(seq) = self.write(&actor, &before, &test).await? {
                self.conclude(&before.value, &test).await;
                return Ok(Some((test, result, Some(seq))));
            }
        }
        Err(RecordsError::Contended(id))
    }

    /// Writes a test over the one that was read; `None` where that is not the newest any more. What can't
    /// be listed is left out: the test itself and what is known of its host are written in any case.
    async fn write(
        &self,
        actor: &Actor,
        before: &Versioned<Test>,
        test: &Test,
    ) -> Result<Option<u64>, RecordsError> {
        // What leads up to a verdict is in the test itself; the audit has what people did and what was
        // decided.
        let is_step = *actor == tester_actor() && before.value.verdict() == test.verdict();
        let mut left_out = 0;
        loop {
            let mut consequences = self.consequences(&before.value, test).await?;
            (0..left_out).for_each(|_| consequences.leave_out_listing());
            let is_listed = consequences.has_listing();
            let put = self.shared.records.put_test(test, Some(before), is_step)?;
            let operations = consequences.into_operations().chain([put]).collect();
            match self.shared.records.write(actor.clone(), operations).await {
                Ok(committed) => return Ok(Some(committed.seq)),
                Err(ChangeError::Stale { .. }) => return Ok(None),
                Err(err) if is_about_listing(&err) && is_listed => {
                    tracing::error!(test = %test.id, %err, "what a relay test found can't be listed");
                    left_out += 1;
                }
                Err(err) => return Err(err.into()),
            }
        }
    }

    async fn consequences(&self, before: &Test, test: &Test) -> Result<Consequences, RecordsError> {
        let Some(finding) = Finding::of(before, test) else { return Ok(Consequences::default()) };
        let host = self.shared.records.of(test.address).await?;
        let output = match finding {
            Finding::Open { via: Some(via) } => self.shared.records.of(via).await?,
            _ => None,
        };
        let (settings, now) = (&self.shared.settings, UnixTime::now());
        Case { test, host, output, settings, now }.consequences(finding)
    }

    /// Lets go of a test that is over, counts and logs its verdict, and queues the notice.
    async fn conclude(&self, before: &Test, test: &Test) {
        if test.is_under_way() {
            return;
        }
        self.admissions.release(test).await;
        let verdict = test.verdict().filter(|_| before.verdict() != test.verdict());
        let Some(verdict) = verdict else { return };
        self.counters.count(verdict);
        let (address, word) = (test.address, verdict.as_str());
        tracing::info!(test = %test.id, %address, verdict = word, "a relay test is done");
        if verdict == Verdict::Open {
            self.notices.enqueue(test);
        }
    }
}

/// Whether it is the listing that can't be made, so that the test has to stand without it.
fn is_about_listing(err: &ChangeError) -> bool {
    matches!(
        err,
        ChangeError::NoZone(_)
            | ChangeError::TestEntry
            | ChangeError::WrongKind
            | ChangeError::SubjectTooLong
            | ChangeError::TooManySources(_)
    )
}
