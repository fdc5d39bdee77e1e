//! Reading figures. A row that can't be read is logged and left out.

use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{
        codec,
        figures::{self, COUNTED, FiguresRow, Span},
        schema,
    },
    read::reader::Reader,
};

impl Reader<'_> {
    /// Visits the figures of all spans from one on: by span and zone.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn visit_figures(
        &self,
        span: Span,
        from: u32,
        mut visit: impl FnMut(FiguresRow),
    ) -> Result<(), StoreError> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(figures::figures_behind(span));
        options.fill_cache(false);
        let mut iter = self.view.iter(schema::USAGE, options);
        iter.seek(figures::figures_from(span, from));
        while let Some((key, value)) = iter.item() {
            match figures::read_figures(span, key, value) {
                Ok(row) => visit(row),
                Err(err) => tracing::error!(%err, "figures are left out"),
            }
            iter.next();
        }
        iter.status()
    }

    /// Up to which change figures were counted; `None` where they never were.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn counted(&self) -> Result<Option<u64>, StoreError> {
        let value = self.view.find(schema::USAGE, COUNTED)?;
        let read = value.map(|value| codec::decode("counted", &value)).transpose();
        Ok(read.unwrap_or_else(|err| {
            tracing::error!(%err, "figures begin anew");
            None
        }))
    }
}
