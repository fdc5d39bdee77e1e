//! From rows to a staged import: each row is taken, ignored or rejected.

use std::io::{self, BufRead};

use admin_api_types::{RowError, Warning};
use dnsbl_formats::{
    lists::Entry,
    rbldnsd::{self, GenericReader, LineError, ListType},
};
use dnsbl_index::Allowing;
use dnsbl_store::{
    ChangeError, ExpectedDelta, ImportCounts, ImportMode, Operation, Staging, Store, StoreError,
};
use dnsbl_types::{Guard, ListingBody, Name, Source, Subject, TestEntry, UnixTime, Zone, ZoneKind};

use super::{
    auto,
    dataset::{Bodies, BodyError},
    format::{Content, Rows, rows_of_field},
    generic,
    lines::Lines,
    list::ListRows,
    parts::{PartEntry, Parts, ReadParts},
    report::Report,
    row::{Doubt, ParsedRow, Rejection, Row},
    seems::Seems,
};
use crate::{
    rights::PrefixRights,
    warning::{self, Warnings},
};

/// The most errors that are listed; all are counted.
const MAX_ERRORS: usize = 1000;

/// An import to be made.
pub(crate) struct ImportOrder {
    /// Where.
    pub(crate) zone: Name,
    /// The prefixes that it may change.
    pub(crate) prefixes: PrefixRights,
    /// Whose.
    pub(crate) whose: Whose,
    /// What the body is made of.
    pub(crate) content: Content,
    /// Any rejected row is too many, and what is read otherwise than it looks is one.
    pub(crate) strict: bool,
    /// The guards that do not hold.
    pub(crate) lifted: Vec<Guard>,
    /// When rows expire that say nothing else.
    pub(crate) expires_at: Option<UnixTime>,
}

/// The reason for which a source may not be written, if there is one.
pub(crate) type Refuse = Box<dyn Fn(&Source) -> Option<String> + Send>;

/// The sources whose listings the rows are.
pub(crate) enum Whose {
    /// All of this source, whatever they say themselves.
    One(Source),
    /// Of the source that each names, where that may be written; `own` where it names none.
    Named {
        /// The source of the token.
        own: Source,
        /// Why a source may not be written.
        refuse: Refuse,
    },
}

impl Whose {
    fn own(&self) -> &Source {
        match self {
            Self::One(source) | Self::Named { own: source, .. } => source,
        }
    }

    /// The source of a row that names one, unless that is the import's own.
    fn other(&self, named: Option<Source>) -> Result<Option<Source>, String> {
        match (self, named) {
            (Self::Named { own, refuse }, Some(named)) if named != *own => match refuse(&named) {
                Some(why) => Err(format!("source: {why}")),
                None => Ok(Some(named)),
            },
            _ => Ok(None),
        }
    }
}

/// All rows are in, and nobody sees them yet.
pub(crate) struct Staged {
    staging: Staging,
    errors: Vec<RowError>,
    warnings: Warnings,
    /// Warnings about the body as a whole.
    notes: Vec<Warning>,
    strict: bool,
    tally: Tally,
    /// What the body as a whole is instead of a list.
    no_list: Option<Seems>,
    exact: u64,
    wildcards: u64,
    allowed: Allowed,
}

/// An import that may become visible.
pub(crate) struct Decided {
    /// Its id.
    pub(crate) id: String,
    /// The change that makes it visible.
    pub(crate) commit: Operation,
    /// What is to be said about it.
    pub(crate) report: Report,
}

/// Too many rows were rejected.
#[derive(Debug)]
pub(crate) struct Refused {
    /// What the import would have done.
    pub(crate) counts: ImportCounts,
    /// Any rejected row was too many.
    pub(crate) strict: bool,
    /// What is to be said about it.
    pub(crate) report: Report,
}

