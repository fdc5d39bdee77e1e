//! What the store holds of the cases at hand, and what is to become of it in one change.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use dnsbl_store::{
    Actor, BodyError, Change, ChangeError, Document, Operation, Precondition, Reader, Sources,
    Store,
};
use dnsbl_types::{ListingBody, ReportRules, ReturnCode, Source, UnixTime};
use tokio::sync::oneshot;

use super::{outcome::ReportsError, settings::Settings};
use crate::{
    Evidence, Report, ReportId, Reporter, StateKind,
    case::{Case, Claim, Listed, Voice},
    record::{self, CaseKey},
};

/// The cases at hand, and those who have reported.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) cases: BTreeMap<CaseKey, OpenCase>,
    reporters: HashMap<Source, ReporterEntry>,
}

/// A case, and what hangs on it.
pub(super) struct OpenCase {
    pub(super) case: Case,
    /// What reports list now.
    listing: Option<ListingBody>,
    /// Whether that follows from the case: a listing of an older release does not.
    was_listed: bool,
    reports: BTreeMap<ReportId, ReportEntry>,
    evidence: Vec<(ReportId, Evidence)>,
}

struct ReportEntry {
    report: Report,
    /// How it stood in the store.
    before: Option<StateKind>,
    change: ReportChange,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ReportChange {
    None,
    /// It follows from another report.
    Follows,
    /// Somebody has reported or decided.
    Made,
}

struct ReporterEntry {
    reporter: Reporter,
    is_changed: bool,
}

/// Whose reports are wanted of a case.
pub(super) enum Look {
    /// Those that wait, and those of these, who report again.
    Reporters(BTreeSet<Source>),
    /// All, and this one, since a reviewer decides about it.
    Review(ReportId),
    /// None.
    Listing,
}

impl Desk {
    /// What the store holds of these cases. Blocks.
    pub(super) fn read(
        store: &Store,
        keys: impl IntoIterator<Item = CaseKey>,
        look: &Look,
        now: UnixTime,
    ) -> Result<Self, ReportsError> {
        let reader = store.read(now);
        let mut desk = Self::default();
        let mut names = match look {
            Look::Reporters(reporters) => reporters.clone(),
            Look::Review(_) | Look::Listing => BTreeSet::new(),
        };
        for key in keys {
            let case = OpenCase::read(&reader, &key, look, now)?;
            names.extend(case.case.reporters().cloned());
            names.extend(case.reports.values().map(|entry| entry.report.reporter.clone()));
            desk.cases.insert(key, case);
        }
        for name in names {
            let reporter = read_reporter(&reader, &name, now)?;
            desk.reporters.insert(name, ReporterEntry { reporter, is_changed: false });
        }
        Ok(desk)
    }

    /// Whether the reports of somebody count.
    pub(super) fn counts(&self, name: &Source) -> bool {
        self.reporters.get(name).is_none_or(|entry| entry.reporter.counts())
    }

    /// A reporter, to be changed.
    pub(super) fn reporter(&mut self, name: &Source, now: UnixTime) -> &mut Reporter {
        let entry = self.reporters.entry(name.clone()).or_insert_with(|| ReporterEntry {
            reporter: Reporter::new(name.clone(), now),
            is_changed: false,
        });
        entry.is_changed = true;
        &mut entry.reporter
    }

    /// How the reports that change stood before, and as they are.
    pub(super) fn changed_reports(&self) -> impl Iterator<Item = (Option<StateKind>, &Report)> {
        let entries = self.cases.values().flat_map(|case| case.reports.values());
        let changed = entries.filter(|entry| entry.change != ReportChange::None);
        changed.map(|entry| (entry.before, &entry.report))
    }

