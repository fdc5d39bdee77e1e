//! Tables (SST files): what can be read of one, block by block.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    bytes::{Input, crc32c, mask},
    lz4,
};

const FOOTER: usize = 53;
const MAGIC: u64 = 0x88e2_41b7_85f4_cff7;
const EXTENDED_MAGIC: [u8; 4] = [0x3e, 0x00, 0x7a, 0x00];
/// Behind each block: how it is compressed, and its checksum.
const TRAILER: usize = 5;
const PRIME: u32 = 0x6b90_83d9;
/// The most bytes of a block: some of our largest values.
const MOST: usize = 4 << 20;

/// A row as it stands in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: Vec<u8>,
    pub(crate) sequence: u64,
    /// `None` where the key was deleted.
    pub(crate) value: Option<Vec<u8>>,
}

/// A table of which as much was found as can be.
pub(crate) struct Table {
    path: PathBuf,
    sums: Checksums,
    pub(crate) pieces: Vec<Piece>,
    /// Ranges of keys that are deleted, each with the number of that write.
    pub(crate) deleted: Vec<(Range<Vec<u8>>, u64)>,
    /// The column family, if the table says so; one that was ingested does not.
    pub(crate) family: Option<String>,
    /// Whether it was written outside the database, so that its rows have no numbers of their own.
    pub(crate) ingested: bool,
    /// Meta blocks that can't be read, which cost nothing but the way to the others.
    pub(crate) unread: Vec<&'static str>,
}

/// A part of a table, in the order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A block, and a key that none of its keys is behind.
    Block { at: Handle, last: Option<Vec<u8>> },
    /// Bytes in which no block was found.
    Gap(Range<u64>),
}

impl Piece {
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Block { at, .. } => at.size,
            Self::Gap(at) => at.end - at.start,
        }
    }
}

/// Where a block lies, without its trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    offset: u64,
    size: u64,
}

impl Handle {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        Some(Self { offset: input.varint()?, size: input.varint()? })
    }

    fn end(self) -> u64 {
        self.offset.saturating_add(self.size).saturating_add(TRAILER as u64)
    }
}

/// What was found in a part of a file by its checksums alone.
struct Walked {
    /// With the trailer.
    at: Range<u64>,
    /// The block, decompressed; `None` where there is none.
    block: Option<Vec<u8>>,
}

impl Walked {
    fn piece(self) -> Piece {
        if self.block.is_none() {
            return Piece::Gap(self.at);
        }
        let (offset, size) = (self.at.start, self.at.end - self.at.start - TRAILER as u64);
        Piece::Block { at: Handle { offset, size }, last: None }
    }
}

#[derive(Clone, Copy)]
struct Checksums {
    xxh3: bool,
    /// What makes the checksums of this table differ from those of others.
    base: u32,
}

impl Checksums {
    /// Of a block at `offset` with this last byte.
    fn of(self, block: &[u8], last: u8, offset: u64) -> u32 {
        let sum = if self.xxh3 {
            twox_hash::XxHash3_64::oneshot(block) as u32 ^ u32::from(last).wrapping_mul(PRIME)
        } else {
            mask(crc32c(&[block, &[last]]))
        };
        sum.wrapping_add(self.modifier(offset))
    }

    fn modifier(self, offset: u64) -> u32 {
        let offset = (offset as u32).wrapping_add((offset >> 32) as u32);
        if self.base == 0 { 0 } else { self.base ^ offset }
    }
}

/// What the footer says.
struct Footer {
    sums: Checksums,
    metaindex: Handle,
}

