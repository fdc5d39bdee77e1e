//! What the API is served from, and what every handler works with: the store without blocking the runtime, and the limits.

use std::{
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use dnsbl_feeds::Feeds;
use dnsbl_index::{Index, Snapshot};
use dnsbl_logins::{Logins, Secrets};
use dnsbl_removals::{Removals, Review};
use dnsbl_reports::Reports;
use dnsbl_rights::Tokens;
use dnsbl_store::{ChangeError, LogEntry, OperationResult, Reader, Store, Terms};
use dnsbl_types::{Name, UnixTime, Zone};
use dnsbl_webhooks::Webhooks;
use relay_tester::service::Tester;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    carrying::{self, Running},
    error::Problem,
    limits::LiveLimits,
    rights::Permitted,
    slots::Slots,
    status::ServerStatus,
    throttle::Throttle,
};

/// The parts of the server that the API is served from.
pub struct Api {
    /// Where everything is kept.
    pub store: Store,
    /// The tokens of that store, which all faces share.
    pub tokens: Arc<Tokens>,
    /// What DNS answers from.
    pub index: Arc<Index>,
    /// The last change that is visible.
    pub head: watch::Receiver<u64>,
    /// The server around it.
    pub server: Arc<dyn ServerStatus>,
    /// What a request may cost.
    pub limits: Arc<LiveLimits>,
    /// The tester of open relays, if this server has one.
    pub tester: Option<Arc<Tester>>,
    /// What is fetched again and again.
    pub feeds: Arc<Feeds>,
    /// Who is told of changes.
    pub webhooks: Arc<Webhooks>,
    /// The keeper of grants.
    pub logins: Arc<Logins>,
    /// The keeper of reports.
    pub reports: Arc<Reports>,
    /// The keeper of requests for removal.
    pub removals: Arc<Removals>,
    /// What waits for reviewers.
    pub review: Arc<Review>,
    /// By which mail servers are known that report logins without a token.
    pub login_secrets: Secrets,
}

/// Entries of the change log that are read at once.
const ENTRIES: usize = 500;

/// An operation that was made.
pub(crate) struct Changed {
    /// The sequence number of its change; the head of the log where nothing had to change.
    pub(crate) seq: u64,
    pub(crate) result: OperationResult,
}

/// The state of the router.
pub(crate) struct App {
    api: Api,
    /// For imports.
    pub(crate) imports: Slots,
    /// For reading many listings.
    pub(crate) scans: Slots,
    /// For many reports at once.
    pub(crate) bulks: Slots,
    /// For waiting for changes.
    pub(crate) waits: Slots,
    started: (UnixTime, Instant),
    /// Of the log lines of refused requests.
    pub(crate) refusals: Throttle,
    /// Requests with an `Idempotency-Key`.
    pub(crate) running: Running,
    /// Long polls end early once it is cancelled.
    pub(crate) shutdown: CancellationToken,
}

impl App {
    pub(crate) fn new(api: Api, shutdown: CancellationToken) -> Self {
        let limits = api.limits.load_full();
        Self {
            imports: Slots::new("imports", limits.max_imports, limits.max_imports_per_token),
            scans: Slots::new("searches and exports", limits.max_scans, limits.max_scans_per_token),
            bulks: Slots::new("bulks of reports", limits.max_imports, limits.max_imports_per_token),
            waits: Slots::new(
                "requests that wait for changes",
                limits.max_waits,
                limits.max_waits_per_token,
            ),
            started: (UnixTime::now(), Instant::now()),
            refusals: Throttle::default(),
            running: Running::default(),
            api,
            shutdown,
        }
    }

    /// Since when it serves, and for how long, whatever the clock did meanwhile.
    pub(crate) fn started(&self) -> (UnixTime, Duration) {
        (self.started.0, self.started.1.elapsed())
    }

    /// Hands a change of one operation to the writer and waits until it is durable and visible, or refused.
    pub(crate) async fn change(&self, permitted: Permitted) -> Result<Changed, Problem> {
        Ok(self.change_or(permitted).await??)
    }

    /// The same, or where it is only tried, what would come of it.
    pub(crate) async fn change_or_dry_run(
        &self,
        permitted: Permitted,
        dry_run: bool,
    ) -> Result<Changed, Problem> {
        Ok(self.change_or_try(permitted, dry_run).await??)
    }

    /// The same where the caller has more to say about a refusal.
    pub(crate) async fn change_or(
        &self,
        permitted: Permitted,
    ) -> Result<Result<Changed, ChangeError>, Problem> {
        self.change_or_try(permitted, false).await
    }

    /// The same, or where it is only tried, what would come of it.
    pub(crate) async fn change_or_try(
        &self,
        permitted: Permitted,
        dry_run: bool,
    ) -> Result<Result<Changed, ChangeError>, Problem> {
        let terms = Terms { dry_run, carried: carrying::carried() };
        let committed = match self.tokens.submit(permitted, terms, UnixTime::now()).await? {
            Ok(committed) => committed,
            Err(err) => return Ok(Err(err)),
        };
        if !dry_run {
            carrying::committed();
        }
        let seq = committed.seq;
        let result = committed.into_result().ok_or_else(Problem::internal)?;
        Ok(Ok(Changed { seq, result }))
    }

    /// Reads one state of the store on a thread that may block.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let store = self.store.clone();
        self.block(move || read(&store.read(UnixTime::now()))).await
    }

    /// Some entries of the change log behind a change, as far as DNS shows them.
    pub(crate) async fn changes_after(&self, after: u64) -> Result<Vec<LogEntry>, Problem> {
        let until = *self.head.borrow();
        let Some(mut entries) =
            self.read(move |reader| Ok(reader.log_after(after, ENTRIES)?)).await?
        else {
            let detail = "what comes after this change was dropped from the log; begin anew with an export and its DNSBL-Seq";
            return Err(Problem::new(StatusCode::GONE, "compacted", detail));
        };
        entries.retain(|entry| entry.seq <= until);
        Ok(entries)
    }

    /// Runs what may block on a thread for that; a panic there goes on here.
    pub(crate) async fn block<T, F>(&self, run: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(run).await {
            Ok(result) => result,
            Err(err) => match err.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Problem::stopping()),
            },
        }
    }

    /// The store, to be moved to another thread.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// What `look` sees of a zone in the index as it is now.
    pub(crate) fn in_zone<T>(
        &self,
        origin: &Name,
        look: impl FnOnce(&Snapshot, &Zone) -> T,
    ) -> Result<T, Problem> {
        let snapshot = self.index.load();
        match snapshot.zone(origin) {
            Some(zone) => Ok(look(&snapshot, zone.settings())),
            None => Err(Problem::no_zone(origin)),
        }
    }

    /// Refuses what rests on how much time passes while the clock is in doubt.
    pub(crate) fn require_sound_clock(&self) -> Result<(), Problem> {
        match self.server.clock_doubt() {
            None => Ok(()),
            Some((why, seconds)) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Err(Problem::new(status, "clock-in-doubt", why).retry_after(seconds.max(1)))
            }
        }
    }
}

impl Deref for App {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}
