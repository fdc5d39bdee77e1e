//! Feeds and their states as they are kept.

use dnsbl_formats::Format;
use dnsbl_store::{BodyError, BodyFormat, Document, DocumentError, DocumentId, DocumentKind};
use dnsbl_types::{Guard, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    content::Content,
    feed::{Feed, FeedName, Origin, Share},
    import::{Imported, Note},
    state::{Failing, FeedState},
};

/// The kind of documents that feeds are.
pub(crate) const FEED: DocumentKind = DocumentKind::from_static("feed");
/// The kind of documents that their states are.
pub(crate) const STATE: DocumentKind = DocumentKind::from_static("feed-state");

const FORMAT: BodyFormat = BodyFormat(1);

#[derive(Serialize, Deserialize)]
struct FeedValue {
    zone: String,
    source: String,
    origin: OriginValue,
    format: String,
    dataset: Option<String>,
    field: Option<String>,
    every: u64,
    max_removed: u32,
    max_rejected: u32,
    expires_in: Option<u64>,
    lifted: Vec<String>,
    allow_private: bool,
}

#[derive(Serialize, Deserialize)]
enum OriginValue {
    Path(String),
    Url(String),
}

#[derive(Serialize, Deserialize)]
struct StateValue {
    /// Of which feed it is; what was imported with other settings says nothing.
    feed: FeedValue,
    last_attempt: Option<u64>,
    last_success: Option<u64>,
    last_import: Option<u64>,
    imported: Option<ImportedValue>,
    failing: Option<FailingValue>,
    content: Option<ContentValue>,
}

#[derive(Serialize, Deserialize)]
struct ImportedValue {
    id: String,
    seq: u64,
    counts: [u64; 5],
    notes: Vec<(Option<u64>, String)>,
}

#[derive(Serialize, Deserialize)]
struct FailingValue {
    since: u64,
    times: u64,
    reason: String,
    detail: String,
    notes: Vec<(Option<u64>, String)>,
}

#[derive(Serialize, Deserialize)]
struct ContentValue {
    digest: [u8; 32],
    bytes: u64,
    etag: Option<String>,
    last_modified: Option<String>,
    expires_at: Option<u64>,
}

/// The document of a feed, with its URL as it is.
pub(crate) fn document(feed: &Feed) -> Result<Document, DocumentError> {
    Document::new(FEED, id(&feed.name)?, Vec::new(), None, FORMAT.encode(&feed_value(feed)))
}

/// The document of a feed's state.
pub(crate) fn state_document(feed: &Feed, state: &FeedState) -> Result<Document, DocumentError> {
    let notes = |notes: &[Note]| notes.iter().map(|note| (note.line, note.text.clone())).collect();
    let value = StateValue {
        feed: feed_value(feed),
        last_attempt: state.last_attempt.map(|at| at.0),
        last_success: state.last_success.map(|at| at.0),
        last_import: state.last_import.map(|at| at.0),
        imported: state.imported.as_ref().map(|imported| {
            let Imported { id, seq, added, updated, unchanged, removed, rejected, notes: told } =
                imported;
            let counts = [*added, *updated, *unchanged, *removed, *rejected];
            ImportedValue { id: id.clone(), seq: *seq, counts, notes: notes(told) }
        }),
        failing: state.failing.as_ref().map(|failing| FailingValue {
            since: failing.since.0,
            times: failing.times,
            reason: failing.reason.clone(),
            detail: failing.detail.clone(),
            notes: notes(&failing.notes),
        }),
        content: state.content.clone().map(|content| ContentValue {
            digest: content.digest,
            bytes: content.bytes,
            etag: content.etag,
            last_modified: content.last_modified,
            expires_at: content.expires_at.map(|at| at.0),
        }),
    };
    Ok(Document::new(STATE, id(&feed.name)?, Vec::new(), None, FORMAT.encode(&value))?.as_step())
}

/// The id of both documents.
pub(crate) fn id(name: &FeedName) -> Result<DocumentId, DocumentError> {
    name.as_str().parse()
}

/// The feed in a document.
pub(crate) fn read(document: &Document) -> Result<Feed, BodyError> {
    read_feed(FORMAT.decode(document)?, document)
}