impl Table {
    /// Looks for all blocks of a table. `Ok(None)` where it has no footer, so that nothing can be checked.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let Some(footer_at) = len.checked_sub(FOOTER as u64) else { return Ok(None) };
        let mut bytes = [0; FOOTER];
        file.read_exact_at(&mut bytes, footer_at)?;
        let Some(footer) = footer(bytes, footer_at) else { return Ok(None) };
        let mut table = Self {
            path: path.into(),
            sums: footer.sums,
            pieces: Vec::new(),
            deleted: Vec::new(),
            family: None,
            ingested: false,
            unread: Vec::new(),
        };
        table.find_blocks(&file, footer.metaindex, footer_at)?;
        Ok(Some(table))
    }

    fn find_blocks(&mut self, file: &File, metaindex: Handle, end: u64) -> io::Result<()> {
        let meta = self.block(file, metaindex)?.and_then(|block| meta_handles(&block));
        let Some(meta) = meta else {
            self.unread.push("metaindex");
            return self.walk_all(file, end);
        };
        let read = |name: &str| match meta.get(name) {
            Some(at) => self.block(file, *at).map(|block| (true, block)),
            None => Ok((false, None)),
        };
        let (_, properties) = read("rocksdb.properties")?;
        let (has_deleted, deleted) = read("rocksdb.range_del")?;
        let (_, index) = read("rocksdb.index")?;
        let properties = properties.and_then(|block| Properties::read(&block));
        let deleted = deleted.and_then(|block| rows_of(&block, true));
        if has_deleted && deleted.is_none() {
            self.unread.push("range deletions");
        }
        self.take_deleted(deleted.unwrap_or_default());
        let mut data_end = meta.values().map(|at| at.offset).min().unwrap_or(end).min(end);
        if properties.is_none() {
            self.unread.push("properties");
        }
        let known = properties.unwrap_or_default();
        self.take_properties(&known);
        data_end = known.data.unwrap_or(data_end).min(data_end);
        let blocks = match index.as_deref().and_then(index_entries) {
            Some(entries) => self.index_blocks(file, entries, &mut data_end)?,
            None => {
                self.unread.push("index");
                Vec::new()
            }
        };
        let user_keys = known.user_keys;
        let blocks = blocks.into_iter().map(|(last, at)| (user_key(last, user_keys), at));
        self.fill(file, blocks.collect(), data_end)
    }

    /// The data blocks that the index names, through its parts where it has some.
    fn index_blocks(
        &mut self,
        file: &File,
        entries: Vec<(Vec<u8>, Handle)>,
        data_end: &mut u64,
    ) -> io::Result<Vec<(Vec<u8>, Handle)>> {
        // The parts of an index lie behind all data.
        let in_parts = entries.first().is_some_and(|(_, at)| at.offset > 0);
        if !in_parts {
            return Ok(entries);
        }
        let mut blocks = Vec::new();
        for (_, part) in entries {
            *data_end = (*data_end).min(part.offset);
            match self.block(file, part)?.as_deref().and_then(index_entries) {
                Some(entries) => blocks.extend(entries),
                None => self.unread.push("index"),
            }
        }
        Ok(blocks)
    }

    /// Puts the blocks in order, and looks for others between them.
    fn fill(
        &mut self,
        file: &File,
        mut blocks: Vec<(Vec<u8>, Handle)>,
        data_end: u64,
    ) -> io::Result<()> {
        blocks.retain(|(_, at)| at.end() <= data_end);
        blocks.sort_by_key(|(_, at)| *at);
        let is_whole = !self.unread.contains(&"index");
        let mut at = 0;
        for (last, handle) in blocks {
            if handle.offset > at && !is_whole {
                self.walk(file, at..handle.offset)?;
            }
            at = at.max(handle.end());
            self.pieces.push(Piece::Block { at: handle, last: Some(last) });
        }
        if at < data_end && !is_whole {
            self.walk(file, at..data_end)?;
        }
        Ok(())
    }

    /// Finds the blocks in a part of the file by their checksums alone.
    fn walk(&mut self, file: &File, within: Range<u64>) -> io::Result<()> {
        let found = self.blocks_within(file, within)?;
        self.pieces.extend(found.into_iter().map(Walked::piece));
        Ok(())
    }

    /// The same for a whole file of which nothing says which blocks are data.
    fn walk_all(&mut self, file: &File, end: u64) -> io::Result<()> {
        let found = self.blocks_within(file, 0..end)?;
        let properties = found.iter().find_map(|found| Properties::read(found.block.as_ref()?));
        let known = properties.unwrap_or_default();
        self.take_properties(&known);
        for found in found {
            let is_data = known.data.is_none_or(|end| found.at.start < end);
            match &found.block {
                Some(block) if !is_data => {
                    self.take_deleted(rows_of(block, true).unwrap_or_default());
                }
                // Without properties nothing but their form tells blocks of rows from others.
                Some(block) if known.data.is_some() || rows_of(block, false).is_some() => {
                    self.pieces.push(found.piece());
                }
                None if is_data => self.pieces.push(found.piece()),
                _ => {}
            }
        }
        Ok(())
    }

    fn take_properties(&mut self, known: &Properties) {
        self.family.clone_from(&known.family);
        self.ingested = known.ingested;
    }

    fn take_deleted(&mut self, rows: Vec<Row>) {
        let ranges = rows.into_iter().filter_map(|row| Some((row.key..row.value?, row.sequence)));
        self.deleted.extend(ranges);
    }

    fn blocks_within(&self, file: &File, within: Range<u64>) -> io::Result<Vec<Walked>> {
        let mut bytes = vec![0; usize::try_from(within.end - within.start).unwrap_or(0)];
        file.read_exact_at(&mut bytes, within.start)?;
        let (mut found, mut at, mut gap) = (Vec::new(), 0, None);
        while at < bytes.len() {
            let offset = within.start + at as u64;
            // Behind damage a block may begin anywhere, so there only what is quickly told is tried.
            let most = if gap.is_some() { 32 << 10 } else { MOST };
            match self.block_at(&bytes[at..], offset, most) {
                Some((size, block)) => {
                    let gap = gap.take().map(|from| Walked { at: from..offset, block: None });
                    found.extend(gap);
                    at += size + TRAILER;
                    let end = within.start + at as u64;
                    found.push(Walked { at: offset..end, block: Some(block) });
                }
                None => {
                    gap.get_or_insert(offset);
                    at += 1;
                }
            }
        }
        found.extend(gap.map(|from| Walked { at: from..within.end, block: None }));
        Ok(found)
    }

    /// The block at the start of some bytes, of which the size is not known.
    fn block_at(&self, bytes: &[u8], offset: u64, most: usize) -> Option<(usize, Vec<u8>)> {
        if let Some(found) = self.compressed_at(bytes, offset) {
            return Some(found);
        }
        let longest = bytes.len().checked_sub(TRAILER)?.min(most);
        (8..=longest).find_map(|size| {
            // The byte behind an uncompressed block is 0, and before it stands the number of restarts.
            if bytes[size] != 0 || bytes[size - 1] != 0 {
                return None;
            }
            let sum = self.sums.of(&bytes[..size], 0, offset);
            (bytes[size + 1..size + TRAILER] == sum.to_le_bytes())
                .then(|| (size, bytes[..size].to_vec()))
        })
    }

    fn compressed_at(&self, bytes: &[u8], offset: u64) -> Option<(usize, Vec<u8>)> {
        let mut input = Input(bytes);
        let len = input.length().filter(|len| (8..=MOST).contains(len))?;
        let start = bytes.len() - input.0.len();
        let (block, used) = lz4::decompress(input.0, len)?;
        let size = start + used;
        let trailer: &[u8; TRAILER] = bytes.get(size..)?.first_chunk()?;
        let sum = self.sums.of(&bytes[..size], trailer[0], offset);
        (trailer[0] == 4 && trailer[1..] == sum.to_le_bytes()).then_some((size, block))
    }

    /// A block, decompressed; `None` where its checksum is wrong.
    fn block(&self, file: &File, at: Handle) -> io::Result<Option<Vec<u8>>> {
        let Some(size) = usize::try_from(at.size).ok().filter(|&size| size <= MOST * 4) else {
            return Ok(None);
        };
        let mut bytes = vec![0; size + TRAILER];
        match file.read_exact_at(&mut bytes, at.offset) {
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            // A sector that the disk can't read is damage like any other.
            Err(err) if err.raw_os_error() == Some(5) => return Ok(None),
            read => read?,
        }
        let (block, trailer) = bytes.split_at(size);
        if trailer[1..] != self.sums.of(block, trailer[0], at.offset).to_le_bytes() {
            return Ok(None);
        }
        Ok(match trailer[0] {
            0 => Some(block.to_vec()),
            4 | 5 => {
                let mut input = Input(block);
                let len = input.length().filter(|&len| len <= MOST * 4);
                len.and_then(|len| lz4::decompress(input.0, len)).map(|(block, _)| block)
            }
            _ => None,
        })
    }

    /// The rows of a piece; `None` where they can't be read.
    pub(crate) fn rows(&self, piece: &Piece) -> io::Result<Option<Vec<Row>>> {
        match piece {
            Piece::Gap(_) => Ok(None),
            Piece::Block { at, .. } => {
                let block = self.block(&File::open(&self.path)?, *at)?;
                Ok(block.and_then(|block| rows_of(&block, false)))
            }
        }
    }
}

