//! Writing figures: beside the change log, with a sync of their own.

use std::sync::PoisonError;

use rocksdb::WriteBatch;

use crate::{
    StoreError,
    db::Db,
    format::{
        codec,
        figures::{self, COUNTED, Figures, FiguresRow, Span},
        schema::{self, cf},
    },
    read::view::View,
};

/// Adds figures to what is there of the same zone and span, and notes up to where the change log was counted for them; all of
/// it, or nothing.
pub(crate) fn add(db: &Db, rows: &[FiguresRow], counted: u64) -> Result<(), StoreError> {
    let _turn = db.usage_turn.lock().unwrap_or_else(PoisonError::into_inner);
    let (family, view) = (cf(&db.rocks, schema::USAGE), View::latest(&db.rocks));
    let mut batch = WriteBatch::default();
    for row in rows {
        let key = figures::figures_key(row);
        let mut sum = match view.find(schema::USAGE, &key)? {
            // What can't be read can't be added to.
            Some(value) => figures::read_figures_value(&value).unwrap_or_else(|err| {
                tracing::error!(%err, zone = %row.zone, "figures are lost");
                Figures::default()
            }),
            None => Figures::default(),
        };
        sum += row.figures.clone();
        batch.put_cf(family, key, figures::figures_value(&sum));
    }
    batch.put_cf(family, COUNTED, codec::encode(&counted));
    db.write_beside(batch)
}

/// Forgets the figures of the spans before one.
pub(crate) fn drop_before(db: &Db, span: Span, number: u32) -> Result<(), StoreError> {
    let (first, behind) = (figures::figures_from(span, 0), figures::figures_from(span, number));
    let mut batch = WriteBatch::default();
    batch.delete_range_cf(cf(&db.rocks, schema::USAGE), first, behind);
    db.write_beside(batch)
}
