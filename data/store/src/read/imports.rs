//! Reading when sources were imported.

use dnsbl_types::UnixTime;
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{codec, key::IMPORTS, schema},
    read::reader::Reader,
};

impl Reader<'_> {
    /// Zone, source and time of the last import of each source of each zone.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn last_imports(&self) -> Result<Vec<(String, String, UnixTime)>, StoreError> {
        let mut imports = Vec::new();
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound([IMPORTS, &[u8::MAX]].concat());
        let mut iter = self.view.iter(schema::META, options);
        iter.seek(IMPORTS);
        while let Some(value) = iter.value() {
            let (zone, source, at): (String, String, u64) = codec::decode("last import", value)?;
            imports.push((zone, source, UnixTime(at)));
            iter.next();
        }
        iter.status()?;
        Ok(imports)
    }
}
