//! Feeds are imported as bodies of requests are.

use std::{
    io::{self, BufReader},
    sync::Arc,
};

use admin_api_types::{RowError, Warning};
use dnsbl_feeds::{Body, Feed, ImportError, Imported, Importer, Note, Order};
use dnsbl_store::{
    Actor, Change, ChangeError, ExpectedDelta, ImportLimits, ImportMode, OperationResult, Store,
};
use dnsbl_types::{UnixTime, ZoneKind};

use crate::{
    import::{Content, Decided, ImportOrder, Refused, Report, Staged, Stop, Whose},
    rights::PrefixRights,
    status::ServerStatus,
};

/// How much of a body is read at once, in bytes: enough to tell its format by.
const PIECE: usize = 128 << 10;

/// Imports feeds into the store.
pub struct FeedImporter {
    store: Store,
    server: Arc<dyn ServerStatus>,
}

impl FeedImporter {
    /// One that asks the server whether its clock is to be believed.
    pub fn new(store: Store, server: Arc<dyn ServerStatus>) -> Self {
        Self { store, server }
    }

    fn stage(
        &self,
        order: &ImportOrder,
        bodies: Vec<Body>,
        now: UnixTime,
    ) -> Result<Staged, ImportError> {
        let mut staged = Staged::begin(&self.store, order, now).map_err(refusal)?;
        if matches!(staged.zone().kind, ZoneKind::Allow(_)) {
            let why = format!("{} is an allow zone, which lists what logins grant", order.zone);
            return Err(ImportError::Zone(why));
        }
        for Body { name, file } in bodies {
            let told = staged.count_errors();
            let read = staged.read(order, BufReader::with_capacity(PIECE, file), now);
            let name = name.unwrap_or_default();
            if !name.is_empty() {
                staged.name_errors(told, &name);
            }
            read.map_err(|stop| in_body(&name, refusal(stop)))?;
            if let Some(seems) = staged.no_list() {
                let why = ImportError::Unreadable(format!("this is {seems}"));
                return Err(in_body(&name, why));
            }
        }
        Ok(staged)
    }
}

impl Importer for FeedImporter {
    fn import(
        &self,
        order: &Order<'_>,
        bodies: Vec<Body>,
        now: UnixTime,
    ) -> Result<Imported, ImportError> {
        if let Some((why, _)) = self.server.clock_doubt() {
            return Err(ImportError::Clock(why));
        }
        let feed = order.feed;
        let content = Content::of(&feed.format).ok_or_else(|| {
            ImportError::Unreadable("an access list says who may ask, and lists nothing".into())
        })?;
        let staged = self.stage(
            &ImportOrder {
                zone: feed.zone.clone(),
                prefixes: PrefixRights::ALL,
                whose: Whose::One(feed.source.clone()),
                content,
                strict: false,
                lifted: feed.lifted.clone(),
                expires_at: order.expires_at,
            },
            bodies,
            now,
        )?;
        let (taken, rejected) = staged.counts();
        if feed.max_rejected.is_exceeded(rejected, taken + rejected) {
            let notes = notes(&staged.report());
            return Err(ImportError::Rejected { rejected, rows: taken + rejected, notes });
        }
        let limits = ImportLimits { allow_rejected: true, max_removed: order.max_removed.get() };
        let decided =
            staged.decide(ImportMode::ReplaceSource(limits), ExpectedDelta::default(), false, now);
        let Decided { id, commit, report } = decided.map_err(refusal)?;
        let actor = Actor::part(&format!("feed:{}", feed.name));
        let committed = self.store.commit(Change::new(actor, commit), now);
        let committed = committed.map_err(|err| refusal(Stop::Store(err)))?;
        let seq = committed.seq;
        let Some(OperationResult::Import(counts)) = committed.into_result() else {
            return Err(ImportError::Store("the import has no result".into()));
        };
        Ok(Imported {
            id,
            seq,
            added: counts.added,
            updated: counts.updated,
            unchanged: counts.unchanged,
            removed: counts.removed,
            rejected: counts.rejected,
            notes: notes(&report),
        })
    }

    fn is_current(&self, feed: &Feed, at: UnixTime) -> bool {
        let (zone, source) = (feed.zone.to_string(), feed.source.to_string());
        let imports = self.store.read(at).last_imports().unwrap_or_default();
        imports.iter().any(|(of, by, when)| (of, by, *when) == (&zone, &source, at))
    }
}

/// The first things that are to be said.
fn notes(report: &Report) -> Vec<Note> {
    let seems = report.seems.map(|seems| (None, format!("what was rejected looks like {seems}")));
    let errors = report.errors.iter().map(|RowError { line, error }| (Some(*line), error.clone()));
    let warnings = report.warnings.iter().map(|Warning { line, text }| (*line, text.clone()));
    let all = seems.into_iter().chain(errors).chain(warnings).take(Note::MOST);
    all.map(|(line, text)| Note { line, text: text.chars().take(Note::LONGEST).collect() })
        .collect()
}

fn in_body(name: &str, err: ImportError) -> ImportError {
    match err {
        ImportError::Unreadable(why) if !name.is_empty() => {
            ImportError::Unreadable(format!("{name}: {why}"))
        }
        err => err,
    }
}

fn refusal(stop: Stop) -> ImportError {
    match stop {
        Stop::Body(err) => ImportError::Unreadable(broken(&err)),
        Stop::Malformed(why) | Stop::Unusable(why) | Stop::TooLarge(why) => {
            ImportError::Unreadable(why)
        }
        Stop::Refused(refused) => {
            let Refused { counts, report, .. } = *refused;
            let rows = counts.rejected + counts.added + counts.updated + counts.unchanged;
            ImportError::Rejected { rejected: counts.rejected, rows, notes: notes(&report) }
        }
        Stop::Store(err @ ChangeError::ImportRefused { .. }) => {
            ImportError::Shrunk(err.to_string())
        }
        Stop::Store(
            err @ (ChangeError::NoZone(_) | ChangeError::WrongKind | ChangeError::Frozen { .. }),
        ) => ImportError::Zone(err.to_string()),
        Stop::Store(err) => ImportError::Store(err.to_string()),
    }
}

fn broken(err: &io::Error) -> String {
    format!("it is broken: {err}")
}
