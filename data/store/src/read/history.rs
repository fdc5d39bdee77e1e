//! Reading what became of a subject.

use dnsbl_types::Subject;
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        audit::{AuditRecord, decode},
        history_key,
        log::{LogEntry, Op},
        schema,
    },
    read::{reader::Reader, view::Iter},
};

/// A change of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// Its audit record.
    pub record: AuditRecord,
    /// What the change log says of it; `None` once that was dropped.
    pub op: Option<Op>,
}

/// Some changes of a subject, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Those that were asked for; those of one change stay together.
    pub changes: Vec<PastChange>,
    /// The change before which to go on; `None` where there is nothing more.
    pub next: Option<u64>,
}

impl Reader<'_> {
    /// About `limit` changes of these subjects before change `seq` that `admits` takes, newest first. It ends
    /// early, maybe empty, once `stop` says so, which is asked after each change. Imports, purges and what logins grant are no
    /// changes of a subject here.
    ///
    /// # Errors
    /// The store can't be read, or takes no writes since before it had what this needs.
    pub fn history(
        &self,
        subjects: &[Subject],
        seq: u64,
        limit: usize,
        admits: impl Fn(&AuditRecord) -> bool,
        mut stop: impl FnMut() -> bool,
    ) -> Result<History, StoreError> {
        if self.view.find(schema::META, schema::HISTORY_WHOLE)?.is_none() {
            let detail = "changes by subject are made ready once the store can be written";
            return Err(StoreError::Unwritable(detail.into()));
        }
        let mut places = Vec::new();
        for subject in subjects {
            let mut options = ReadOptions::default();
            options.set_iterate_lower_bound(history_key::of(subject, &[]));
            options.set_iterate_upper_bound(history_key::end(subject));
            let mut iter = self.view.iter(schema::HISTORY, options);
            iter.seek_for_prev(history_key::of(subject, &seq.to_be_bytes()));
            places.extend(Place::read(iter)?);
        }
        let mut history = History::default();
        let mut entry: Option<LogEntry> = None;
        let (mut last, mut is_over) = (None, false);
        while let Some(at) = newest(&places) {
            let seq = places[at].seq;
            if is_over && last != Some(seq) {
                return Ok(History { next: last, ..history });
            }
            last = Some(seq);
            let record = places[at].record.clone();
            let found = self.view.find(schema::AUDIT, &record)?;
            let missing = || StoreError::unreadable("audit record", format!("{seq} is missing"));
            let found = decode(&found.ok_or_else(missing)?)?;
            if admits(&found) {
                if entry.as_ref().is_none_or(|entry| entry.seq != seq) {
                    entry = self.log_entry(seq)?;
                }
                let op = record.last_chunk().map_or(0, |op| u32::from_be_bytes(*op));
                let op = entry.as_ref().and_then(|entry| entry.ops.get(op as usize)).cloned();
                history.changes.push(PastChange { record: found, op });
            }
            let place = places.swap_remove(at);
            places.extend(place.before()?);
            is_over = history.changes.len() >= limit || stop();
        }
        Ok(history)
    }
}

/// The place of the newest change.
fn newest(places: &[Place<'_>]) -> Option<usize> {
    let places = places.iter().enumerate();
    places.max_by(|(_, one), (_, other)| one.record.cmp(&other.record)).map(|(at, _)| at)
}

/// A place among the changes of a subject.
struct Place<'a> {
    iter: Iter<'a>,
    seq: u64,
    record: Vec<u8>,
}

impl<'a> Place<'a> {
    fn read(iter: Iter<'a>) -> Result<Option<Self>, StoreError> {
        let Some(key) = iter.key() else {
            iter.status()?;
            return Ok(None);
        };
        let (seq, record) = history_key::read(key)?;
        let record = record.to_vec();
        Ok(Some(Self { iter, seq, record }))
    }

    /// The next older one.
    fn before(self) -> Result<Option<Self>, StoreError> {
        let mut iter = self.iter;
        iter.prev();
        Self::read(iter)
    }
}
