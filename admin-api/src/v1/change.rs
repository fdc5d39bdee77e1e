//! The change feed, a line for each operation.

use dnsbl_store::{ImportSummary, LogEntry, Op};
use serde::Serialize;
use utoipa::ToSchema;

use super::{audit::shown_subject, import::CountsOut, listing::ListingOut, time, zone::ZoneOut};

/// A line of the feed. The last line is `{"end":true,"next":SEQ}`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ChangeLine)]
pub(crate) enum LineOut {
    /// A change that the token may not see, or the end.
    Hidden(HiddenOut),
    /// What was changed.
    Op(Box<OpOut>),
    /// A document that was changed.
    Document(DocumentOut),
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
    op: String,
    /// In which zone.
    zone: Option<String>,
    /// Of which subject.
    subject: Option<String>,
    /// Of which source.
    source: Option<String>,
    /// Who did it: the name of the token, or the part of the server.
    actor: String,
    /// The token's public id; null also for changes of older releases.
    token_id: Option<String>,
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

/// A record of another part of the server that was changed, such as a relay test.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentChange)]
pub(crate) struct DocumentOut {
    /// Its place in the one order.
    seq: u64,
    /// Which history this is.
    epoch: u64,
    /// When.
    at: String,
    /// The kind of the record and `-put` or `-delete`, as in `relay-test-put`.
    op: String,
    /// Which one.
    id: String,
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
    /// What it writes as beside its own name; null where it was revoked.
    sources: Option<Vec<String>>,
    /// The token that it was made with.
    parent: Option<String>,
}

/// What a token may see in the feed beside zones and listings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// Changes of tokens.
    pub(crate) tokens: bool,
    /// Changes of documents.
    pub(crate) documents: bool,
}

impl Sight {
    fn has(self, op: &Op) -> bool {
        match op {
            Op::PutToken { .. } | Op::DeleteToken { .. } => self.tokens,
            Op::PutDocument { .. } | Op::DeleteDocument { .. } => self.documents,
            _ => true,
        }
    }
}

/// The lines of an entry: its operations that may be seen, or one line that says there is nothing to see.
pub(crate) fn lines(entry: &LogEntry, sight: Sight) -> Vec<LineOut> {
    let seen = entry.ops.iter().filter(|op| sight.has(op));
    let lines: Vec<LineOut> = seen.map(|op| line(entry, op)).collect();
    if lines.is_empty() {
        let (seq, op) = (entry.seq, "hidden");
        return vec![LineOut::Hidden(HiddenOut { seq, op })];
    }
    lines
}

fn line(entry: &LogEntry, op: &Op) -> LineOut {
    let Some((_, id)) = op.document() else {
        return LineOut::Op(Box::new(op_line(entry, op)));
    };
    LineOut::Document(DocumentOut {
        seq: entry.seq,
        epoch: entry.epoch,
        at: time::write(entry.at),
        id: shown_subject(&op.word(), Some(id.as_str())).unwrap_or_default(),
        op: op.word().into_owned(),
    })
}

fn op_line(entry: &LogEntry, op: &Op) -> OpOut {
    let (listing, previous) = match op {
        Op::Put { listing, previous, .. } => (Some(listing), previous.as_ref()),
        Op::Delete { previous, .. } => (None, Some(previous)),
        _ => (None, None),
    };
    OpOut {
        seq: entry.seq,
        epoch: entry.epoch,
        at: time::write(entry.at),
        op: op.word().into_owned(),
        zone: op.zone().map(ToString::to_string),
        subject: op.listing().map(|listing| listing.subject.to_string()),
        source: op.source().map(ToString::to_string),
        actor: entry.actor.clone(),
        token_id: entry.token.clone(),
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
    Some(match op {
        Op::PutToken { id, name, scopes, sources, parent } => TokenLine {
            id: id.clone(),
            name: name.clone(),
            scopes: Some(scopes.clone()),
            sources: Some(sources.clone()),
            parent: parent.clone(),
        },
        Op::DeleteToken { id, name } => TokenLine {
            id: id.clone(),
            name: name.clone(),
            scopes: None,
            sources: None,
            parent: None,
        },
        _ => return None,
    })
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