/// The state in a document, and the feed as it was then.
pub(crate) fn read_state(document: &Document) -> Result<(Feed, FeedState), BodyError> {
    let value: StateValue = FORMAT.decode(document)?;
    let notes = |notes: Vec<(Option<u64>, String)>| {
        notes.into_iter().map(|(line, text)| Note { line, text }).collect()
    };
    let state = FeedState {
        last_attempt: value.last_attempt.map(UnixTime),
        last_success: value.last_success.map(UnixTime),
        last_import: value.last_import.map(UnixTime),
        imported: value.imported.map(|imported| {
            let [added, updated, unchanged, removed, rejected] = imported.counts;
            let (id, seq, notes) = (imported.id, imported.seq, notes(imported.notes));
            Imported { id, seq, added, updated, unchanged, removed, rejected, notes }
        }),
        failing: value.failing.map(|failing| Failing {
            since: UnixTime(failing.since),
            times: failing.times,
            reason: failing.reason,
            detail: failing.detail,
            notes: notes(failing.notes),
        }),
        content: value.content.map(|content| Content {
            digest: content.digest,
            bytes: content.bytes,
            etag: content.etag,
            last_modified: content.last_modified,
            expires_at: content.expires_at.map(UnixTime),
        }),
    };
    Ok((read_feed(value.feed, document)?, state))
}

fn feed_value(feed: &Feed) -> FeedValue {
    FeedValue {
        zone: feed.zone.to_string(),
        source: feed.source.to_string(),
        origin: match &feed.origin {
            Origin::Path(path) => OriginValue::Path(path.to_string_lossy().into_owned()),
            Origin::Url(url) => OriginValue::Url(url.secret().to_owned()),
        },
        format: feed.format.name().into(),
        dataset: feed.format.dataset(),
        field: feed.format.field().map(ToString::to_string),
        every: feed.every,
        max_removed: feed.max_removed.millionths(),
        max_rejected: feed.max_rejected.millionths(),
        expires_in: feed.expires_in,
        lifted: feed.lifted.iter().map(|guard| guard.as_str().into()).collect(),
        allow_private: feed.allow_private,
    }
}

fn read_feed(value: FeedValue, document: &Document) -> Result<Feed, BodyError> {
    let format = Format::new(&value.format, value.dataset.as_deref(), value.field.as_deref());
    let guard = |name: &String| {
        Guard::from_name(name).ok_or_else(|| BodyError::damaged(format!("guard {name}")))
    };
    Ok(Feed {
        name: document.id().as_str().parse().map_err(BodyError::damaged)?,
        zone: value.zone.parse().map_err(BodyError::damaged)?,
        source: value.source.parse().map_err(BodyError::damaged)?,
        origin: match value.origin {
            OriginValue::Path(path) => Origin::path(path.into()).map_err(BodyError::damaged)?,
            OriginValue::Url(url) => Origin::Url(url.parse().map_err(BodyError::damaged)?),
        },
        format: format.map_err(BodyError::damaged)?,
        every: value.every,
        max_removed: Share::of_millionths(value.max_removed).map_err(BodyError::damaged)?,
        max_rejected: Share::of_millionths(value.max_rejected).map_err(BodyError::damaged)?,
        expires_in: value.expires_in,
        lifted: value.lifted.iter().map(guard).collect::<Result<_, _>>()?,
        allow_private: value.allow_private,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_and_its_state_are_read_as_they_were_written() {
        let feed = Feed {
            name: "drop-v4".parse().unwrap(),
            zone: "bl.example.org".parse().unwrap(),
            source: "drop".parse().unwrap(),
            origin: Origin::Url("https://me:pw@lists.example/drop.json?key=1".parse().unwrap()),
            format: Format::new("ndjson", None, Some("cidr")).unwrap(),
            every: 3600,
            max_removed: Share::FIFTH,
            max_rejected: Share::TWENTIETH,
            expires_in: Some(86_400),
            lifted: vec![Guard::SpecialUse],
            allow_private: true,
        };
        assert_eq!(read(&document(&feed).unwrap()).unwrap(), feed);
        let notes =
            vec![Note { line: Some(3), text: "x".into() }, Note { line: None, text: "y".into() }];
        let state = FeedState {
            last_attempt: Some(UnixTime(3)),
            last_success: Some(UnixTime(2)),
            last_import: Some(UnixTime(1)),
            imported: Some(Imported {
                id: "0000000a".into(),
                seq: 9,
                added: 1,
                rejected: 2,
                notes: notes.clone(),
                ..Imported::default()
            }),
            failing: Some(Failing {
                since: UnixTime(3),
                times: 1,
                reason: "a".into(),
                detail: "b".into(),
                notes,
            }),
            content: Some(Content {
                digest: [7; 32],
                bytes: 5,
                etag: Some("\"x\"".into()),
                last_modified: None,
                expires_at: Some(UnixTime(8)),
            }),
        };
        assert_eq!(read_state(&state_document(&feed, &state).unwrap()).unwrap(), (feed, state));
    }
}