/// The reason for which an import can't go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The body broke off or can't be decoded.
    Body(io::Error),
    /// The body makes no sense as a whole.
    Malformed(String),
    /// The body makes sense, and may not be taken.
    Unusable(String),
    /// The body has more to say than is kept at once.
    TooLarge(String),
    /// Its rows are not what they should be.
    Refused(Box<Refused>),
    /// The store refuses.
    Store(ChangeError),
}

impl Staged {
    /// Decides what changes at `now`, which takes a while where the sources list much.
    ///
    /// Refused where rows were rejected and none was taken, and with a strict order where any was rejected.
    pub(crate) fn decide(
        self,
        mode: ImportMode,
        expected: ExpectedDelta,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<Decided, Stop> {
        let (taken, rejected) = (self.staging.taken(), self.staging.rejected());
        let limited = matches!(mode, ImportMode::ReplaceSource(limits) if !limits.allow_rejected);
        // A replacing import has limits of its own, which the store keeps.
        let none = self.no_list.is_some() || taken == 0 && rejected > 0 && !limited;
        let refused = none || self.strict && rejected > 0;
        // What is refused for what it is would not replace anything.
        let mode = if none { ImportMode::Upsert } else { mode };
        let mut report = self.report();
        let staged = self.staging.finish(mode, dry_run || refused, now).map_err(Stop::Store)?;
        if refused {
            let counts = staged.counts();
            return Err(Stop::Refused(Box::new(Refused { counts, strict: !none, report })));
        }
        let (count, subject) = staged.contradictions();
        report.warnings.extend(warning::contradictions(count, subject.as_ref()));
        let id = staged.id();
        Ok(Decided { id, commit: staged.expecting(expected).commit(), report })
    }

    /// What is to be said about it so far.
    pub(crate) fn report(&self) -> Report {
        let seems = self.no_list.or_else(|| self.tally.most().map(|(seems, _)| seems));
        let mut warnings = self.warnings.list();
        warnings.extend(self.notes.iter().cloned());
        let (taken, rejected) = (self.staging.taken(), self.staging.rejected());
        if let Some((seems, count)) = self.tally.most().filter(|_| taken > 0) {
            warnings.push(warning::seems(&seems, count));
        }
        if let Some((subject, by)) = &self.allowed.first {
            warnings.push(warning::allowed(self.allowed.count, subject, by));
        }
        if taken == 0 && rejected == 0 {
            warnings.push(warning::empty());
        }
        if self.exact > 0 && self.wildcards == 0 {
            warnings.push(warning::exact());
        }
        Report { errors: self.errors.clone(), warnings, seems }
    }
}

/// The rows that will not be answered, since allow entries cover their subjects.
struct Allowed {
    allowing: Allowing,
    at: UnixTime,
    count: u64,
    /// A subject, and that of the entry.
    first: Option<(Subject, Subject)>,
}

impl Allowed {
    fn read(store: &Store, zone: &Name, at: UnixTime) -> Result<Self, StoreError> {
        let records = store.read(at).allow_entries(None, usize::MAX)?;
        let allowing = Allowing::of(zone, records.iter().map(|record| &record.entry));
        Ok(Self { allowing, at, count: 0, first: None })
    }

    fn count(&mut self, subject: &Subject, body: &ListingBody) {
        if self.allowing.is_empty() || body.exclusion {
            return;
        }
        if let Some(by) = self.allowing.by(subject, self.at) {
            self.count += 1;
            self.first.get_or_insert_with(|| (subject.clone(), by));
        }
    }
}

/// The numbers of rows that seemed to be something.
#[derive(Default)]
struct Tally(Vec<(Seems, u64)>);

impl Tally {
    fn add(&mut self, seems: Seems) {
        match self.0.iter_mut().find(|(known, _)| *known == seems) {
            Some((_, count)) => *count += 1,
            None => self.0.push((seems, 1)),
        }
    }

