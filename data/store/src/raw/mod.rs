//! RocksDB's files, read without RocksDB: what it refuses as a whole where a part can't be read.
//!
//! Everything here only reads. What it finds is what carries a right checksum; all else is said to be lost.

pub(crate) mod batch;
mod bytes;
mod lz4;
pub(crate) mod manifest;
pub(crate) mod records;
pub(crate) mod table;

pub(crate) use bytes::crc32c;
