//! The format of the WAL and of the MANIFEST: records in fragments, in blocks of 32 KiB.

use std::ops::Range;

use super::bytes::{Input, crc32c, mask};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
/// Headers of records that can be told from those of an earlier file have its number too.
const LONG_HEADER: usize = HEADER + 4;

/// What lies in a file, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole record.
    Record { at: Range<usize>, bytes: Vec<u8> },
    /// Bytes that belong to no whole record.
    Lost(Lost),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) at: Range<usize>,
    /// Whether, after its first byte, another record begins in it.
    pub(crate) begins: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    First,
    Middle,
    Last,
    /// About the file, not in it.
    Note,
}

struct Fragment<'a> {
    kind: Kind,
    body: &'a [u8],
    end: usize,
}

/// Reads everything that can be read, also behind what can't.
pub(crate) fn read(file: &[u8]) -> Vec<Found> {
    let mut reader = Reader { found: Vec::new(), open: None, lost: None };
    let mut at = 0;
    while at < file.len() {
        let block_end = (at / BLOCK + 1) * BLOCK;
        if block_end - at < HEADER {
            at = block_end;
            continue;
        }
        match fragment(file, at) {
            Some(fragment) => {
                let start = at;
                at = fragment.end;
                reader.take(start, &fragment);
            }
            None => {
                // Zeros to the end are what a file system leaves behind the last write.
                if file[at..].iter().all(|&byte| byte == 0) {
                    break;
                }
                reader.lose(at);
                at = next_fragment(file, at + 1, block_end.min(file.len()));
            }
        }
    }
    reader.finish(file.len())
}

/// Where the part ends of which every byte belongs to whole records, if nothing begins behind it: so looks
/// a file whose last write was cut off. `None` where all is whole, or more than the last write is damaged.
pub(crate) fn torn_at(found: &[Found]) -> Option<usize> {
    let whole = found.iter().take_while(|found| matches!(found, Found::Record { .. }));
    let tail = &found[whole.clone().count()..];
    let end = match whole.last() {
        Some(Found::Record { at, .. }) => at.end,
        _ => 0,
    };
    let torn = !tail.is_empty()
        && tail.iter().enumerate().all(|(i, found)| match found {
            Found::Lost(lost) => i == 0 && !lost.begins,
            Found::Record { .. } => false,
        });
    torn.then_some(end)
}

struct Reader {
    found: Vec<Found>,
    /// Where a record began whose end has not come yet, and its bytes.
    open: Option<(usize, Vec<u8>)>,
    /// What was lost since the last whole record.
    lost: Option<Lost>,
}

impl Reader {
    fn take(&mut self, start: usize, fragment: &Fragment<'_>) {
        match fragment.kind {
            Kind::Note => {}
            Kind::Full => {
                self.end_lost(start);
                let (at, bytes) = (start..fragment.end, fragment.body.to_vec());
                self.found.push(Found::Record { at, bytes });
            }
            Kind::First => {
                if let Some((from, _)) = self.open.take() {
                    self.lose(from);
                }
                if let Some(lost) = &mut self.lost {
                    lost.begins = true;
                }
                self.open = Some((start, fragment.body.to_vec()));
            }
            Kind::Middle | Kind::Last => match &mut self.open {
                None => self.lose(start),
                Some((_, bytes)) => {
                    bytes.extend_from_slice(fragment.body);
                    if fragment.kind == Kind::Last
                        && let Some((from, bytes)) = self.open.take()
                    {
                        self.end_lost(from);
                        self.found.push(Found::Record { at: from..fragment.end, bytes });
                    }
                }
            },
        }
    }

    /// Nothing whole lies here; a record that was open is none.
    fn lose(&mut self, at: usize) {
        let from = self.open.take().map_or(at, |(from, _)| from);
        self.lost.get_or_insert(Lost { at: from..from, begins: false });
    }

    fn end_lost(&mut self, end: usize) {
        if let Some((from, _)) = self.open.take() {
            self.lose(from);
        }
        if let Some(mut lost) = self.lost.take() {
            lost.at.end = end;
            self.found.push(Found::Lost(lost));
        }
    }

    fn finish(mut self, end: usize) -> Vec<Found> {
        self.end_lost(end);
        self.found
    }
}

