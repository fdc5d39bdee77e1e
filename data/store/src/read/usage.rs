//! Reading usage, and what is spent of daily quotas.
//!
//! A row that can't be read is logged and left out: it is worth less than an answer.

use dnsbl_types::{Day, SubscriberId};
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        schema,
        usage::{self, OTHERS, QUOTA_KEY, SPENT_DAY, SUBSCRIBERS, Spent, UsageRow},
    },
    read::reader::Reader,
};

impl Reader<'_> {
    /// What a subscriber asked from a day to another, both included, by day and zone.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn usage_of(
        &self,
        subscriber: SubscriberId,
        from: Day,
        to: Day,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let mut rows = Vec::new();
        for day in from.0..=to.0 {
            let prefix = usage::usage_from(Day(day), Some(subscriber));
            let mut options = ReadOptions::default();
            options.set_iterate_range(rocksdb::PrefixRange(prefix.clone()));
            self.visit_rows(options, &prefix, |key, value| {
                rows.extend(readable(usage::read_usage(key, value)));
            })?;
        }
        Ok(rows)
    }

    /// Visits what all subscribers asked from a day to another, both included: by day, subscriber and zone.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn visit_usage(
        &self,
        from: Day,
        to: Day,
        mut visit: impl FnMut(UsageRow),
    ) -> Result<(), StoreError> {
        let first = usage::usage_from(from, None);
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(usage::usage_behind(to));
        options.fill_cache(false);
        self.visit_rows(options, &first, |key, value| {
            if let Some(row) = readable(usage::read_usage(key, value)) {
                visit(row);
            }
        })
    }

    /// What is spent of the quotas of a day.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn spent(&self, day: Day) -> Result<Spent, StoreError> {
        let mut spent = Spent { day, subscribers: Vec::new(), others: Vec::new() };
        let kept = self.view.find(schema::USAGE, SPENT_DAY)?;
        if kept.and_then(|kept| readable(usage::read_number(&kept))) != Some(day.0) {
            return Ok(spent);
        }
        for kind in [SUBSCRIBERS, OTHERS] {
            let mut options = ReadOptions::default();
            options.set_iterate_range(rocksdb::PrefixRange(vec![kind]));
            self.visit_rows(options, &[kind], |key, value| {
                let row = usage::read_spent_key(key)
                    .and_then(|who| Ok((who, usage::read_number(value)?)));
                let Some((who, asked)) = readable(row) else { return };
                match kind {
                    SUBSCRIBERS => spent.subscribers.push((SubscriberId(who), asked)),
                    _ => spent.others.push((who, asked)),
                }
            })?;
        }
        Ok(spent)
    }

    /// The key by which those are known that are no subscribers, if there is one.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn quota_key(&self) -> Result<Option<[u8; 16]>, StoreError> {
        let value = self.view.find(schema::USAGE, QUOTA_KEY)?;
        Ok(value.and_then(|key| readable(crate::format::codec::decode("quota key", &key))))
    }

    fn visit_rows(
        &self,
        options: ReadOptions,
        first: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        let mut iter = self.view.iter(schema::USAGE, options);
        iter.seek(first);
        while let Some((key, value)) = iter.item() {
            visit(key, value);
            iter.next();
        }
        iter.status()
    }
}

/// What could be read; the rest is logged.
fn readable<T>(read: Result<T, StoreError>) -> Option<T> {
    read.inspect_err(|err| tracing::error!(%err, "a row of usage is left out")).ok()
}
