//! From rows to a staged import: each row is taken, ignored or rejected.

use std::io::{self, BufRead};

use admin_api_types::RowError;
use dnsbl_store::{ChangeError, ImportCounts, ImportMode, Operation, Staging, Store};
use dnsbl_types::{Guard, Name, Source, Subject, TestEntry, UnixTime, ZoneKind};

use super::{
    format::Format,
    report::Report,
    row::{Doubt, ParsedRow, Rejection, Row},
    seems::Seems,
};
use crate::warning::{self, Warnings};

/// The most errors that are listed; all are counted.
const MAX_ERRORS: usize = 1000;

/// An import to be made.
pub(crate) struct ImportOrder {
    /// Where.
    pub(crate) zone: Name,
    /// Whose.
    pub(crate) whose: Whose,
    /// How the rows are written.
    pub(crate) format: Format,
    /// The guards that do not hold.
    pub(crate) lifted: Vec<Guard>,
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
    tally: Tally,
    /// What the body as a whole is instead of a list.
    no_list: Option<Seems>,
    exact: u64,
    wildcards: u64,
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
    /// Its rows are not what they should be.
    Refused(Box<Refused>),
    /// The store refuses.
    Store(ChangeError),
}

impl Staged {
    /// Decides what changes at `now`, which takes a while where the sources list much.
    ///
    /// Refused where rows were rejected and none was taken, and with `strict` where any was rejected.
    pub(crate) fn decide(
        self,
        mode: ImportMode,
        strict: bool,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<Decided, Stop> {
        let (taken, rejected) = (self.staging.taken(), self.staging.rejected());
        let limited = matches!(mode, ImportMode::ReplaceSource(limits) if !limits.allow_rejected);
        // A replacing import has limits of its own, which the store keeps.
        let none = taken == 0 && rejected > 0 && (!limited || self.no_list.is_some());
        let refused = none || strict && rejected > 0;
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
        Ok(Decided { id: staged.id(), commit: staged.commit(), report })
    }

    fn report(&self) -> Report {
        let seems = self.no_list.or_else(|| self.tally.most().map(|(seems, _)| seems));
        let mut warnings = self.warnings.list();
        let (taken, rejected) = (self.staging.taken(), self.staging.rejected());
        if let Some((seems, count)) = self.tally.most().filter(|_| taken > 0) {
            warnings.push(warning::seems(&seems, count));
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
    mut body: impl BufRead,
    now: UnixTime,
) -> Result<Staged, Stop> {
    let staging = store.stage(&order.zone, order.whose.own().clone()).map_err(Stop::Store)?;
    let mut staged = Staged {
        staging,
        errors: Vec::new(),
        warnings: Warnings::default(),
        tally: Tally::default(),
        no_list: None,
        exact: 0,
        wildcards: 0,
    };
    let head = body.fill_buf().map_err(Stop::Body)?;
    if let Some(seems) = Seems::of_head(head) {
        staged.refuse(seems, body).map_err(Stop::Body)?;
        return Ok(staged);
    }
    let rows = order.format.rows(body, now).map_err(Stop::Body)?;
    for row in rows.map_err(Stop::Malformed)? {
        staged.take(order, row.map_err(Stop::Body)?)?;
    }
    Ok(staged)
}

impl Staged {
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
        if let Err(Rejection { why, seems, .. }) = taken {
            self.staging.reject();
            if self.errors.len() < MAX_ERRORS {
                self.errors.push(RowError { line, error: why });
            }
            if let Some(seems) = seems {
                self.tally.add(seems);
            }
        }
        Ok(())
    }

    /// Stages a row, or says why it is rejected.
    fn put(
        &mut self,
        order: &ImportOrder,
        line: u64,
        row: ParsedRow,
    ) -> Result<Result<(), Rejection>, Stop> {
        let ParsedRow { subject, body, source, listed_at, doubt } = row;
        let zone = self.staging.zone();
        if let Some(why) = wrong_kind(zone.kind, &subject) {
            return Ok(Err(why.into()));
        }
        match TestEntry::named_by(zone, &subject) {
            Some(TestEntry::Never) if !body.exclusion => {}
            Some(_) => {
                self.staging.ignore();
                return Ok(Ok(()));
            }
            None => {}
        }
        if !body.exclusion
            && let Err(err) = Guard::check(&subject, &order.lifted)
        {
            return Ok(Err(err.to_string().into()));
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
        if let Subject::Domain(domain) = &subject {
            *if domain.is_wildcard() { &mut self.wildcards } else { &mut self.exact } += 1;
        }
        if let Some(Doubt::Bits) = doubt {
            self.warnings.add(line, warning::BITS);
        }
        if let Some(reason) = &body.reason {
            self.warnings.reason(line, &subject, reason);
        }
        Ok(Ok(()))
    }
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
