//! Writing a segment as tables that become part of the database as they are.

use std::path::PathBuf;

use rocksdb::{DB, IngestExternalFileOptions, Options, SstFileWriter};

use crate::{
    StoreError,
    format::{block, key::SegmentKey, schema::cf},
    import::folder::Folder,
};

/// Bytes in a table.
const TABLE: u64 = 64 << 20;

/// The tables of a new segment; subjects are added in order.
///
/// Blocks of addresses and rows go to different tables, since the former come first in the database.
pub(crate) struct Tables<'a> {
    family: &'static str,
    segment: SegmentKey,
    folder: &'a Folder,
    blocks: Table<'a>,
    rows: Table<'a>,
    files: Vec<PathBuf>,
    /// The block that is being filled.
    net: u16,
    lows: Vec<u16>,
    key: Vec<u8>,
}

/// A table that is being written.
struct Table<'a> {
    options: &'a Options,
    writer: Option<SstFileWriter<'a>>,
}

impl<'a> Tables<'a> {
    /// `options` are those of the family in which the segment is to lie.
    pub(crate) fn new(
        family: &'static str,
        options: &'a Options,
        folder: &'a Folder,
        segment: SegmentKey,
    ) -> Self {
        Self {
            family,
            segment,
            folder,
            blocks: Table::new(options),
            rows: Table::new(options),
            files: Vec::new(),
            net: 0,
            lows: Vec::new(),
            key: Vec::new(),
        }
    }

    /// Adds a plain address.
    pub(crate) fn put_host(&mut self, addr: u32) -> Result<(), StoreError> {
        let (net, low) = block::split(addr);
        if net != self.net {
            self.end_block()?;
            self.net = net;
        }
        self.lows.push(low);
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), StoreError> {
        if self.lows.is_empty() {
            return Ok(());
        }
        let (key, block) = (self.segment.hosts(self.net), block::encode(&self.lows));
        self.lows.clear();
        self.blocks.put(self.folder, &mut self.files, &key, &block)
    }

    /// Adds a row; returns its key.
    pub(crate) fn put_row(&mut self, subject: &[u8], row: &[u8]) -> Result<&[u8], StoreError> {
        self.key.clear();
        self.key.extend_from_slice(&self.segment.bytes());
        self.key.extend_from_slice(subject);
        self.rows.put(self.folder, &mut self.files, &self.key, row)?;
        Ok(&self.key)
    }

    /// Makes the tables part of the database. They are on the disk for good when this returns.
    pub(crate) fn finish(mut self, db: &DB) -> Result<(), StoreError> {
        self.end_block()?;
        self.blocks.end()?;
        self.rows.end()?;
        if self.files.is_empty() {
            return Ok(());
        }
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        Ok(db.ingest_external_file_cf_opts(cf(db, self.family), &options, self.files)?)
    }
}

impl<'a> Table<'a> {
    fn new(options: &'a Options) -> Self {
        Self { options, writer: None }
    }

    fn put(
        &mut self,
        folder: &Folder,
        files: &mut Vec<PathBuf>,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StoreError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                // No name is used twice: the database may still have a link to the file.
                let path = folder.file(&name(key, files.len()))?;
                let writer = SstFileWriter::create(self.options);
                writer.open(&path)?;
                files.push(path);
                writer
            }
        };
        writer.put(key, value)?;
        let full = writer.file_size() >= TABLE;
        self.writer = Some(writer);
        if full { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), StoreError> {
        match self.writer.take() {
            // Syncs the file.
            Some(mut writer) => Ok(writer.finish()?),
            None => Ok(()),
        }
    }
}

/// The name of a table that begins with this key.
fn name(key: &[u8], number: usize) -> String {
    let segment: String =
        key.iter().take(SegmentKey::LEN).map(|byte| format!("{byte:02x}")).collect();
    format!("{segment}-{number}.sst")
}