    /// What most of them seem to be, and how many.
    fn most(&self) -> Option<(Seems, u64)> {
        // The first of equals, so that the answer does not depend on chance.
        self.0.iter().rev().max_by_key(|(_, count)| *count).copied()
    }
}

/// Reads a body to its end and stages its rows.
pub(crate) fn stage(
    store: &Store,
    order: &ImportOrder,
    body: impl BufRead,
    now: UnixTime,
) -> Result<Staged, Stop> {
    let mut staged = Staged::begin(store, order, now)?;
    staged.read(order, body, now)?;
    Ok(staged)
}

impl Staged {
    /// Nothing yet.
    pub(crate) fn begin(store: &Store, order: &ImportOrder, now: UnixTime) -> Result<Self, Stop> {
        let allowed = Allowed::read(store, &order.zone, now).map_err(ChangeError::from);
        let allowed = allowed.map_err(Stop::Store)?;
        let staging = store.stage(&order.zone, order.whose.own().clone());
        let mut staging = staging.map_err(Stop::Store)?;
        staging.keep_larger_than(order.prefixes.max());
        Ok(Self {
            staging,
            errors: Vec::new(),
            warnings: Warnings::default(),
            notes: Vec::new(),
            strict: order.strict,
            tally: Tally::default(),
            no_list: None,
            exact: 0,
            wildcards: 0,
            allowed,
        })
    }

    /// Reads one more body to its end and stages its rows.
    pub(crate) fn read(
        &mut self,
        order: &ImportOrder,
        mut body: impl BufRead,
        now: UnixTime,
    ) -> Result<(), Stop> {
        let head = body.fill_buf().map_err(Stop::Body)?;
        if let Some(seems) = Seems::of_head(head) {
            return self.refuse(seems, body).map_err(Stop::Body);
        }
        let seen = match &order.content {
            Content::Auto => Some(auto::detect(head).map_err(Stop::Unusable)?),
            _ => None,
        };
        match seen.as_ref().unwrap_or(&order.content) {
            Content::Rows(format) => {
                let rows = format.rows(body, now).map_err(Stop::Body)?;
                self.take_all(order, rows.map_err(Stop::Malformed)?)
            }
            Content::List(format) => self.take_list(order, ListRows::new(*format, body)),
            Content::Dataset(list) => {
                if let Some(why) = wrong_dataset(self.staging.zone().kind, *list) {
                    return Err(Stop::Unusable(why));
                }
                self.take_parts(order, Parts::one(*list, order.strict), Lines::new(body), now)
            }
            Content::Combined(part) => {
                let parts = Parts::combined(part, order.strict);
                self.take_parts(order, parts, Lines::new(body), now)
            }
            Content::Generic => self.take_records(order, Lines::new(body), now),
            content => match rows_of_field(content, body).map_err(Stop::Body)? {
                Some(rows) => self.take_all(order, rows.map_err(Stop::Malformed)?),
                None => Ok(()),
            },
        }
    }

    /// How many rows were taken, and how many rejected.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.staging.taken(), self.staging.rejected())
    }

    /// The zone that it goes into.
    pub(crate) fn zone(&self) -> &Zone {
        self.staging.zone()
    }

    /// What one of the bodies is instead of a list.
    pub(crate) fn no_list(&self) -> Option<Seems> {
        self.no_list
    }

    /// Says of the errors from one on in which of several bodies they stand.
    pub(crate) fn name_errors(&mut self, from: usize, body: &str) {
        for error in self.errors.iter_mut().skip(from) {
            error.error = format!("{body}: {}", error.error);
        }
    }

    /// How many errors are told.
    pub(crate) fn count_errors(&self) -> usize {
        self.errors.len()
    }

    fn take_all(&mut self, order: &ImportOrder, rows: Rows<'_>) -> Result<(), Stop> {
        for row in rows {
            self.take(order, row.map_err(Stop::Body)?)?;
        }
        Ok(())
    }

