//! Writing usage, and what is spent of daily quotas: beside the change log, with a sync of its own.

use std::sync::PoisonError;

use dnsbl_types::{Day, Usage};
use rocksdb::WriteBatch;

use crate::{
    StoreError,
    db::Db,
    format::{
        codec,
        schema::{self, cf},
        usage::{self, OTHERS, QUOTA_KEY, SPENT_DAY, SUBSCRIBERS, Spent, TokenUse, UsageRow},
    },
    read::view::View,
};

/// Adds usage to what is there of the same day, subscriber and zone, and puts what is spent in the place of
/// what was; all of it, or nothing. What was spent on other days is forgotten.
pub(crate) fn add(db: &Db, rows: &[UsageRow], spent: &Spent) -> Result<(), StoreError> {
    let _turn = db.usage_turn.lock().unwrap_or_else(PoisonError::into_inner);
    let (family, view) = (cf(&db.rocks, schema::USAGE), View::latest(&db.rocks));
    let mut batch = WriteBatch::default();
    for UsageRow { day, subscriber, zone, usage } in rows {
        let key = usage::usage_key(*day, *subscriber, zone);
        let mut sum = match view.find(schema::USAGE, &key)? {
            // What can't be read can't be added to.
            Some(value) => usage::read_usage_value(&value).unwrap_or_else(|err| {
                tracing::error!(%err, %subscriber, "what was asked today is lost");
                Usage::default()
            }),
            None => Usage::default(),
        };
        sum += *usage;
        batch.put_cf(family, key, usage::usage_value(sum));
    }
    let day = usage::number(spent.day.0);
    if view.find(schema::USAGE, SPENT_DAY)?.as_deref() != Some(&*day) {
        for kind in [SUBSCRIBERS, OTHERS] {
            batch.delete_range_cf(family, [kind], [kind + 1]);
        }
        batch.put_cf(family, SPENT_DAY, day);
    }
    let of_subscribers = spent.subscribers.iter().map(|&(id, asked)| (SUBSCRIBERS, id.0, asked));
    let of_others = spent.others.iter().map(|&(who, asked)| (OTHERS, who, asked));
    for (kind, who, asked) in of_subscribers.chain(of_others) {
        batch.put_cf(family, usage::spent_key(kind, who), usage::number(asked));
    }
    db.write_beside(batch)
}

/// Forgets the usage of the days before one.
pub(crate) fn drop_before(db: &Db, day: Day) -> Result<(), StoreError> {
    let family = cf(&db.rocks, schema::USAGE);
    let mut batch = WriteBatch::default();
    batch.delete_range_cf(family, usage::usage_from(Day(0), None), usage::usage_from(day, None));
    db.write_beside(batch)
}

/// Keeps the key by which those are known that are no subscribers.
pub(crate) fn keep_quota_key(db: &Db, key: [u8; 16]) -> Result<(), StoreError> {
    let mut batch = WriteBatch::default();
    batch.put_cf(cf(&db.rocks, schema::USAGE), QUOTA_KEY, codec::encode(&key));
    db.write_beside(batch)
}

/// Puts the last uses of tokens in the place of those before; a token that is gone leaves none.
pub(crate) fn keep_token_uses(db: &Db, uses: &[TokenUse]) -> Result<(), StoreError> {
    let (family, view) = (cf(&db.rocks, schema::USAGE), View::latest(&db.rocks));
    let mut batch = WriteBatch::default();
    for used in uses {
        let key = usage::token_key(&used.token);
        match view.find(schema::TOKENS, used.token.as_bytes())? {
            Some(_) => batch.put_cf(family, key, usage::token_value(used)),
            None => batch.delete_cf(family, key),
        }
    }
    db.write_beside(batch)
}
