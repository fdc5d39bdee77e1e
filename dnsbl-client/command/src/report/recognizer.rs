//! Who harvests recipients and who bounces to strangers, of all that is seen.
//!
//! Time is that of the log, and never goes back. A client is *watched* until more failures than a user's typing errors
//! come together within a window; then it is a *case*, which goes on until the client is quiet or a window
//! is over, and is reported once with all that was counted.

mod case;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::{
    case::Case,
    watch::{Accepted, Watch},
};
use super::{
    body::{Category, Report},
    client::{Network, Subject},
    sighting::{Event, RecipientHash, Sighting},
};

/// When something is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Within which failures belong together, and in which a client is reported once for a category.
    pub(crate) window: Duration,
    /// For how long a client has to be quiet before it is reported.
    pub(crate) quiet: Duration,
    /// How many of a hundred recipients have to be failures; 1 to 100.
    pub(crate) failure_share: u64,
    pub(crate) thresholds: Thresholds,
    pub(crate) memory: Memory,
}

/// From how many failures on something is reported; `None`: never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// Unknown recipients that differ.
    pub(crate) harvest: Option<usize>,
    /// Bounces to unknown recipients.
    pub(crate) backscatter: Option<usize>,
}

/// How much is remembered, whatever comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Clients; at least 4.
    pub(crate) clients: usize,
    /// Failures of all of them.
    pub(crate) failures: usize,
    /// Failures of one. A harvest is told to be no larger.
    pub(crate) failures_of_one: usize,
}

/// A report that was made, as it is kept over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Reported {
    pub(super) network: Network,
    pub(crate) category: Category,
    /// What was seen up to here is told.
    pub(crate) seen_until: Timestamp,
    /// Before this the client is not reported again.
    pub(crate) silent_until: Timestamp,
}

/// The one that knows what clients did of late.
pub(crate) struct Recognizer {
    limits: Limits,
    /// The newest time that was seen.
    now: Timestamp,
    clients: HashMap<Network, Client>,
    /// Those of which there is a case.
    cases: BTreeSet<(Network, Category)>,
    reported: HashMap<(Network, Category), Reported>,
    /// What was reported before the start, and up to when: it is seen again.
    told: HashMap<(Network, Category), Timestamp>,
    /// How many more failures may be remembered.
    room: usize,
    swept: Timestamp,
}

/// What a client did of late.
struct Client {
    subject: Subject,
    accepted: Accepted,
    harvest: Suspicion,
    backscatter: Suspicion,
    seen: Timestamp,
}

/// What is held against a client.
enum Suspicion {
    Watched(Watch),
    Case(Box<Case>),
}

impl Default for Memory {
    fn default() -> Self {
        Self { clients: 100_000, failures: 1_000_000, failures_of_one: 10_000 }
    }
}

impl Thresholds {
    fn of(self, category: Category) -> Option<usize> {
        match category {
            Category::DirectoryHarvest => self.harvest,
            Category::Backscatter => self.backscatter,
        }
    }
}

impl Recognizer {
    pub(crate) fn new(limits: Limits) -> Self {
        let long_ago = Timestamp::MIN;
        Self {
            limits,
            now: long_ago,
            clients: HashMap::new(),
            cases: BTreeSet::new(),
            reported: HashMap::new(),
            told: HashMap::new(),
            room: limits.memory.failures,
            swept: long_ago,
        }
    }

    /// Takes what was reported before a start, so that it is not reported again where a log is read again.
    pub(crate) fn restore(&mut self, reported: impl IntoIterator<Item = Reported>) {
        for report in reported.into_iter().take(self.limits.memory.clients) {
            let key = (report.network, report.category);
            self.told.insert(key, report.seen_until);
            self.reported.insert(key, report);
        }
    }

