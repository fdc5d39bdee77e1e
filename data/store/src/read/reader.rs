//! The reader: one state of the store at one second.

use dnsbl_types::UnixTime;
use rocksdb::DB;

use crate::read::view::View;

/// One state of the store. Expired listings are absent from everything it says.
pub struct Reader<'a> {
    pub(crate) view: View<'a>,
    pub(crate) now: UnixTime,
}

impl<'a> Reader<'a> {
    /// The state as it is now, as it looks at `now`.
    pub(crate) fn new(db: &'a DB, now: UnixTime) -> Self {
        Self { view: View::snapshot(db), now }
    }
}
