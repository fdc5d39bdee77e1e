//! The MANIFEST: which tables make up the database, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::Input,
    records::{self, Found},
};

/// What a MANIFEST says, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// Column families by number.
    pub(crate) families: BTreeMap<u32, String>,
    pub(crate) tables: BTreeMap<u64, Table>,
    /// Tables that are no part of the database any more.
    pub(crate) dropped: BTreeSet<u64>,
    /// Records that can't be read.
    pub(crate) lost: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) family: u32,
    pub(crate) bytes: u64,
    /// Its first and last key.
    pub(crate) keys: (Vec<u8>, Vec<u8>),
    /// The sequence numbers of its rows, which those of a table from outside do not have.
    pub(crate) sequences: (u64, u64),
}

impl Manifest {
    pub(crate) fn read(file: &[u8]) -> Self {
        let mut manifest = Self::default();
        manifest.families.insert(0, "default".into());
        for found in records::read(file) {
            let read = match &found {
                Found::Record { bytes, .. } => manifest.apply(bytes),
                Found::Lost(_) => None,
            };
            manifest.lost += usize::from(read.is_none());
        }
        manifest
    }

    /// Takes one edit.
    fn apply(&mut self, record: &[u8]) -> Option<()> {
        let mut input = Input(record);
        let (mut family, mut added, mut dropped) = (0, Vec::new(), Vec::new());
        let (mut name, mut is_dropped) = (None, false);
        while !input.is_empty() {
            match input.varint()? {
                // Comparator, and from 8192 on what may be passed over.
                1 => drop(input.slice()?),
                tag if tag & 1 << 13 != 0 => drop(input.slice()?),
                2 | 3 | 4 | 9 | 10 | 203 | 300 => drop(input.varint()?),
                5 => {
                    input.varint()?;
                    input.slice()?;
                }
                6 => {
                    input.varint()?;
                    dropped.push(input.varint()?);
                }
                103 => added.push(new_table(&mut input)?),
                200 => family = u32::try_from(input.varint()?).ok()?,
                201 => name = Some(String::from_utf8_lossy(input.slice()?).into_owned()),
                202 => is_dropped = true,
                _ => return None,
            }
        }
        if let Some(name) = name {
            self.families.insert(family, name);
        }
        if is_dropped {
            self.families.remove(&family);
            let of_family = self.tables.iter().filter(|(_, table)| table.family == family);
            dropped.extend(of_family.map(|(number, _)| *number));
        }
        for number in dropped {
            self.tables.remove(&number);
            self.dropped.insert(number);
        }
        for (number, table) in added {
            self.dropped.remove(&number);
            self.tables.insert(number, Table { family, ..table });
        }
        Some(())
    }
}

fn new_table(input: &mut Input<'_>) -> Option<(u64, Table)> {
    input.varint()?;
    let (number, bytes) = (input.varint()?, input.varint()?);
    let mut key = || {
        let key = input.slice()?;
        Some(key[..key.len().checked_sub(8)?].to_vec())
    };
    let keys = (key()?, key()?);
    let sequences = (input.varint()?, input.varint()?);
    while input.varint()? != 1 {
        input.slice()?;
    }
    // The path is in the upper two bits of the number, which we do not use.
    Some((number, Table { family: 0, bytes, keys, sequences }))
}