    /// What was reported of late.
    pub(crate) fn reported(&self) -> impl Iterator<Item = Reported> + '_ {
        self.reported.values().copied()
    }

    /// Takes what was seen, and adds what is to be reported of that client before.
    pub(crate) fn see(&mut self, sighting: Sighting, reports: &mut Vec<Report>) {
        self.now = self.now.max(sighting.at);
        let network = Network::of(sighting.client);
        for category in [Category::DirectoryHarvest, Category::Backscatter] {
            if self.cases.contains(&(network, category)) {
                reports.extend(self.close_if_due(network, category));
            }
        }
        if !self.clients.contains_key(&network) && !self.make_room() {
            return;
        }
        let now = self.now;
        let client =
            self.clients.entry(network).or_insert_with(|| Client::new(sighting.client, now));
        client.subject = client.subject.widened(sighting.client);
        client.seen = now;
        match sighting.event {
            Event::Accepted { recipients } => client.accept(recipients, now, self.limits.window),
            Event::Unknown { recipient, is_bounce: true } => {
                self.fail(network, Category::Backscatter, recipient);
            }
            Event::Unknown { recipient, is_bounce: false } => {
                self.fail(network, Category::DirectoryHarvest, recipient);
            }
        }
    }

    /// Goes on to a time, and adds what is to be reported by then.
    pub(crate) fn advance(&mut self, now: Timestamp, reports: &mut Vec<Report>) {
        self.now = self.now.max(now);
        let cases: Vec<_> = self.cases.iter().copied().collect();
        for (network, category) in cases {
            reports.extend(self.close_if_due(network, category));
        }
        let window = self.limits.window;
        if self.swept + window <= self.now {
            self.swept = self.now;
            self.forget(|client, now| client.has_case() || client.seen + 2 * window > now);
            self.reported.retain(|_, report| report.silent_until > self.now);
            let reported = &self.reported;
            self.told.retain(|key, _| reported.contains_key(key));
        }
    }

    /// Ends: there is nothing more to see. Adds what is to be reported.
    pub(crate) fn finish(&mut self, reports: &mut Vec<Report>) {
        let now = self.now;
        for (network, category) in std::mem::take(&mut self.cases) {
            if self.silent_until(network, category) <= now {
                reports.extend(self.close(network, category, now));
            }
        }
    }

    fn fail(&mut self, network: Network, category: Category, recipient: RecipientHash) {
        let (limits, now) = (self.limits, self.now);
        let Some(threshold) = limits.thresholds.of(category) else { return };
        if self.told.get(&(network, category)).is_some_and(|told| now <= *told) {
            return;
        }
        let Some(client) = self.clients.get_mut(&network) else { return };
        let accepted = client.accepted.count(now, limits.window);
        let is_distinct = category == Category::DirectoryHarvest;
        let suspicion = client.suspicion(category);
        match suspicion {
            Suspicion::Case(case) => {
                case.fail(
                    recipient,
                    is_distinct,
                    now,
                    limits.memory.failures_of_one,
                    &mut self.room,
                );
            }
            Suspicion::Watched(watch) => {
                watch.fail(recipient, is_distinct, now, limits.window, &mut self.room);
                if watch.len() >= threshold {
                    let watched = watch.len();
                    let case = Case::new(std::mem::take(watch), is_distinct, accepted, now);
                    self.room += watched - case.remembered();
                    *suspicion = Suspicion::Case(Box::new(case));
                    self.cases.insert((network, category));
                }
            }
        }
    }

    /// Before this the client is not reported again.
    fn silent_until(&self, network: Network, category: Category) -> Timestamp {
        let reported = self.reported.get(&(network, category));
        reported.map_or(Timestamp::MIN, |report| report.silent_until)
    }

    fn close_if_due(&mut self, network: Network, category: Category) -> Option<Report> {
        let silent_until = self.silent_until(network, category);
        let Suspicion::Case(case) = self.clients.get_mut(&network)?.suspicion(category) else {
            return None;
        };
        let end = case.end(self.limits.window, self.limits.quiet).max(silent_until);
        if end > self.now {
            return None;
        }
        self.cases.remove(&(network, category));
        self.close(network, category, end)
    }

    /// Ends a case; gives the report, if it is one.
    fn close(&mut self, network: Network, category: Category, end: Timestamp) -> Option<Report> {
        let client = self.clients.get_mut(&network)?;
        let subject = client.subject;
        let suspicion = std::mem::take(client.suspicion(category));
        self.room += suspicion.remembered();
        let Suspicion::Case(case) = suspicion else { return None };
        if !case.is_abuse(self.limits.failure_share) {
            return None;
        }
        let report = case.report(subject, category);
        let (seen_until, silent_until) = (report.last_seen, end + self.limits.window);
        let reported = Reported { network, category, seen_until, silent_until };
        if self.reported.len() < self.limits.memory.clients {
            self.reported.insert((network, category), reported);
        }
        Some(report)
    }

    /// Whether one more client can be remembered. Those go that did nothing wrong, and if they are few, all of whom there is no
    /// case.
    fn make_room(&mut self) -> bool {
        let most = self.limits.memory.clients;
        if self.clients.len() < most {
            return true;
        }
        self.forget(|client, _| client.has_case() || client.remembered() > 0);
        if self.clients.len() > most / 4 * 3 {
            self.forget(|client, _| client.has_case());
        }
        self.clients.len() < most
    }

    fn forget(&mut self, stays: impl Fn(&Client, Timestamp) -> bool) {
        let (now, room) = (self.now, &mut self.room);
        self.clients.retain(|_, client| {
            let stays = stays(client, now);
            if !stays {
                *room += client.remembered();
            }
            stays
        });
    }
}

impl Client {
    fn new(address: IpAddr, now: Timestamp) -> Self {
        Self {
            subject: Subject::Address(address),
            accepted: Accepted::default(),
            harvest: Suspicion::default(),
            backscatter: Suspicion::default(),
            seen: now,
        }
    }

    fn suspicion(&mut self, category: Category) -> &mut Suspicion {
        match category {
            Category::DirectoryHarvest => &mut self.harvest,
            Category::Backscatter => &mut self.backscatter,
        }
    }

    fn accept(&mut self, recipients: u32, now: Timestamp, window: Duration) {
        self.accepted.add(recipients, now, window);
        for suspicion in [&mut self.harvest, &mut self.backscatter] {
            if let Suspicion::Case(case) = suspicion {
                case.accept(recipients);
            }
        }
    }

    fn has_case(&self) -> bool {
        [&self.harvest, &self.backscatter].iter().any(|one| matches!(one, Suspicion::Case(_)))
    }

    fn remembered(&self) -> usize {
        self.harvest.remembered() + self.backscatter.remembered()
    }
}

impl Suspicion {
    /// How many failures are remembered.
    fn remembered(&self) -> usize {
        match self {
            Self::Watched(watch) => watch.len(),
            Self::Case(case) => case.remembered(),
        }
    }
}

impl Default for Suspicion {
    fn default() -> Self {
        Self::Watched(Watch::default())
    }
}
