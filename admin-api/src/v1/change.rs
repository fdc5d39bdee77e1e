//! The change feed, a line for each operation.

use dnsbl_store::{ImportSummary, LogEntry, Op};
use serde::Serialize;
use utoipa::ToSchema;

use super::{import::CountsOut, listing::ListingOut, time, zone::ZoneOut};

/// A line of the feed. The last line is `{"end":true,"next":SEQ}`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ChangeLine)]
pub(crate) enum LineOut {
    /// A change that the token may not see, or the end.
    Hidden(HiddenOut),
    /// What was changed.
    Op(Box<OpOut>),
    /// The end.
    End(EndOut),
}

/// A change that the token may not see.
#[derive(Serialize, ToSchema)]
#[schema(as = HiddenChange)]
pub(crate) struct HiddenOut {
    seq: u64,
    /// `hidden`.
    op: &'static str,
}

/// The last line of an answer that is whole.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangesEnd)]
pub(crate) struct EndOut {
    /// True.
    pub(crate) end: bool,
    /// What to send as `after` the next time.
    pub(crate) next: u64,
}

/// What was changed. A change of several operations has several lines with one `seq`.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct OpOut {
    /// Its place in the one order.
    seq: u64,
    /// Which history this is.
    epoch: u64,
    /// When.
    at: String,
    /// `zone-put`, `zone-delete`, `put`, `delete`, `expire`, `import`, `token-put` or `token-delete`.
    op: &'static str,
    /// In which zone.
    zone: Option<String>,
    /// Of which subject.
    subject: Option<String>,
    /// Of which source.
    source: Option<String>,
    /// The listing as it now is; null where it went.
    listing: Option<ListingOut>,
    /// The listing as it was; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<ListingOut>,
    /// An import; its rows are in the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<ImportLine>,
    /// The zone's settings as they now are.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone_settings: Option<ZoneOut>,
    /// A token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenLine>,
}

/// An import in the feed.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportChange)]
pub(crate) struct ImportLine {
    id: String,
    source: String,
    /// `upsert` or `replace-source`.
    mode: &'static str,
    #[serde(flatten)]
    counts: CountsOut,
    /// BLAKE3 over the accepted rows.
    digest: String,
}

/// A token in the feed.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenChange)]
pub(crate) struct TokenLine {
    id: String,
    name: String,
    /// Null where it was revoked.
    scopes: Option<Vec<String>>,
}

/// The lines of an entry.
pub(crate) fn lines(entry: &LogEntry, shows_tokens: bool) -> Vec<LineOut> {
    let of_token = |op: &Op| matches!(op, Op::PutToken { .. } | Op::DeleteToken { .. });
    if !shows_tokens && entry.ops.iter().any(of_token) {
        let (seq, op) = (entry.seq, "hidden");
        return vec![LineOut::Hidden(HiddenOut { seq, op })];
    }
    let lines = entry.ops.iter().map(|op| Box::new(line(entry, op)));
    lines.map(LineOut::Op).collect()
}

fn line(entry: &LogEntry, op: &Op) -> OpOut {
    let (listing, previous) = match op {
        Op::Put { listing, previous, .. } => (Some(listing), previous.as_ref()),
        Op::Delete { previous, .. } => (None, Some(previous)),
        _ => (None, None),
    };
    OpOut {
        seq: entry.seq,
        epoch: entry.epoch,
        at: time::write(entry.at),
        op: op.word(),
        zone: op.zone().map(ToString::to_string),
        subject: op.listing().map(|listing| listing.subject.to_string()),
        source: op.source().map(ToString::to_string),
        listing: listing.map(|listing| (&**listing).into()),
        previous: previous.map(|listing| (&**listing).into()),
        import: match op {
            Op::Import { import, .. } => Some((&**import).into()),
            _ => None,
        },
        zone_settings: match op {
            Op::PutZone { zone, .. } => Some((&**zone).into()),
            _ => None,
        },
        token: token(op),
    }
}

fn token(op: &Op) -> Option<TokenLine> {
    let (id, name, scopes) = match op {
        Op::PutToken { id, name, scopes } => (id, name, Some(scopes.clone())),
        Op::DeleteToken { id, name } => (id, name, None),
        _ => return None,
    };
    Some(TokenLine { id: id.clone(), name: name.clone(), scopes })
}

impl From<&ImportSummary> for ImportLine {
    fn from(import: &ImportSummary) -> Self {
        Self {
            id: import.id.clone(),
            source: import.source.to_string(),
            mode: if import.replaced { "replace-source" } else { "upsert" },
            counts: import.counts.into(),
            digest: import.digest.clone(),
        }
    }
}
