//! The change feed, a line for each operation.

use admin_api_types::{
    AllowEntryChange, BulkChange, Change, ChangeLine, DocumentChange, HiddenChange, HiddenOp,
    ImportChange, SubscriberChange, TokenChange, UndoChange,
};
use dnsbl_store::{AuditRecord, BulkSummary, ImportCounts, ImportSummary, LogEntry, Op};
use dnsbl_types::{Name, Source, SubscriberId};

use super::{audit::shown_subject, import, listing, source, time, token, zone};
use crate::{
    rights::{Rights, ZoneRights},
    scopes::{
        ALLOWLIST_READ, GRANTS_READ, RELAY_TESTS_READ, REMOVALS_READ, REPORTS_READ,
        SUBSCRIBERS_READ, TOKENS_ADMIN, WEBHOOKS_READ,
    },
};

/// The changes that a token may see.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Changes of these zones; of what belongs to no zone only those who see all see any.
    pub(crate) zones: ZoneRights,
    /// Changes of tokens.
    pub(crate) tokens: bool,
    /// Changes of subscribers.
    pub(crate) subscribers: bool,
    /// Changes of documents.
    pub(crate) documents: bool,
    /// What logins grant.
    pub(crate) grants: bool,
    /// Changes of allow entries.
    pub(crate) allow_entries: bool,
    /// Changes of reports and reporters.
    pub(crate) reports: bool,
    /// Changes of requests for removal, and of what reviewers do.
    pub(crate) removals: bool,
    /// Changes of webhooks.
    pub(crate) webhooks: bool,
}

impl Sight {
    /// The changes that a token with these rights may see.
    pub(crate) fn of(rights: &Rights) -> Self {
        Self {
            zones: rights.zones().clone(),
            tokens: rights.has(TOKENS_ADMIN),
            subscribers: rights.has(SUBSCRIBERS_READ),
            documents: rights.has(RELAY_TESTS_READ),
            grants: rights.has(GRANTS_READ),
            allow_entries: rights.has(ALLOWLIST_READ),
            reports: rights.has(REPORTS_READ),
            removals: rights.has(REMOVALS_READ),
            webhooks: rights.has(WEBHOOKS_READ),
        }
    }

    /// Whether a change of a listing or an allow entry may be seen, by its audit record.
    pub(crate) fn has_record(&self, record: &AuditRecord) -> bool {
        let zone = record.zone.as_deref().and_then(|zone| zone.parse::<Name>().ok());
        let is_allow_entry = record.action.starts_with("allow-");
        let is_grant = record.source.as_deref() == Some(Source::LOGINS);
        self.zones.has_what_is_of(zone.as_ref())
            && (self.allow_entries || !is_allow_entry)
            && (self.grants || !is_grant)
    }

    fn has(&self, op: &Op) -> bool {
        self.zones.has_what_is_of(op.zone()) && self.has_kind(op)
    }

    fn has_kind(&self, op: &Op) -> bool {
        match op {
            Op::PutToken { .. } | Op::RotateToken { .. } | Op::DeleteToken { .. } => self.tokens,
            Op::PutSubscriber { .. }
            | Op::RotateSubscriber { .. }
            | Op::DeleteSubscriber { .. } => self.subscribers,
            Op::PutAllow { .. } | Op::DeleteAllow { .. } => self.allow_entries,
            Op::PutDocument { .. } | Op::DeleteDocument { .. } => match op.document() {
                Some((kind, _)) if kind.as_str() == "grant" => self.grants,
                Some((kind, _)) if kind.as_str().starts_with("report") => self.reports,
                Some((kind, _)) if is_of_removals(kind.as_str()) => self.removals,
                Some((kind, _)) if kind.as_str().starts_with("webhook") => self.webhooks,
                _ => self.documents,
            },
            _ => match op.source() {
                Some(source) if source.as_str() == Source::LOGINS => self.grants,
                _ => true,
            },
        }
    }
}

/// Whether documents of a kind belong to requests for removal, or to the review.
fn is_of_removals(kind: &str) -> bool {
    kind == "mail" || kind.starts_with("removal-") || kind.starts_with("review-")
}

/// The lines of an entry: its operations that may be seen, or one line that says there is nothing to see.
pub(crate) fn write(entry: &LogEntry, sight: &Sight) -> Vec<ChangeLine> {
    let lines = write_some(entry, sight, &|_| true);
    if lines.is_empty() {
        return vec![ChangeLine::Hidden(HiddenChange { seq: entry.seq, op: HiddenOp::Hidden })];
    }
    lines
}

/// The lines of those operations of an entry that may be seen and are wanted.
pub(crate) fn write_some(
    entry: &LogEntry,
    sight: &Sight,
    wanted: &dyn Fn(&Op) -> bool,
) -> Vec<ChangeLine> {
    let seen = entry.ops.iter().filter(|op| sight.has(op) && wanted(op));
    seen.map(|op| line(entry, op)).collect()
}