    /// The operations that make the store so.
    pub(super) fn operations(
        &self,
        settings: &Settings,
        rules_of: impl Fn(&CaseKey) -> Option<(ReportRules, Vec<ReturnCode>)>,
        now: UnixTime,
    ) -> Result<Vec<Operation>, ReportsError> {
        let mut operations = Vec::new();
        for (key, open) in &self.cases {
            let zone = rules_of(key);
            if let Some((rules, codes)) = &zone {
                operations.extend(open.listing_operation(key, rules, codes, now));
            }
            let rules = zone.map(|(rules, _)| rules).unwrap_or_default();
            operations.push(open.case_operation(key, &rules, now)?);
            open.report_operations(settings, now, &mut operations)?;
        }
        for entry in self.reporters.values().filter(|entry| entry.is_changed) {
            operations.push(put(record::reporter_document(&entry.reporter)?));
        }
        Ok(operations)
    }
}

impl OpenCase {
    fn read(
        reader: &Reader<'_>,
        key: &CaseKey,
        look: &Look,
        now: UnixTime,
    ) -> Result<Self, ReportsError> {
        let document = reader.document(&record::CASE, &record::case_id(key)?)?;
        let found = document.as_ref().and_then(|document| kept(document, record::read_case));
        let mut case = found.map(|(_, case)| case).unwrap_or_default();
        let of_reports = |source: &Source| source.as_str() == Source::REPORTS;
        let mut listings = reader.listings_of(&key.zone, &key.subject)?.into_iter();
        let listing = listings.find(|listing| of_reports(&listing.source));
        match &listing {
            None => case.unlist(now),
            Some(listing) if !case.is_listed(now) => {
                adopt(&mut case, &listing.body, listing.updated_at);
            }
            Some(_) => {}
        }
        let was_listed = case.is_listed(now);
        let mut open = Self {
            case,
            was_listed,
            listing: listing.map(|listing| listing.body),
            reports: BTreeMap::new(),
            evidence: Vec::new(),
        };
        for id in open.wanted(look) {
            open.fetch(reader, id)?;
        }
        Ok(open)
    }

    fn wanted(&self, look: &Look) -> Vec<ReportId> {
        let voices = self.case.claims.values().flat_map(|claim| &claim.voices);
        let is_wanted = |voice: &&Voice| match look {
            Look::Reporters(reporters) => {
                !voice.spent || reporters.iter().any(|reporter| voice.is_of(reporter))
            }
            Look::Review(_) => true,
            Look::Listing => false,
        };
        let mut wanted: Vec<ReportId> =
            voices.filter(is_wanted).map(|voice| voice.report).collect();
        if let Look::Review(id) = look {
            wanted.push(*id);
        }
        wanted
    }

    /// Reads a report, where it is there.
    fn fetch(&mut self, reader: &Reader<'_>, id: ReportId) -> Result<(), ReportsError> {
        if !self.reports.contains_key(&id)
            && let Some(report) = read_report(reader, id)?
        {
            let before = Some(report.state.kind());
            let entry = ReportEntry { report, before, change: ReportChange::None };
            self.reports.insert(id, entry);
        }
        Ok(())
    }

    /// Adds a report that is new.
    pub(super) fn add(&mut self, report: Report, evidence: Option<Evidence>) {
        let id = report.id;
        self.evidence.extend(evidence.map(|evidence| (id, evidence)));
        let entry = ReportEntry { report, before: None, change: ReportChange::Made };
        self.reports.insert(id, entry);
    }

    /// A report as it is.
    pub(super) fn report(&self, id: ReportId) -> Option<&Report> {
        Some(&self.reports.get(&id)?.report)
    }

    /// A report that follows another.
    pub(super) fn report_that_follows(&mut self, id: ReportId) -> Option<&mut Report> {
        self.change(id, ReportChange::Follows)
    }

    /// A report that a reviewer decides about.
    pub(super) fn report_to_decide(&mut self, id: ReportId) -> Option<&mut Report> {
        self.change(id, ReportChange::Made)
    }

    fn change(&mut self, id: ReportId, change: ReportChange) -> Option<&mut Report> {
        let entry = self.reports.get_mut(&id)?;
        entry.change = entry.change.max(change);
        Some(&mut entry.report)
    }

