//! The way from a subject to its audit records, where an older release wrote those.

use super::{NOW, Writer, delete, note, put, subject};
use crate::{
    History, Sources,
    format::schema::{self, cf},
    open::history,
};

fn found(writer: &Writer) -> Result<History, crate::StoreError> {
    let reader = writer.store.read(NOW);
    reader.history(&[subject("192.0.2.9")], u64::MAX, 9, |_| true, || false)
}

#[test]
fn records_of_an_older_release_are_found_once_the_store_has_been_opened() {
    let mut writer = Writer::new();
    writer.commit(put("192.0.2.9", "a", note("one"))).unwrap();
    writer.commit(put("192.0.2.8", "a", note("other"))).unwrap();
    writer.commit(delete("192.0.2.9", Sources::All)).unwrap();
    let before = found(&writer).unwrap();
    assert_eq!(before.changes.len(), 2);
    let db = &writer.store.db.rocks;
    db.delete_range_cf(cf(db, schema::HISTORY), [0].as_slice(), [u8::MAX].as_slice()).unwrap();
    db.delete_cf(cf(db, schema::META), schema::HISTORY_WHOLE).unwrap();
    assert!(found(&writer).is_err(), "a history with holes is none");
    history::complete(&writer.store.db.rocks).unwrap();
    assert_eq!(found(&writer).unwrap(), before);
}
