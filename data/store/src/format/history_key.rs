//! The keys under which audit records are found by their subject.
//!
//! A subject's key, then the record's own: sequence number and operation. The first byte of a sequence number is 0, for the
//! next 2⁵⁶ changes; what follows the key of a domain in those of longer ones is the first byte of a label, which is not.

use dnsbl_types::Subject;

use crate::{
    StoreError,
    format::{
        key,
        log::{Op, read_seq},
    },
};

/// The length of an audit record's key.
const RECORD: usize = 12;

/// The key of an audit record.
pub(crate) fn record(seq: u64, op: u32) -> [u8; RECORD] {
    let mut key = [0; RECORD];
    key[..8].copy_from_slice(&seq.to_be_bytes());
    key[8..].copy_from_slice(&op.to_be_bytes());
    key
}

/// Whether this is the key of an audit record.
pub(crate) fn is_record(key: &[u8]) -> bool {
    key.len() == RECORD
}

/// The key under which a record is found by a subject.
pub(crate) fn of(subject: &Subject, record: &[u8]) -> Vec<u8> {
    [&key::subject(subject), record].concat()
}

/// The first key behind those of a subject.
pub(crate) fn end(subject: &Subject) -> Vec<u8> {
    of(subject, &[1])
}

/// The record that a key leads to: its sequence number, and its own key.
pub(crate) fn read(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let record = bytes.last_chunk::<RECORD>();
    let record = record.ok_or_else(|| StoreError::unreadable("history", format!("{bytes:x?}")))?;
    Ok((read_seq(&record[..8])?, record))
}

/// The subject by which an operation's record is found.
pub(crate) fn subject(op: &Op) -> Option<&Subject> {
    match op {
        Op::PutAllow { entry, .. } | Op::DeleteAllow { previous: entry, .. } => {
            Some(&entry.subject)
        }
        _ => op.listing().map(|listing| &listing.subject),
    }
}

/// The same of an audit record, by its words.
pub(crate) fn subject_of_record(action: &str, subject: Option<&str>) -> Option<Subject> {
    let is_of_subject = matches!(
        action,
        "put" | "delete" | "expire" | "allow-put" | "allow-delete" | "allow-expire"
    );
    subject.filter(|_| is_of_subject)?.parse().ok()
}