/// The fragment here, if its checksum is right.
fn fragment(file: &[u8], at: usize) -> Option<Fragment<'_>> {
    let mut input = Input(file.get(at..)?);
    let crc = input.fixed32()?;
    let len = usize::from(u16::from_le_bytes(input.bytes(2)?.try_into().ok()?));
    let kind = input.byte()?;
    let (kind, header) = match kind {
        1 => (Kind::Full, HEADER),
        2 => (Kind::First, HEADER),
        3 => (Kind::Middle, HEADER),
        4 => (Kind::Last, HEADER),
        5 => (Kind::Full, LONG_HEADER),
        6 => (Kind::First, LONG_HEADER),
        7 => (Kind::Middle, LONG_HEADER),
        8 => (Kind::Last, LONG_HEADER),
        9 | 10 | 130 => (Kind::Note, HEADER),
        11 | 131 => (Kind::Note, LONG_HEADER),
        _ => return None,
    };
    let end = at + header + len;
    if at / BLOCK != (end - 1) / BLOCK {
        return None;
    }
    let checked = file.get(at + 6..end)?;
    let body = file.get(at + header..end)?;
    (mask(crc32c(&[checked])) == crc).then_some(Fragment { kind, body, end })
}

/// The first place from `at` on where a fragment stands in this block, else its end.
fn next_fragment(file: &[u8], at: usize, block_end: usize) -> usize {
    (at..block_end).find(|&at| fragment(file, at).is_some()).unwrap_or(block_end)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Found, HEADER, crc32c, mask, read, torn_at};

    /// A file of these records, and where each begins.
    fn write(records: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let (mut file, mut starts) = (Vec::new(), Vec::new());
        for record in records {
            let mut rest = record.as_slice();
            let mut first = true;
            loop {
                let room = BLOCK - file.len() % BLOCK;
                if room < HEADER {
                    file.extend(vec![0; room]);
                    continue;
                }
                if first {
                    starts.push(file.len());
                }
                let (now, later) = rest.split_at(rest.len().min(room - HEADER));
                let kind = match (first, later.is_empty()) {
                    (true, true) => 1,
                    (true, false) => 2,
                    (false, false) => 3,
                    (false, true) => 4,
                };
                file.extend(mask(crc32c(&[&[kind], now])).to_le_bytes());
                file.extend((now.len() as u16).to_le_bytes());
                file.push(kind);
                file.extend(now);
                rest = later;
                first = false;
                if rest.is_empty() {
                    break;
                }
            }
        }
        (file, starts)
    }

    fn records(found: &[Found]) -> Vec<&[u8]> {
        let records = found.iter().filter_map(|found| match found {
            Found::Record { bytes, .. } => Some(bytes.as_slice()),
            Found::Lost(_) => None,
        });
        records.collect()
    }

    fn some_records() -> Vec<Vec<u8>> {
        (1..=40u8).map(|i| vec![i; usize::from(i) * 400]).collect()
    }

    #[test]
    fn records_of_any_length_are_read_back() {
        let wanted = some_records();
        let (file, _) = write(&wanted);
        let found = read(&file);
        assert_eq!(records(&found), wanted);
        assert_eq!(torn_at(&found), None);
        let padded = [file, vec![0; 5000]].concat();
        assert_eq!(torn_at(&read(&padded)), None, "zeros behind the last record are no damage");
    }

    #[test]
    fn one_bad_bit_costs_one_record() {
        let wanted = some_records();
        let (file, starts) = write(&wanted);
        for at in (0..file.len()).step_by(1013) {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            let found = read(&damaged);
            let hit = starts.iter().filter(|&&start| start <= at).count() - 1;
            let mut expected = wanted.clone();
            expected.remove(hit);
            let padding = (at..at + HEADER).any(|at| at % BLOCK == 0) && records(&found) == wanted;
            assert!(records(&found) == expected || padding, "byte {at}");
            assert_eq!(torn_at(&found).is_some(), hit == wanted.len() - 1 && !padding, "byte {at}");
        }
    }

    #[test]
    fn a_last_write_of_which_any_pages_are_missing_is_torn_and_ends_where_the_one_before_does() {
        let mut wanted = some_records();
        wanted.push(vec![99; 3 * BLOCK]);
        let (file, starts) = write(&wanted);
        let last = starts[starts.len() - 1];
        for kept in 0..255u32 {
            let mut cut = file.clone();
            for (at, byte) in cut.iter_mut().enumerate().skip(last) {
                if kept & (1 << (at / 4096 % 8)) == 0 {
                    *byte = 0;
                }
            }
            let found = read(&cut);
            assert_eq!(records(&found), wanted[..wanted.len() - 1]);
            if kept & 0xff != 0 {
                let whole = starts[starts.len() - 2] + HEADER + 40 * 400;
                let end = torn_at(&found);
                assert!(end.is_none_or(|end| end >= whole && end <= last), "{kept}: {end:?}");
                let zeros = cut[last..].iter().all(|&byte| byte == 0);
                assert_eq!(end.is_none(), zeros, "{kept}");
            }
        }
    }
}