    /// Takes a list: of each line all subjects, or none.
    fn take_list(
        &mut self,
        order: &ImportOrder,
        mut rows: ListRows<impl BufRead>,
    ) -> Result<(), Stop> {
        while let Some((line, entry)) = rows.next().map_err(Stop::Body)? {
            let admitted = entry.and_then(|entry| {
                let zone = self.staging.zone();
                let mut subjects = entry.subjects.iter();
                let refused = subjects.find_map(|subject| match is_too_long(zone, subject) {
                    true => Some(ChangeError::SubjectTooLong.to_string()),
                    false => admit(zone, order, subject, entry.exclusion).err(),
                });
                refused.map_or(Ok(entry), Err)
            });
            match admitted {
                Ok(Entry { subjects, exclusion }) => {
                    for subject in subjects {
                        let body = ListingBody { exclusion, ..ListingBody::default() };
                        let row = ParsedRow { body, ..ParsedRow::plain(subject) };
                        self.take(order, (line, Ok(row)))?;
                    }
                }
                Err(why) => self.reject(line, why.into()),
            }
        }
        Ok(())
    }

    /// Counts the lines of what is no list.
    fn refuse(&mut self, seems: Seems, mut body: impl BufRead) -> io::Result<()> {
        self.no_list = Some(seems);
        self.errors.push(RowError { line: 1, error: format!("this is {seems}") });
        self.staging.reject();
        loop {
            let piece = body.fill_buf()?;
            if piece.is_empty() {
                return Ok(());
            }
            let len = piece.len();
            memchr::memchr_iter(b'\n', &piece[..len - 1]).for_each(|_| self.staging.reject());
            body.consume(len);
        }
    }

    fn take(&mut self, order: &ImportOrder, (line, row): Row) -> Result<(), Stop> {
        let taken = match row {
            Ok(parsed) => self.put(order, line, parsed)?,
            Err(wrong) => Err(wrong),
        };
        if let Err(wrong) = taken {
            self.reject(line, wrong);
        }
        Ok(())
    }

