//! From rows to a staged import: each row is taken, ignored or rejected.

use std::io::{self, BufRead};

use dnsbl_store::{Change, ChangeError, ImportMode, Staging, Store};
use dnsbl_types::{Guard, ListingBody, Name, Source, Subject, TestEntry, UnixTime};

use super::{Format, Row};
use crate::v1::import::RowError;

/// The most errors that are listed; all are counted.
const MAX_ERRORS: usize = 1000;

/// What is to be imported, and how.
pub(crate) struct Order {
    /// Where.
    pub(crate) zone: Name,
    /// Whose.
    pub(crate) source: Source,
    /// How the rows are written.
    pub(crate) format: Format,
    /// The guards that do not hold.
    pub(crate) lifted: Vec<Guard>,
}

/// All rows are in, and nobody sees them yet.
pub(crate) struct Staged {
    staged: Staging,
    /// The first rows that were rejected.
    pub(crate) errors: Vec<RowError>,
}

/// Why an import can't go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The body broke off or can't be decoded.
    Body(io::Error),
    /// The body makes no sense as a whole.
    Malformed(String),
    /// The store refuses.
    Store(ChangeError),
}

impl Staged {
    /// The import's id, and the change that makes it visible.
    ///
    /// Decides what changes at `now`, which takes a while where the source lists much.
    pub(crate) fn commit(
        self,
        mode: ImportMode,
        dry_run: bool,
        now: UnixTime,
    ) -> Result<(String, Change), ChangeError> {
        let staged = self.staged.finish(mode, dry_run, now)?;
        Ok((staged.id(), Change::CommitImport(Box::new(staged))))
    }
}

/// Reads a body to its end and stages its rows.
pub(crate) fn stage(
    store: &Store,
    order: &Order,
    body: impl BufRead,
    now: UnixTime,
) -> Result<Staged, Stop> {
    let staging = store.stage(&order.zone, order.source.clone());
    let mut staged = Staged { staged: staging.map_err(Stop::Store)?, errors: Vec::new() };
    let rows = order.format.rows(body, now).map_err(Stop::Body)?;
    for row in rows.map_err(Stop::Malformed)? {
        staged.take(order, row.map_err(Stop::Body)?)?;
    }
    Ok(staged)
}

impl Staged {
    fn take(&mut self, order: &Order, (line, row): Row) -> Result<(), Stop> {
        let taken = match row {
            Ok((subject, body)) => put(&mut self.staged, &order.lifted, &subject, &body)?,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            self.staged.reject();
            if self.errors.len() < MAX_ERRORS {
                self.errors.push(RowError { line, error });
            }
        }
        Ok(())
    }
}

/// Stages a row, or says why it is rejected.
fn put(
    staging: &mut Staging,
    lifted: &[Guard],
    subject: &Subject,
    body: &ListingBody,
) -> Result<Result<(), String>, Stop> {
    let test = TestEntry::named_by(staging.zone(), subject);
    match test {
        Some(TestEntry::Never) if !body.exclusion => {}
        Some(_) => {
            staging.ignore();
            return Ok(Ok(()));
        }
        None => {}
    }
    if !body.exclusion
        && let Err(err) = Guard::check(subject, lifted)
    {
        return Ok(Err(err.to_string()));
    }
    match staging.put(subject, body) {
        Ok(()) => Ok(Ok(())),
        Err(err @ (ChangeError::WrongKind | ChangeError::SubjectTooLong)) => {
            Ok(Err(err.to_string()))
        }
        Err(err) => Err(Stop::Store(err)),
    }
}
