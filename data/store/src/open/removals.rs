//! What was taken out of a store after a change, by what its log says: what no copy of before may bring back.

use std::collections::{BTreeMap, BTreeSet};

use dnsbl_types::{AllowEntry, Listing, Name, Source, Subject, SubscriberId, Zone};

use crate::{Document, DocumentId, DocumentKind, LogEntry, Op, UndonePart};

/// A listing: where, of what, whose.
pub(crate) type Place = (Name, Subject, Source);

/// What was taken out of a store since.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Removals {
    /// Zones that were deleted; with the settings of those that were made again.
    pub(crate) zones: BTreeMap<Name, Option<Box<Zone>>>,
    /// Listings that are gone, or exclude what they listed.
    pub(crate) listings: BTreeMap<Place, Option<Box<Listing>>>,
    /// Sources of which an import, a purge or an undo has changed listings that the log does not name; with how many it removed.
    pub(crate) imports: BTreeMap<(Name, Source), u64>,
    /// Allow entries that were put: what they cover is not listed, whatever comes back.
    pub(crate) allowed: BTreeMap<(Option<Name>, Subject), Box<AllowEntry>>,
    /// Tokens that were revoked, or have another secret or other terms.
    pub(crate) tokens: BTreeSet<String>,
    /// Subscribers that were deleted, or have another key or other terms.
    pub(crate) subscribers: BTreeSet<SubscriberId>,
    /// Documents that are gone, or were written and keep something from being done.
    pub(crate) documents: BTreeMap<(DocumentKind, DocumentId), Option<Box<Document>>>,
}

impl Removals {
    /// Takes in that listings of a source were removed, added and changed which the log does not name.
    fn take_many(&mut self, zone: Name, source: Source, removed: u64) {
        let is_of_source = |(z, _, of): &Place| *z == zone && *of == source;
        self.listings.retain(|place, _| !is_of_source(place));
        *self.imports.entry((zone, source)).or_default() += removed;
    }

    /// Takes in an entry of the log; they come in their order. Documents of the kinds `guards` keep something from
    /// being done, so that they count where they were written, too.
    pub(crate) fn take(&mut self, entry: LogEntry, guards: &[DocumentKind]) {
        for op in entry.ops {
            self.take_op(op, guards);
        }
    }

    fn take_op(&mut self, op: Op, guards: &[DocumentKind]) {
        match op {
            Op::DeleteZone { previous } => {
                let origin = previous.origin.clone();
                self.listings.retain(|(zone, ..), _| *zone != origin);
                self.imports.retain(|(zone, _), _| *zone != origin);
                self.zones.insert(origin, None);
            }
            Op::PutZone { zone, .. } => {
                if let Some(settings) = self.zones.get_mut(&zone.origin) {
                    *settings = Some(zone);
                }
            }
            Op::Put { zone, listing, .. } => {
                let place = (zone, listing.subject.clone(), listing.source.clone());
                if listing.body.exclusion {
                    self.listings.insert(place, Some(listing));
                } else {
                    self.listings.remove(&place);
                }
            }
            Op::Delete { zone, previous, .. } => {
                let Listing { subject, source, .. } = *previous;
                self.listings.insert((zone, subject, source), None);
            }
            Op::Import { zone, import } => {
                self.take_many(zone, import.source, import.counts.removed);
            }
            Op::Purge { zone, purge } => self.take_many(zone, purge.source, purge.counts.removed),
            Op::Undo { part, .. } => {
                if let Some(UndonePart { zone, done }) = part.map(|part| *part) {
                    self.take_many(zone, done.source, done.counts.removed);
                }
            }
            // Its listings are as they were.
            Op::PutSource { .. } => {}
            Op::PutAllow { entry, .. } => {
                self.allowed.insert((entry.zone.clone(), entry.subject.clone()), entry);
            }
            Op::DeleteAllow { previous, .. } => {
                self.allowed.remove(&(previous.zone, previous.subject));
            }
            Op::PutToken { id, .. } | Op::RotateToken { id, .. } | Op::DeleteToken { id, .. } => {
                self.tokens.insert(id);
            }
            Op::PutSubscriber { id, .. }
            | Op::RotateSubscriber { id, .. }
            | Op::DeleteSubscriber { id, .. } => {
                self.subscribers.insert(id);
            }
            Op::DeleteDocument { kind, id } => {
                self.documents.insert((kind, id), None);
            }
            Op::PutDocument { document } => {
                let key = (document.kind().clone(), document.id().clone());
                if guards.contains(document.kind()) {
                    self.documents.insert(key, Some(document));
                } else {
                    self.documents.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::{ListingBody, UnixTime};

    use super::*;
    use crate::{ImportCounts, ImportSummary};

    fn listing(subject: &str, exclusion: bool) -> Box<Listing> {
        let body = ListingBody { exclusion, ..ListingBody::default() };
        let (subject, source) = (subject.parse().unwrap(), "a".parse().unwrap());
        let at = UnixTime(1);
        Box::new(Listing {
            subject,
            source,
            body,
            listed_at: at,
            updated_at: at,
            listed_by: "a".into(),
            seq: 1,
        })
    }

    fn put(subject: &str, exclusion: bool) -> Op {
        Op::Put { zone: zone(), listing: listing(subject, exclusion), previous: None }
    }

    fn delete(subject: &str) -> Op {
        Op::Delete { zone: zone(), previous: listing(subject, false), expired: false }
    }

    fn import(removed: u64) -> Op {
        let counts = ImportCounts { removed, ..ImportCounts::default() };
        let (id, digest, source) = ("i".into(), String::new(), "a".parse().unwrap());
        let import = Box::new(ImportSummary { id, source, replaced: true, counts, digest });
        Op::Import { zone: zone(), import }
    }

    fn zone() -> Name {
        "bl.example.org".parse().unwrap()
    }

    fn taken(ops: Vec<Op>) -> Removals {
        let mut removals = Removals::default();
        ops.into_iter().for_each(|op| removals.take_op(op, &[]));
        removals
    }

    #[test]
    fn what_was_listed_again_may_come_back_and_what_is_excluded_may_not() {
        let removals =
            taken(vec![delete("192.0.2.1"), put("192.0.2.1", false), delete("192.0.2.2")]);
        let gone: Vec<String> =
            removals.listings.keys().map(|(_, subject, _)| subject.to_string()).collect();
        assert_eq!(gone, ["192.0.2.2"]);
        let removals = taken(vec![put("192.0.2.1", true)]);
        assert!(removals.listings.values().all(Option::is_some) && removals.listings.len() == 1);
        assert_eq!(
            taken(vec![put("192.0.2.1", true), put("192.0.2.1", false)]),
            Removals::default()
        );
    }

    #[test]
    fn an_import_knows_more_than_the_log_before_it_and_less_than_that_behind_it() {
        let removals = taken(vec![delete("192.0.2.1"), import(2), import(3), delete("192.0.2.2")]);
        assert_eq!(removals.listings.len(), 1);
        assert_eq!(removals.imports.values().copied().collect::<Vec<_>>(), [5]);
    }
}