fn line(entry: &LogEntry, op: &Op) -> ChangeLine {
    match op.document() {
        None => ChangeLine::Op(Box::new(change(entry, op))),
        Some((_, id)) => ChangeLine::Document(DocumentChange {
            seq: entry.seq,
            epoch: entry.epoch,
            at: time::write(entry.at),
            id: shown_subject(&op.word(), Some(id.as_str())).unwrap_or_default(),
            op: op.word().into_owned(),
        }),
    }
}

fn change(entry: &LogEntry, op: &Op) -> Change {
    let (new, previous) = match op {
        Op::Put { listing, previous, .. } => (Some(listing), previous.as_ref()),
        Op::Delete { previous, .. } => (None, Some(previous)),
        _ => (None, None),
    };
    Change {
        seq: entry.seq,
        epoch: entry.epoch,
        at: time::write(entry.at),
        op: op.word().into_owned(),
        zone: op.zone().map(ToString::to_string),
        subject: match op {
            Op::PutAllow { .. } | Op::DeleteAllow { .. } => op.subject(),
            _ => op.listing().map(|listing| listing.subject.to_string()),
        },
        source: op.source().map(ToString::to_string),
        actor: entry.actor.clone(),
        token_id: entry.token.clone(),
        listing: new.map(|new| listing::write(new)),
        previous: previous.map(|previous| listing::write(previous)),
        import: match op {
            Op::Import { import, .. } => Some(import_change(import)),
            _ => None,
        },
        zone_settings: match op {
            Op::PutZone { zone, .. } => Some(zone::write_settings(zone)),
            _ => None,
        },
        purge: match op {
            Op::Purge { purge, .. } => Some(bulk_change(purge)),
            _ => None,
        },
        undo: match op {
            Op::Undo { of, part } => Some(UndoChange {
                seq: *of,
                listings: part.as_ref().map(|part| bulk_change(&part.done)),
            }),
            _ => None,
        },
        source_state: match op {
            Op::PutSource { zone, source, frozen, .. } => {
                Some(source::write(zone, source, frozen.as_ref()))
            }
            _ => None,
        },
        token: token_change(op),
        subscriber: subscriber_change(op),
        allow_entry: allow_entry_change(op),
    }
}

/// The allow entry of a change of one.
pub(crate) fn allow_entry_change(op: &Op) -> Option<AllowEntryChange> {
    match op {
        Op::PutAllow { entry, .. } | Op::DeleteAllow { previous: entry, .. } => {
            Some(AllowEntryChange {
                reason: entry.reason.clone(),
                owner: entry.owner.clone(),
                expires_at: entry.expires_at.map(time::write),
            })
        }
        _ => None,
    }
}

fn token_change(op: &Op) -> Option<TokenChange> {
    let change = |id: &String, name: &String| TokenChange {
        id: id.clone(),
        name: name.clone(),
        ..TokenChange::default()
    };
    Some(match op {
        Op::PutToken { id, name, scopes, sources, parent, expires_at, terms } => TokenChange {
            scopes: Some(scopes.clone()),
            sources: Some(sources.clone()),
            parent: parent.clone(),
            expires_at: expires_at.map(time::write),
            terms: Some(token::write_terms(terms)),
            ..change(id, name)
        },
        Op::RotateToken { id, name, until } => {
            TokenChange { overlap_until: until.map(time::write), ..change(id, name) }
        }
        Op::DeleteToken { id, name } => change(id, name),
        _ => return None,
    })
}

fn subscriber_change(op: &Op) -> Option<SubscriberChange> {
    let change = |id: &SubscriberId, name: &str| SubscriberChange {
        id: id.to_string(),
        name: name.into(),
        zones: None,
        expires_at: None,
        overlap_until: None,
    };
    Some(match op {
        Op::PutSubscriber { id, name, zones, expires_at } => SubscriberChange {
            zones: Some(zones.iter().map(ToString::to_string).collect()),
            expires_at: expires_at.map(time::write),
            ..change(id, name)
        },
        Op::RotateSubscriber { id, name, until } => {
            SubscriberChange { overlap_until: until.map(time::write), ..change(id, name) }
        }
        Op::DeleteSubscriber { id, name } => change(id, name),
        _ => return None,
    })
}

fn bulk_change(bulk: &BulkSummary) -> BulkChange {
    let ImportCounts { added, updated, removed, .. } = bulk.counts;
    BulkChange { id: bulk.id.clone(), added, updated, removed }
}

fn import_change(import: &ImportSummary) -> ImportChange {
    ImportChange {
        id: import.id.clone(),
        source: import.source.to_string(),
        mode: if import.replaced { "replace-source" } else { "upsert" }.into(),
        counts: import::write_counts(import.counts),
        digest: import.digest.clone(),
    }
}