/// Reads a footer. One wrong bit is set right, since nothing can be checked without it.
fn footer(mut bytes: [u8; FOOTER], at: u64) -> Option<Footer> {
    if let Some(footer) = read_footer(&bytes, at) {
        return Some(footer);
    }
    (0..FOOTER * 8).find_map(|bit| {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let footer = read_footer(&bytes, at);
        bytes[bit / 8] ^= 1 << (bit % 8);
        footer
    })
}

fn read_footer(bytes: &[u8; FOOTER], at: u64) -> Option<Footer> {
    let mut input = Input(bytes);
    let xxh3 = match input.byte()? {
        1 => false,
        4 => true,
        _ => return None,
    };
    if input.bytes(4)? != EXTENDED_MAGIC {
        return None;
    }
    let sum = input.fixed32()?;
    let sums = Checksums { xxh3, base: input.fixed32()? };
    let size = u64::from(input.fixed32()?);
    input.bytes(24)?;
    if !(6..=7).contains(&input.fixed32()?) || input.fixed64()? != MAGIC {
        return None;
    }
    let mut unsigned = *bytes;
    unsigned[5..9].fill(0);
    let (body, last) = unsigned.split_at(FOOTER - 1);
    if sums.of(body, last[0], at) != sum {
        return None;
    }
    let offset = at.checked_sub(size + TRAILER as u64)?;
    Some(Footer { sums, metaindex: Handle { offset, size } })
}

