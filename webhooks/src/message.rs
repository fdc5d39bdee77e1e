//! Messages: some changes in their order, as one body (Standard Webhooks 1.0, *Payload structure*).

use dnsbl_store::LogEntry;
use dnsbl_types::UnixTime;
use jiff::Timestamp;

use crate::webhook::WebhookId;

/// What a message may hold. A change is never cut, so one that is larger by itself is a message of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Lines, one for each operation.
    pub lines: usize,
    /// Octets of these lines.
    pub octets: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { lines: 100, octets: 256 << 10 }
    }
}

/// Some entries of the change log, as far as a message goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The last change that it tells of, or has nothing to tell of.
    pub(crate) next: u64,
    /// `None` where no entry has anything to tell of.
    pub(crate) message: Option<Message>,
}

/// What is sent, and sent again in the same words until it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The same for the same changes.
    pub(crate) id: String,
    pub(crate) body: String,
}

/// The first message behind a position. `told` is the last change of the message before; `write` gives the lines of an
/// entry, none where there is nothing to tell.
pub(crate) fn batch(
    webhook: &WebhookId,
    told: u64,
    entries: &[LogEntry],
    limits: BatchLimits,
    mut write: impl FnMut(&LogEntry) -> Vec<String>,
) -> Option<Batch> {
    let mut lines: Vec<String> = Vec::new();
    let mut octets = 0;
    let mut last: Option<&LogEntry> = None;
    let mut next = entries.first()?.seq;
    for entry in entries {
        let of_entry = write(entry);
        let more: usize = of_entry.iter().map(String::len).sum();
        let is_full = lines.len() + of_entry.len() > limits.lines || octets + more > limits.octets;
        if is_full && !lines.is_empty() && !of_entry.is_empty() {
            break;
        }
        if !of_entry.is_empty() {
            last = Some(entry);
        }
        octets += more;
        lines.extend(of_entry);
        next = entry.seq;
    }
    let message = last.map(|last| {
        let (epoch, at) = (last.epoch, timestamp(last.at));
        Message {
            id: format!("{webhook}-{epoch}-{}-{next}", told + 1),
            body: format!(
                r#"{{"type":"changes","timestamp":"{at}","data":{{"webhook":"{webhook}","after":{told},"next":{next},"changes":[{}]}}}}"#,
                lines.join(",")
            ),
        }
    });
    Some(Batch { next, message })
}

/// A time as RFC 3339 has it.
fn timestamp(at: UnixTime) -> Timestamp {
    let second = i64::try_from(at.0).unwrap_or(i64::MAX);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn entry(seq: u64) -> LogEntry {
        let (actor, token, ops) = ("test".to_owned(), None, Vec::new());
        LogEntry { seq, epoch: 2, at: UnixTime(1_700_000_000), actor, token, ops }
    }

    fn id() -> WebhookId {
        WebhookId::of_random([0; 8])
    }

    #[test]
    fn a_message_says_what_it_follows_and_how_far_it_goes() {
        let entries: Vec<LogEntry> = (6..=9).map(entry).collect();
        let write = |entry: &LogEntry| match entry.seq {
            7 | 8 => vec![format!(r#"{{"seq":{}}}"#, entry.seq)],
            _ => Vec::new(),
        };
        let batch = batch(&id(), 5, &entries, BatchLimits::default(), write).unwrap();
        let message = batch.message.unwrap();
        assert_eq!((batch.next, &*message.id), (9, "wh-0000000000000000-2-6-9"));
        let body: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(
            (&body["type"], &body["timestamp"]),
            (&"changes".into(), &"2023-11-14T22:13:20Z".into())
        );
        let data = &body["data"];
        assert_eq!((data["after"].as_u64(), data["next"].as_u64()), (Some(5), Some(9)));
        assert_eq!(data["changes"][1]["seq"], 8);
        assert!(!message.id.contains('.'), "it is a part of what is signed");
    }

    #[test]
    fn nothing_to_tell_is_no_message() {
        let none = batch(&id(), 0, &[entry(1), entry(2)], BatchLimits::default(), |_| Vec::new());
        assert_eq!(none, Some(Batch { next: 2, message: None }));
        assert_eq!(batch(&id(), 0, &[], BatchLimits::default(), |_| Vec::new()), None);
    }

    proptest! {
        /// Message after message tells everything once, in order, within the limits, and no change in two.
        #[test]
        fn messages_tell_everything_in_order(
            sizes in prop::collection::vec(0usize..6, 1..60),
            lines in 1usize..8,
            octets in 1usize..200,
        ) {
            let limits = BatchLimits { lines, octets };
            let entries: Vec<LogEntry> = (1..=sizes.len() as u64).map(entry).collect();
            let write = |entry: &LogEntry| {
                let line = format!(r#"{{"seq":{}}}"#, entry.seq);
                vec![line; sizes[entry.seq as usize - 1]]
            };
            let (mut at, mut told, mut seen) = (0u64, 0u64, Vec::new());
            while let Some(batch) = batch(&id(), told, &entries[at as usize..], limits, write) {
                prop_assert!(batch.next > at);
                if let Some(message) = batch.message {
                    let body: Value = serde_json::from_str(&message.body).unwrap();
                    prop_assert_eq!(body["data"]["after"].as_u64(), Some(told));
                    let changes = body["data"]["changes"].as_array().unwrap();
                    let seqs: Vec<u64> = changes.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
                    let of_one_change = seqs.iter().all(|seq| *seq == seqs[0]);
                    prop_assert!(seqs.len() <= lines || of_one_change);
                    seen.extend(seqs);
                    told = batch.next;
                }
                at = batch.next;
            }
            let all: Vec<u64> = (1..).zip(&sizes).flat_map(|(seq, size)| vec![seq; *size]).collect();
            prop_assert_eq!(seen, all);
        }
    }
}
