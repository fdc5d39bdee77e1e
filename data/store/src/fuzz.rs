//! Stored bytes read as whatever they may be, for the fuzz target `stored-value`.

use dnsbl_types::SubscriberId;

use crate::format::{
    allow_entry::AllowRecord,
    audit, block, codec, document, key,
    log::{decode_entry, encode_entry},
    row::{self, Row},
    subscriber::SubscriberRecord,
};

/// How many kinds of values [`read_value`] knows.
pub const KINDS: u8 = 8;

/// Whether `bytes` are a stored value of a kind, numbered from 0. What can be read is written and read
/// again, and must be the same.
pub fn read_value(kind: u8, bytes: &[u8]) -> bool {
    match kind % KINDS {
        0 => {
            let Ok(row) = codec::decode::<Row>("listing", bytes) else {
                // What reads no more than the head may be content with less.
                return row::decode_answer(bytes).is_ok();
            };
            assert_eq!(
                codec::decode::<Row>("listing", &codec::encode(&row)).ok(),
                Some(row.clone())
            );
            let answer = row::decode_answer(bytes).expect("a whole row has a head");
            let answer = answer.map(|listing| listing.entry().ok());
            let whole = row.listing().map(|listing| listing.entry().ok());
            assert_eq!(answer, whole, "both ways decide the same");
            true
        }
        1 => {
            let Ok(entry) = decode_entry(1, bytes) else { return false };
            assert_eq!(decode_entry(1, &encode_entry(&entry)).ok(), Some(entry));
            true
        }
        2 => audit::decode(bytes).is_ok(),
        3 => {
            let mut lows = Vec::new();
            if block::decode(bytes, &mut lows).is_err() {
                return false;
            }
            let is_sorted = lows.is_sorted_by(|a, b| a < b);
            let is_there = |low: &u16| block::contains(bytes, *low).is_ok_and(|is_there| is_there);
            assert!(!is_sorted || lows.iter().all(is_there), "{bytes:?}");
            true
        }
        4 => {
            let kind = document::kind("kind").expect("a good kind");
            let id = document::id("id").expect("a good id");
            document::decode(kind, id, bytes).is_ok()
        }
        5 => {
            let Ok(subject) = key::read_subject(bytes) else { return false };
            assert_eq!(key::read_subject(&key::subject(&subject)).ok(), Some(subject));
            true
        }
        6 => {
            let id = SubscriberId(1);
            let Ok(record) = SubscriberRecord::decode(id, bytes) else { return false };
            assert_eq!(SubscriberRecord::decode(id, &record.encode()).ok(), Some(record));
            true
        }
        _ => {
            let Ok(record) = AllowRecord::decode(bytes) else { return false };
            assert_eq!(AllowRecord::decode(&record.encode()).ok(), Some(record));
            true
        }
    }
}