#[derive(Default)]
struct Properties {
    data: Option<u64>,
    family: Option<String>,
    ingested: bool,
    user_keys: bool,
}

impl Properties {
    fn read(block: &[u8]) -> Option<Self> {
        let entries: BTreeMap<_, _> = entries(block)?.into_iter().collect();
        let number = |name: &str| Input(entries.get(name.as_bytes())?).varint();
        let data = Some(number("rocksdb.data.size")?);
        let family = entries.get(b"rocksdb.column.family.name".as_slice());
        let family = family.map(|name| String::from_utf8_lossy(name).into_owned());
        Some(Self {
            data,
            family: family.filter(|name| !name.is_empty()),
            ingested: entries.contains_key(b"rocksdb.external_sst_file.version".as_slice()),
            user_keys: number("rocksdb.index.key.is.user.key").is_some_and(|is| is != 0),
        })
    }
}

/// An index key as a key of rows.
fn user_key(mut key: Vec<u8>, is_user_key: bool) -> Vec<u8> {
    if !is_user_key {
        key.truncate(key.len().saturating_sub(8));
    }
    key
}

/// Key and value of each entry of a block.
fn entries(block: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut found = Vec::new();
    each_entry(block, |key, input| {
        let len = input.length()?;
        let (shared, own) = key;
        let mut key: Vec<u8> = shared;
        key.extend_from_slice(input.bytes(own)?);
        found.push((key.clone(), input.bytes(len)?.to_vec()));
        Some(key)
    })?;
    Some(found)
}

/// Last key and place of each block that an index names.
fn index_entries(block: &[u8]) -> Option<Vec<(Vec<u8>, Handle)>> {
    let mut found = Vec::new();
    each_entry(block, |(shared, own), input| {
        // Each entry is a restart (`index_block_restart_interval` is 1), so none shares anything.
        if !shared.is_empty() {
            return None;
        }
        let key = input.bytes(own)?.to_vec();
        found.push((key.clone(), Handle::read(input)?));
        Some(key)
    })?;
    Some(found)
}

/// Hands what an entry shares with the key before it, and how many bytes of its own its key has, to `take`,
/// which reads the rest and returns the key.
fn each_entry(
    block: &[u8],
    mut take: impl FnMut((Vec<u8>, usize), &mut Input<'_>) -> Option<Vec<u8>>,
) -> Option<()> {
    let (rest, restarts) = block.split_last_chunk::<4>()?;
    let restarts = u32::from_le_bytes(*restarts);
    // The upper bits tell of forms that we do not write.
    if restarts == 0 || restarts >> 28 != 0 {
        return None;
    }
    let end = rest.len().checked_sub(4 * restarts as usize)?;
    let mut input = Input(&rest[..end]);
    let mut key = Vec::new();
    while !input.is_empty() {
        let (shared, own) = (input.length()?, input.length()?);
        key.truncate(shared);
        if key.len() != shared {
            return None;
        }
        key = take((key, own), &mut input)?;
    }
    Some(())
}

fn meta_handles(block: &[u8]) -> Option<BTreeMap<String, Handle>> {
    let entries = entries(block)?.into_iter().map(|(name, at)| {
        let name = String::from_utf8(name).ok()?;
        Some((name, Handle::read(&mut Input(&at))?))
    });
    entries.collect()
}

/// The rows of a block, or its ranges of deleted keys; `None` where it holds something else.
fn rows_of(block: &[u8], ranges: bool) -> Option<Vec<Row>> {
    let rows = entries(block)?.into_iter().map(|(mut key, value)| {
        let (_, tail) = key.split_last_chunk::<8>()?;
        let tail = u64::from_le_bytes(*tail);
        key.truncate(key.len() - 8);
        let value = match (tail as u8, ranges) {
            (0x1, false) | (0xf, true) => Some(value),
            (0x0 | 0x7, false) => None,
            _ => return None,
        };
        Some(Row { key, sequence: tail >> 8, value })
    });
    rows.collect()
}
