//! Logins as the server takes them: one task owns all grants, and makes a change of the store of all that has
//! come in meanwhile.

mod outcome;
mod registrar;
mod stats;

use std::{net::IpAddr, sync::Arc};

use dnsbl_index::Index;
use dnsbl_store::Store;
use dnsbl_types::{Name, UnixTime};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub use outcome::{GrantPage, Granted, LoginsError, Outcome};
pub use stats::Stats;

use self::registrar::{Registrar, Request};
use crate::{Grant, Refused, Report, Settings, record};

/// Requests that may wait for the task.
const QUEUE: usize = 16_384;

/// The way to the task that owns the grants.
pub struct Logins {
    tx: mpsc::Sender<Request>,
    stats: Arc<Stats>,
    settings: Arc<Settings>,
    store: Store,
}

/// The task, once it runs.
pub struct RunningLogins {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Logins {
    /// Takes logins with these settings once [`Start::run`] has read what the store holds.
    pub fn new(store: Store, index: Arc<Index>, settings: Settings) -> (Arc<Self>, Start) {
        let (tx, rx) = mpsc::channel(QUEUE);
        let (stats, settings) = (Arc::new(Stats::default()), Arc::new(settings));
        let registrar = Registrar::new(store.clone(), index, settings.clone(), stats.clone());
        (Arc::new(Self { tx, stats, settings, store }), Start { registrar, rx })
    }

    /// Takes a report, and returns once what it grants is durable and visible.
    ///
    /// # Errors
    /// The store takes no writes, or the server stops; nothing was granted.
    pub async fn report(&self, zone: Option<Name>, report: Report) -> Result<Outcome, LoginsError> {
        match report {
            Report::Login(login) => {
                let (reply, answer) = oneshot::channel();
                self.ask(Request::Login { zone, login, reply }, answer).await?
            }
            Report::Logout { address, user } => {
                let (reply, answer) = oneshot::channel();
                let end = Request::End { zone, address, user, reply };
                self.ask(end, answer).await?.map(Outcome::Revoked)
            }
            Report::Failed(way) => {
                self.stats.refused(way, Refused::Failed);
                Ok(Outcome::Refused(Refused::Failed))
            }
            Report::Other => Ok(Outcome::Ignored),
        }
    }

    /// Ends the grant of an address; the number of the change, or `None` where there was no grant.
    ///
    /// # Errors
    /// As of [`report`](Self::report).
    pub async fn revoke(&self, zone: Name, address: IpAddr) -> Result<Option<u64>, LoginsError> {
        let (reply, answer) = oneshot::channel();
        let end = Request::End { zone: Some(zone), address, user: None, reply };
        self.ask(end, answer).await?
    }

    /// Grants of a zone in the order of addresses, after one of them.
    ///
    /// # Errors
    /// The server stops.
    pub async fn grants(
        &self,
        zone: Name,
        after: Option<IpAddr>,
        most: usize,
    ) -> Result<GrantPage, LoginsError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::List { zone, after, most, reply }, answer).await
    }

    /// The grant that an address has now.
    ///
    /// # Errors
    /// The server stops.
    pub async fn grant(&self, zone: Name, address: IpAddr) -> Result<Option<Grant>, LoginsError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Find { zone, address, reply }, answer).await
    }

    /// Grants that an address had, the newest first, as far as they are kept; those that can't be read are left
    /// out. Blocks.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn history(&self, address: IpAddr, most: usize) -> Result<Vec<(Name, Grant)>, LoginsError> {
        let reader = self.store.read(UnixTime::now());
        let documents =
            reader.documents_of_group(&record::KIND, &record::group(address), None, most)?;
        let mut found: Vec<_> = documents.iter().filter_map(|d| record::read(d).ok()).collect();
        found.sort_by_key(|(_, grant)| std::cmp::Reverse(grant.since));
        Ok(found)
    }

    /// What it was built with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What has happened since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<T>,
    ) -> Result<T, LoginsError> {
        self.tx.send(request).await.map_err(|_| LoginsError::Stopping)?;
        answer.await.map_err(|_| LoginsError::Stopping)
    }
}

/// The task before it starts.
pub struct Start {
    registrar: Registrar,
    rx: mpsc::Receiver<Request>,
}

impl Start {
    /// Reads the grants that the store holds, and takes requests from then on.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn run(self) -> Result<RunningLogins, LoginsError> {
        let Self { mut registrar, rx } = self;
        let read = tokio::task::spawn_blocking(move || registrar.read().map(|()| registrar));
        let registrar = read.await.map_err(|_| LoginsError::Stopping)??;
        let stop = CancellationToken::new();
        let task = tokio::spawn(registrar.run(rx, stop.clone()));
        Ok(RunningLogins { task, stop })
    }
}

impl RunningLogins {
    /// Answers the requests that wait, and takes no more.
    pub async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has said so.
        let _ = self.task.await;
    }
}
