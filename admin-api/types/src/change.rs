//! The change feed, a line for each operation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BulkChange, ImportCounts, Listing, SourceState, TokenTerms, UndoChange, Zone};

/// A line of the feed. The last line is `{"end":true,"next":SEQ}`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ChangeLine {
    /// A change that the token may not see, or the end.
    Hidden(HiddenChange),
    /// What was changed.
    Op(Box<Change>),
    /// A document that was changed.
    Document(DocumentChange),
    /// The end.
    End(ChangesEnd),
}

/// A change that the token may not see.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct HiddenChange {
    /// Its place in the one order.
    pub seq: u64,
    /// `hidden`.
    #[schema(value_type = String)]
    pub op: HiddenOp,
}

/// The operation of a [`HiddenChange`], which tells it from other lines.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HiddenOp {
    /// `hidden`.
    Hidden,
}

/// The last line of an answer that is whole.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
pub struct ChangesEnd {
    /// True.
    pub end: bool,
    /// What to send as `after` the next time.
    pub next: u64,
}

/// A sign of life among server-sent events.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Heartbeat {
    /// The last change that was sent.
    pub head: u64,
    /// When.
    pub at: String,
}

/// A change of a zone, a listing, a source, a token or a subscriber. One of several operations has several lines with one `seq`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Change {
    /// Its place in the one order.
    pub seq: u64,
    /// Which history this is.
    pub epoch: u64,
    /// When.
    pub at: String,
    /// `zone-put`, `zone-delete`, `put`, `delete`, `expire`, `import`, `purge`, `undo`, `source-put`, `token-put`, `token-delete`,
    /// `subscriber-put`, `subscriber-rotate`, `subscriber-delete`, `allow-put`, `allow-delete` or `allow-expire`.
    pub op: String,
    /// In which zone.
    pub zone: Option<String>,
    /// Of which subject.
    pub subject: Option<String>,
    /// Of which source.
    pub source: Option<String>,
    /// Who did it: the name of the token, or the part of the server.
    pub actor: String,
    /// The token's public id; null also for changes of older releases.
    pub token_id: Option<String>,
    /// The listing as it now is; null where it went.
    pub listing: Option<Listing>,
    /// The listing as it was; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Listing>,
    /// An import; its rows are in the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportChange>,
    /// The zone's settings as they now are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_settings: Option<Zone>,
    /// Listings of a source that were purged; they are no longer in the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<BulkChange>,
    /// An undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoChange>,
    /// A source that was frozen or thawed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_state: Option<SourceState>,
    /// A token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenChange>,
    /// A subscriber.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<SubscriberChange>,
    /// An allow entry, as it now is, or as it was where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_entry: Option<AllowEntryChange>,
}

/// A record of another part of the server that was changed, such as a relay test.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct DocumentChange {
    /// Its place in the one order.
    pub seq: u64,
    /// Which history this is.
    pub epoch: u64,
    /// When.
    pub at: String,
    /// The kind of the record and `-put` or `-delete`, as in `relay-test-put`.
    pub op: String,
    /// Which one.
    pub id: String,
}

/// An import in the feed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ImportChange {
    /// Its id.
    pub id: String,
    /// Whose listings.
    pub source: String,
    /// `upsert` or `replace-source`.
    pub mode: String,
    /// How many rows did what.
    #[serde(flatten)]
    pub counts: ImportCounts,
    /// BLAKE3 over the accepted rows.
    pub digest: String,
}

/// A token in the feed.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct TokenChange {
    /// Its public part.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Null where it has another secret, or was revoked.
    pub scopes: Option<Vec<String>>,
    /// What it writes as beside its own name; null where it has another secret, or was revoked.
    pub sources: Option<Vec<String>>,
    /// The token that it was made with.
    pub parent: Option<String>,
    /// From when on it counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What else limits it; null where it has another secret, or was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<TokenTerms>,
    /// Where it has another secret: until when those before count; null: they ended at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_until: Option<String>,
}

/// A subscriber in the feed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct SubscriberChange {
    /// Its number.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The zones that it may ask; null where it has another key, or was deleted.
    pub zones: Option<Vec<String>>,
    /// From when on it may not ask any more.
    pub expires_at: Option<String>,
    /// Until when the keys before a new one count; null: they ended at once.
    pub overlap_until: Option<String>,
}

/// An allow entry in the feed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct AllowEntryChange {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// From when on it does not hold any more; null: never.
    pub expires_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{ChangeLine, ChangesEnd};

    #[test]
    fn each_line_is_read_as_what_it_is() {
        let read = |line: &str| serde_json::from_str::<ChangeLine>(line);
        let hidden = r#"{"seq":18,"op":"hidden"}"#;
        assert!(matches!(read(hidden), Ok(ChangeLine::Hidden(hidden)) if hidden.seq == 18));
        let document =
            r#"{"seq":19,"epoch":1,"at":"2026-01-31T12:00:00Z","op":"relay-test-put","id":"a"}"#;
        assert!(matches!(read(document), Ok(ChangeLine::Document(_))));
        let put = r#"{"seq":17,"epoch":1,"at":"2026-01-31T12:00:00Z","op":"put","zone":"bl.example.org",
            "subject":"192.0.2.1","source":"ops","actor":"ops","token_id":null,"listing":null,"more":1}"#;
        assert!(matches!(read(put), Ok(ChangeLine::Op(put)) if put.op == "put"));
        let end = read(r#"{"end":true,"next":17}"#);
        assert!(matches!(end, Ok(ChangeLine::End(ChangesEnd { end: true, next: 17 }))));
        for cut in ["", "{}", r#"{"end":true}"#, r#"{"end":true,"next":1"#, r#"{"seq":1}"#] {
            assert!(read(cut).is_err(), "{cut}");
        }
    }
}