    fn reject(&mut self, line: u64, Rejection { why, seems, .. }: Rejection) {
        self.staging.reject();
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RowError { line, error: why });
        }
        if let Some(seems) = seems {
            self.tally.add(seems);
        }
    }

    /// Stages a row, or says why it is rejected.
    fn put(
        &mut self,
        order: &ImportOrder,
        line: u64,
        row: ParsedRow,
    ) -> Result<Result<(), Rejection>, Stop> {
        let ParsedRow { subject, mut body, source, listed_at, doubt } = row;
        body.expires_at = body.expires_at.or(order.expires_at);
        match admit(self.staging.zone(), order, &subject, body.exclusion) {
            Ok(Admitted::Taken) => {}
            Ok(Admitted::Ignored) => {
                self.staging.ignore();
                return Ok(Ok(()));
            }
            Err(why) => return Ok(Err(why.into())),
        }
        let same = source.as_ref().is_none_or(|source| source == order.whose.own());
        let other = match order.whose.other(source) {
            Ok(other) => other,
            Err(why) => return Ok(Err(why.into())),
        };
        let put = match (&other, listed_at.filter(|_| same || other.is_some())) {
            (None, None) => self.staging.put(&subject, &body),
            (other, listed_at) => {
                let source = other.as_ref().unwrap_or(order.whose.own());
                self.staging.put_as(source, &subject, &body, listed_at)
            }
        };
        match put {
            Ok(()) => {}
            Err(
                err @ (ChangeError::WrongKind
                | ChangeError::SubjectTooLong
                | ChangeError::TooManySources(_)),
            ) => return Ok(Err(err.to_string().into())),
            Err(err) => return Err(Stop::Store(err)),
        }
        self.count_domain(&subject);
        self.allowed.count(&subject, &body);
        if let Some(Doubt::Bits) = doubt {
            self.warnings.add(line, warning::BITS);
        }
        if let Some(reason) = &body.reason {
            self.warnings.reason(line, &subject, reason);
        }
        Ok(Ok(()))
    }

    fn count_domain(&mut self, subject: &Subject) {
        if let Subject::Domain(domain) = subject {
            *if domain.is_wildcard() { &mut self.wildcards } else { &mut self.exact } += 1;
        }
    }

    /// Takes data sets: their lines, and at the end the rows that they make together.
    fn take_parts(
        &mut self,
        order: &ImportOrder,
        mut parts: Parts,
        mut lines: Lines<impl BufRead>,
        now: UnixTime,
    ) -> Result<(), Stop> {
        let zone = self.staging.zone().clone();
        while let Some((number, line)) = lines.next_whole().map_err(Stop::Body)? {
            let read = match line.map(|line| parts.read(number, line)) {
                Ok(Err(err @ LineError::TooMuch(_))) => {
                    return Err(Stop::TooLarge(err.to_string()));
                }
                Ok(read) => read.map_err(|wrong| wrong.to_string()),
                Err(fault) => Err(fault.to_string()),
            };
            let admitted =
                |entry: PartEntry| admit_entry(&zone, order, entry.entry()).map(|()| entry);
            match read.and_then(|entry| entry.map(admitted).transpose()) {
                Ok(None) => {}
                Ok(Some(entry)) => parts.add(&entry),
                Err(why) => self.reject(number, why.into()),
            }
        }
        self.notes.extend(parts.traps().iter().map(warning::trapped));
        let ReadParts { files, notes } = parts.finish(zone.kind, now).map_err(Stop::Unusable)?;
        self.notes.extend(notes);
        for (list, file) in files {
            self.put_dataset(&zone, order, list, file)?;
        }
        Ok(())
    }

    /// Takes records, as far as listings mean the same.
    fn take_records(
        &mut self,
        order: &ImportOrder,
        mut lines: Lines<impl BufRead>,
        now: UnixTime,
    ) -> Result<(), Stop> {
        let zone = self.staging.zone().clone();
        if zone.kind.has_addresses() {
            return Err(Stop::Unusable(NO_RECORDS.into()));
        }
        let mut reader = GenericReader::new(order.strict);
        while let Some((number, line)) = lines.next_whole().map_err(Stop::Body)? {
            match line.map(|line| reader.read(number, line)) {
                Ok(Ok(())) => {}
                Ok(Err(err @ LineError::TooMuch(_))) => {
                    return Err(Stop::TooLarge(err.to_string()));
                }
                Ok(Err(wrong)) => self.reject(number, wrong.to_string().into()),
                Err(why) => self.reject(number, why.into()),
            }
        }
        self.notes.extend(reader.traps().iter().map(warning::trapped));
        let file = reader.finish(now).map_err(|err| Stop::Unusable(err.to_string()))?;
        let expires_at = file.settings.expires.as_ref().map(|expires| expires.value);
        let expires_at = expires_at.or(order.expires_at);
        for listed in generic::listings(&file.records, &zone, expires_at) {
            match listed {
                Ok((line, subject, body)) => {
                    let row =
                        ParsedRow { subject, body, source: None, listed_at: None, doubt: None };
                    self.take(order, (line, Ok(row)))?;
                }
                Err((line, why)) => {
                    let why =
                        format!("{why}: records that are no listings go into the zone's records");
                    self.reject(line, why.into());
                }
            }
        }
        self.notes.extend(warning::settings(&file.settings, &zone));
        Ok(())
    }

    fn put_dataset(
        &mut self,
        zone: &Zone,
        order: &ImportOrder,
        list: ListType,
        file: rbldnsd::File,
    ) -> Result<(), Stop> {
        let rbldnsd::File { settings, values, rows } = file;
        let expires_at = settings.expires.as_ref().map(|expires| expires.value);
        let expires_at = expires_at.or(order.expires_at);
        let mut bodies = Bodies::new(&values, zone, expires_at);
        for (line, reason) in bodies.reasons() {
            self.warnings.reason_of_many(line, list.kind(), reason);
        }
        let without_effect = rows.for_each(|subject, values| {
            // They are no listings, whatever a file says.
            if TestEntry::named_by(zone, &subject).is_some() {
                self.staging.ignore();
                return Ok(());
            }
            // Several lines may make one prefix.
            if let Some(why) = order.prefixes.why_not(&subject) {
                return Err(Stop::Unusable(why));
            }
            match bodies.of(values) {
                Ok(body) => self.put_row(&subject, body),
                Err(BodyError { line, why }) => {
                    let why = format!("{subject}: {why}");
                    self.reject(*line, why.into());
                    Ok(())
                }
            }
        })?;
        self.notes.extend(warning::settings(&settings, zone));
        self.notes.extend(warning::without_effect(without_effect));
        self.notes.extend(warning::joined(bodies.joined()));
        self.notes.extend(bodies.without_text().map(warning::without_text));
        Ok(())
    }

    fn put_row(&mut self, subject: &Subject, body: &ListingBody) -> Result<(), Stop> {
        self.count_domain(subject);
        self.allowed.count(subject, body);
        self.staging.put(subject, body).map_err(Stop::Store)
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Taken,
    /// It names a test entry, which is no listing.
    Ignored,
}