    fn listing_operation(
        &self,
        key: &CaseKey,
        rules: &ReportRules,
        codes: &[ReturnCode],
        now: UnixTime,
    ) -> Option<Operation> {
        let source: Source = Source::REPORTS.parse().expect("a name of a source");
        let (zone, subject) = (key.zone.clone(), key.subject.clone());
        let precondition = Precondition::None;
        let body = self.case.listing(rules, codes, now);
        match (body, &self.listing) {
            (Some(body), before) if before.as_ref() != Some(&body) => {
                let body = Box::new(body);
                Some(Operation::PutListing { zone, subject, source, body, precondition })
            }
            (None, Some(_)) if self.was_listed => {
                let sources = Sources::One(source);
                Some(Operation::DeleteListing { zone, subject, sources, precondition })
            }
            _ => None,
        }
    }

    fn case_operation(
        &self,
        key: &CaseKey,
        rules: &ReportRules,
        now: UnixTime,
    ) -> Result<Operation, ReportsError> {
        Ok(match self.case.due(rules, now) {
            Some(due) => put(record::case_document(key, &self.case, due)?),
            None => Operation::DeleteDocument {
                kind: record::CASE,
                id: record::case_id(key)?,
                precondition: Precondition::None,
            },
        })
    }

    fn report_operations(
        &self,
        settings: &Settings,
        now: UnixTime,
        operations: &mut Vec<Operation>,
    ) -> Result<(), ReportsError> {
        for entry in self.reports.values() {
            let document = record::report_document(&entry.report, settings.keep)?;
            match entry.change {
                ReportChange::None => {}
                ReportChange::Follows => operations.push(put(document.as_step())),
                ReportChange::Made => operations.push(put(document)),
            }
        }
        let until = now.plus(settings.keep_evidence.min(settings.keep));
        for (id, evidence) in &self.evidence {
            operations.push(put(record::evidence_document(*id, evidence, until)?));
        }
        Ok(())
    }
}

/// Takes over a listing of which the case does not know, as after a recovery or an undone removal: its tags name the
/// categories.
fn adopt(case: &mut Case, body: &ListingBody, at: UnixTime) {
    let Some(until) = body.expires_at else { return };
    for category in body.tags.iter().filter_map(|tag| tag.parse().ok()) {
        let claim: &mut Claim = case.claim(category);
        claim.listed = Some(Listed { at, until });
        claim.times = claim.times.max(1);
    }
}

fn put(document: Document) -> Operation {
    Operation::PutDocument { document: Box::new(document), precondition: Precondition::None }
}

/// A report that the store holds.
pub(super) fn read_report(
    reader: &Reader<'_>,
    id: ReportId,
) -> Result<Option<Report>, ReportsError> {
    let document = reader.document(&record::REPORT, &record::report_id(id)?)?;
    Ok(document.and_then(|document| kept(&document, record::read_report)))
}

fn read_reporter(
    reader: &Reader<'_>,
    name: &Source,
    now: UnixTime,
) -> Result<Reporter, ReportsError> {
    let document = reader.document(&record::REPORTER, &record::reporter_id(name)?)?;
    let found = document.and_then(|document| kept(&document, record::read_reporter));
    Ok(found.unwrap_or_else(|| Reporter::new(name.clone(), now)))
}

/// What a document says; one that can't be read is told and left out.
pub(super) fn kept<T>(
    document: &Document,
    read: impl FnOnce(&Document) -> Result<T, BodyError>,
) -> Option<T> {
    let told = |err: &BodyError| {
        tracing::warn!(kind = %document.kind(), id = %document.id(), %err, "a record of reports is left out");
    };
    read(document).inspect_err(told).ok()
}

/// Makes a change, and returns its number once it is durable and visible.
pub(super) async fn commit(
    store: &Store,
    actor: Actor,
    operations: Vec<Operation>,
    now: UnixTime,
) -> Result<u64, ReportsError> {
    let (tx, rx) = oneshot::channel();
    let change = Change { actor, operations };
    store.submit(change, now, move |done: Result<_, ChangeError>| drop(tx.send(done)));
    let done = rx.await.map_err(|_| ReportsError::Stopping)?;
    done.map(|done| done.seq).map_err(|err| ReportsError::Change(Arc::new(err)))
}
