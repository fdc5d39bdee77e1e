//! What a record of the WAL says: a batch of writes.

use super::bytes::Input;

/// A batch; its writes have ascending numbers, beginning with `sequence`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch<'a> {
    pub(crate) sequence: u64,
    /// Each with the number of its column family.
    pub(crate) writes: Vec<(u32, Write<'a>)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Write<'a> {
    Put {
        key: &'a [u8],
        value: &'a [u8],
    },
    Delete {
        key: &'a [u8],
    },
    /// From the first key up to the second, without it.
    DeleteRange {
        from: &'a [u8],
        to: &'a [u8],
    },
}

/// Reads a batch; `None` where it has what we never write.
pub(crate) fn read(record: &[u8]) -> Option<Batch<'_>> {
    let mut input = Input(record);
    let (sequence, count) = (input.fixed64()?, input.fixed32()?);
    let mut writes = Vec::new();
    while let Some(tag) = input.byte() {
        let family = match tag {
            0x4 | 0x5 | 0x8 | 0xe => u32::try_from(input.varint()?).ok()?,
            _ => 0,
        };
        let write = match tag {
            0x1 | 0x5 => Write::Put { key: input.slice()?, value: input.slice()? },
            0x0 | 0x4 | 0x7 | 0x8 => Write::Delete { key: input.slice()? },
            0xe | 0xf => Write::DeleteRange { from: input.slice()?, to: input.slice()? },
            // Data for replication, and nothing.
            0x3 => {
                input.slice()?;
                continue;
            }
            0xd => continue,
            _ => return None,
        };
        writes.push((family, write));
    }
    (writes.len() == count as usize).then_some(Batch { sequence, writes })
}

#[cfg(test)]
mod tests {
    use super::{Write, read};

    #[test]
    fn a_batch_of_the_library_is_read() {
        let mut batch = rocksdb::WriteBatch::default();
        batch.put(b"a", b"1");
        batch.delete(b"b");
        batch.delete_range(b"c", b"d");
        let found = read(batch.data()).unwrap();
        let writes: Vec<_> = found.writes.iter().map(|(_, write)| write).collect();
        let (a, b) = (Write::Put { key: b"a", value: b"1" }, Write::Delete { key: b"b" });
        assert_eq!(writes, [&a, &b, &Write::DeleteRange { from: b"c", to: b"d" }]);
        assert!(read(&batch.data()[..batch.data().len() - 1]).is_none());
    }
}