/// Whether a subject may stand in a zone; the reason if not.
fn admit(
    zone: &Zone,
    order: &ImportOrder,
    subject: &Subject,
    exclusion: bool,
) -> Result<Admitted, String> {
    if let Some(why) = wrong_kind(zone.kind, subject) {
        return Err(why);
    }
    match TestEntry::named_by(zone, subject) {
        Some(TestEntry::Never) if !exclusion => {}
        Some(_) => return Ok(Admitted::Ignored),
        None => {}
    }
    if let Some(why) = order.prefixes.why_not(subject) {
        return Err(why);
    }
    if exclusion {
        return Ok(Admitted::Taken);
    }
    let guarded = Guard::check(subject, &order.lifted).map_err(|err| err.to_string());
    guarded.map(|()| Admitted::Taken)
}

/// Whether all of an entry may stand in the zone; the reason if not.
fn admit_entry(zone: &Zone, order: &ImportOrder, entry: &rbldnsd::Entry) -> Result<(), String> {
    let exclusion = entry.is_exclusion();
    entry.subjects().try_for_each(|subject| {
        if is_too_long(zone, &subject) {
            return Err(ChangeError::SubjectTooLong.to_string());
        }
        // A part of another kind is left out as a whole.
        if wrong_kind(zone.kind, &subject).is_some() {
            return Ok(());
        }
        admit(zone, order, &subject, exclusion).map(drop)
    })
}

/// Whether there is no room for the name in the zone.
fn is_too_long(zone: &Zone, subject: &Subject) -> bool {
    match subject {
        Subject::Domain(domain) => {
            zone.origin.wire().len() + domain.name().labels().wire_len() > Name::MAX_LEN
        }
        Subject::V4(_) | Subject::V6(_) => false,
    }
}

/// What records need that listings don't have.
const NO_RECORDS: &str = "dataset=generic has records, and the listings of a zone of addresses can't say them: put them into the zone's records, which dnsbl-server check-rbldnsd --write-config writes";

fn wrong_dataset(kind: ZoneKind, list: ListType) -> Option<String> {
    let (lists, has) = match (kind, list.kind()) {
        (ZoneKind::Ip, ZoneKind::Domain) => ("addresses", "domains"),
        (ZoneKind::Domain, ZoneKind::Ip) => ("domains", "addresses"),
        _ => return None,
    };
    let dataset = list.as_str();
    Some(format!("dataset={dataset} has {has}, and the zone lists {lists}"))
}

/// Guards would give advice that does not help here.
fn wrong_kind(kind: ZoneKind, subject: &Subject) -> Option<String> {
    let (lists, is) = match (kind, subject) {
        (ZoneKind::Ip | ZoneKind::Allow(_), Subject::Domain(_)) => {
            ("addresses", "is read as a domain")
        }
        (ZoneKind::Domain, Subject::V4(_) | Subject::V6(_)) => ("domains", "is an address"),
        _ => return None,
    };
    let shown: String = subject.to_string().chars().take(80).collect();
    Some(format!(
        "the zone does not list subjects of this kind: it lists {lists}, and {shown} {is}"
    ))
}
