//! The query log: some of the queries, as JSON lines.
//!
//! A thread of its own writes them, so that a slow disk delays no answer: what it is too slow for is counted and
//! gone. No line has a key, nor any label that seems to be one.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{self, Relaxed},
        },
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use dnsbl_index::Index;
use dnsbl_types::{AccessKey, Labels};
use jiff::Timestamp;
use prometheus::{IntCounter, Registry};
use serde::Serialize;

use crate::{
    config::{self, LoggedAddresses},
    dns::{LoggedQuery, Outlet, Sample, type_name},
    top::network,
};

/// How long lines may wait in memory.
const TICK: Duration = Duration::from_millis(200);
/// What stands in place of a label that seems to be a key.
const KEY: &str = "KEY";

/// The query log at work.
pub(crate) struct QueryLog {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    reopen: AtomicBool,
    stop: AtomicBool,
}

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    transport: &'a str,
    /// Left out where the query belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// Below the zone and its keys; left out outside all zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type")]
    qtype: String,
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriber: Option<String>,
}

impl QueryLog {
    /// Opens the file, and starts the thread.
    pub(crate) fn start(
        settings: &config::QueryLog,
        outlet: Outlet<LoggedQuery>,
        index: Arc<Index>,
        lost: IntCounter,
    ) -> anyhow::Result<Self> {
        let out = open(&settings.file)
            .with_context(|| format!("dns.query-log.file: {}", settings.file.display()))?;
        let shared = Arc::new(Shared::default());
        let writer = Writer {
            settings: settings.clone(),
            outlet,
            index,
            lost,
            out,
            shared: shared.clone(),
            is_failing: false,
        };
        let thread = thread::Builder::new().name("query-log".into());
        let thread = thread.spawn(move || writer.run()).context("starting the query log")?;
        Ok(Self { shared, thread })
    }

    /// Has the file opened anew, after somebody moved it away.
    pub(crate) fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }

    /// Writes what is there, and ends.
    pub(crate) fn stop(self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // It has told why it failed.
        let _ = self.thread.join();
    }
}

/// Counts lines that were not written; shown also where there is no log.
pub(crate) fn lost_counter(registry: &Registry) -> Result<IntCounter, prometheus::Error> {
    let lost = IntCounter::new(
        "dnsbl_query_log_lost_total",
        "Lines of the query log that were not written, as the disk was too slow or full",
    )?;
    registry.register(Box::new(lost.clone()))?;
    Ok(lost)
}

/// A file of which only its owner can read who asked what; `-` is standard error.
fn open(file: &Path) -> io::Result<Box<dyn Write + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stderr()));
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    Ok(Box::new(file))
}

struct Writer {
    settings: config::QueryLog,
    outlet: Outlet<LoggedQuery>,
    index: Arc<Index>,
    lost: IntCounter,
    out: Box<dyn Write + Send>,
    shared: Arc<Shared>,
    /// Whether the last lines could not be written.
    is_failing: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            // First, so that what comes before it is written.
            let is_last = self.shared.stop.load(Ordering::Acquire);
            if self.shared.reopen.swap(false, Ordering::AcqRel) {
                match open(&self.settings.file) {
                    Ok(out) => self.out = out,
                    Err(err) => tracing::error!(%err, "the query log stays where it was"),
                }
            }
            self.write_waiting();
            if is_last {
                return;
            }
            thread::park_timeout(TICK);
        }
    }

    fn write_waiting(&mut self) {
        let mut lines = Vec::new();
        let mut count = 0;
        for query in self.outlet.samples.try_iter().take(4096) {
            let line = line(&query, &self.index, self.settings.addresses);
            if serde_json::to_writer(&mut lines, &line).is_ok() {
                lines.push(b'\n');
                count += 1;
            }
        }
        self.lost.inc_by(self.outlet.lost.swap(0, Relaxed));
        let written = self.out.write_all(&lines).and_then(|()| self.out.flush());
        if written.is_err() {
            self.lost.inc_by(count);
        }
        let was_failing = std::mem::replace(&mut self.is_failing, written.is_err());
        if let (Err(err), false) = (written, was_failing) {
            tracing::error!(%err, "the query log can't be written");
        }
    }
}

fn line<'a>(query: &LoggedQuery, index: &Index, addresses: LoggedAddresses) -> Line<'a> {
    let LoggedQuery { at, transport, sample, qtype, labels } = query;
    let Sample { client, zone, outcome, denied, subscriber } = *sample;
    let client = client.to_canonical();
    let snapshot = index.load();
    let zone = zone.and_then(|number| snapshot.zones().find(|zone| zone.number() == number));
    let time = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_second(at).ok());
    Line {
        time: time.unwrap_or_default().to_string(),
        client: match addresses {
            LoggedAddresses::Full => Some(client.to_string()),
            LoggedAddresses::Network => Some(network(client).to_string()),
            LoggedAddresses::None => None,
        },
        transport: transport.as_str(),
        zone: zone.map(|zone| zone.origin().to_string()),
        name: zone.map(|_| without_keys(Labels::before(labels, 0))),
        qtype: type_name(*qtype),
        result: outcome.as_str(),
        denied: denied.map(|why| why.as_str()),
        subscriber: subscriber.map(|id| id.to_string()),
    }
}

/// Labels as text, without those that may be a key: one may be asked for where there are none.
fn without_keys(labels: Labels<'_>) -> String {
    let mut shown: Vec<&[u8]> = labels.collect();
    for label in &mut shown {
        if AccessKey::is_like(label) {
            *label = KEY.as_bytes();
        }
    }
    let texts =
        shown.iter().map(|label| String::from_utf8_lossy(label).escape_default().to_string());
    texts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use dnsbl_types::{SubscriberId, UnixTime};

    use super::*;
    use crate::dns::{Denied, Outcome, Transport};

    fn query(labels: &[u8]) -> LoggedQuery {
        LoggedQuery {
            at: UnixTime(1_700_000_000),
            transport: Transport::Udp,
            sample: Sample {
                client: "::ffff:192.0.2.7".parse().unwrap(),
                zone: None,
                outcome: Outcome::Refused,
                denied: Some(Denied::Quota),
                subscriber: Some(SubscriberId(7)),
            },
            qtype: 16,
            labels: labels.try_into().unwrap(),
        }
    }

    fn text(addresses: LoggedAddresses) -> String {
        let index = Index::default();
        serde_json::to_string(&line(&query(b""), &index, addresses)).unwrap()
    }

    #[test]
    fn a_line_says_what_was_asked_and_what_became_of_it() {
        assert_eq!(
            text(LoggedAddresses::Full),
            r#"{"time":"2023-11-14T22:13:20Z","client":"192.0.2.7","transport":"udp","type":"TXT","result":"refused","denied":"quota","subscriber":"0000000000000007"}"#
        );
        assert!(text(LoggedAddresses::Network).contains(r#""client":"192.0.2.0/24""#));
        assert!(!text(LoggedAddresses::None).contains("192.0.2"));
    }

    #[test]
    fn what_seems_to_be_a_key_is_not_shown() {
        let key = AccessKey::from_random([7; AccessKey::RANDOM]);
        let mut labels = b"\x011\x012".to_vec();
        labels.push(key.reveal().len() as u8);
        labels.extend(key.reveal().as_bytes());
        labels.extend(b"\x04\"\n\xff.");
        let shown = without_keys(Labels::before(&labels, 0));
        assert!(shown.starts_with("1.2.KEY.") && !shown.contains('\n'), "{shown}");
    }
}
