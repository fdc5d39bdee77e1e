//! What the store holds of a subject that is asked about, and what is to become of it in one change.

use std::collections::BTreeMap;

use dnsbl_index::Snapshot;
use dnsbl_store::{Document, DocumentError, Operation, Precondition, Reader, Sources, StoreError};
use dnsbl_types::{Listing, ListingBody, RemovalRules, Source, Subject, UnixTime};
use relay_tester::service::SOURCE as TESTER;

use super::{outcome::RemovalsError, place};
use crate::{
    Contact, RemovalId, Removed, Request, StateKind,
    case::{Case, Standing},
    change::{put, replace},
    record::{self, CaseKey, kept},
};

/// Requests about one subject that are looked at.
const HISTORY: usize = 64;

/// A subject in a zone that is asked about.
pub(super) struct Desk {
    pub(super) key: CaseKey,
    pub(super) rules: RemovalRules,
    pub(super) case: Case,
    pub(super) standing: Standing,
    /// What covers the subject and lists it, the longest first.
    pub(super) wider: Vec<Subject>,
    /// The requests of which something is to come yet.
    pub(super) open: BTreeMap<RemovalId, OpenRequest>,
    /// What lists the subject itself.
    listings: Vec<Listing>,
    kept_for: u64,
}

/// An open request.
pub(super) struct OpenRequest {
    pub(super) request: Request,
    pub(super) contact: Option<Contact>,
    /// As it was read; `None`: it is new.
    read: Option<Document>,
}

/// What is to become of requests, in one change.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) operations: Vec<Operation>,
    /// How requests stood, and as they are then.
    pub(super) changed: Vec<(Option<StateKind>, Request)>,
    /// How many mails are written.
    pub(super) mails: u64,
}

impl Desk {
    /// What the store holds now; `is_tester`: the relay tester works in that zone.
    pub(super) fn read(
        reader: &Reader<'_>,
        snapshot: &Snapshot,
        key: &CaseKey,
        is_tester: bool,
        now: UnixTime,
    ) -> Result<Self, RemovalsError> {
        let case = reader.document(&record::CASE, &record::case_id(key)?)?;
        let case = case.and_then(|document| kept(&document, record::read_case));
        let (mut listings, mut wider, mut rules) =
            (Vec::new(), Vec::new(), RemovalRules::default());
        if let Some(zone) = snapshot.zone(&key.zone) {
            rules = zone.settings().removal;
            if place::lists(zone, &key.subject, now) {
                listings = reader.listings_of(&key.zone, &key.subject)?;
                listings.retain(|listing| !listing.body.exclusion);
                wider = place::wider(zone, reader, &key.subject, now)?;
            }
        }
        let is_of_tester = |listing: &Listing| listing.source.as_str() == TESTER;
        let is_tested = listings.iter().any(is_of_tester);
        let standing = Standing {
            is_tested: is_tested && is_tester,
            is_listed: !listings.is_empty(),
            wider: wider.first().cloned(),
            // What a tester has listed that is not there any more somebody has to look at.
            is_wide: place::is_wide(&key.subject) || (is_tested && !is_tester),
        };
        let mut desk = Self {
            key: key.clone(),
            rules,
            case: case.unwrap_or_default(),
            standing,
            wider,
            open: BTreeMap::new(),
            listings,
            kept_for: place::kept_for(snapshot, &key.zone),
        };
        let group = record::group(&key.zone, &key.subject);
        for document in reader.documents_of_group(&record::REQUEST, &group, None, HISTORY)? {
            let Some(request) = kept(&document, record::read_request) else { continue };
            if request.state.kind().is_open() {
                let contact = read_contact(reader, request.id)?;
                let open = OpenRequest { request, contact, read: Some(document) };
                desk.open.insert(open.request.id, open);
            }
        }
        Ok(desk)
    }

    /// Adds a request that is new.
    pub(super) fn add(&mut self, request: Request, contact: Option<Contact>) {
        self.open.insert(request.id, OpenRequest { request, contact, read: None });
    }

    /// A removal at this time.
    pub(super) fn removed(&self, now: UnixTime) -> Removed {
        Removed { at: now, cached_until: now.plus(self.kept_for) }
    }

    /// Removes what lists the subject itself, but for what the tester lists.
    pub(super) fn remove(&self, draft: &mut Draft) {
        for listing in &self.listings {
            if !(self.standing.is_tested && listing.source.as_str() == TESTER) {
                draft.operations.push(self.delete(listing));
            }
        }
    }

    /// Removes what covers the subject and lists it.
    pub(super) fn remove_wider(
        &self,
        reader: &Reader<'_>,
        draft: &mut Draft,
    ) -> Result<(), StoreError> {
        for subject in &self.wider {
            for listing in reader.listings_of(&self.key.zone, subject)? {
                if !listing.body.exclusion {
                    draft.operations.push(self.delete(&listing));
                }
            }
        }
        Ok(())
    }

    /// Excludes the subject from what covers it.
    pub(super) fn exclude(&self, note: Option<&str>, draft: &mut Draft) {
        let source: Source = Source::REMOVALS.parse().expect("a name of a source");
        let body = ListingBody {
            exclusion: true,
            note: note.map(ToOwned::to_owned),
            ..ListingBody::default()
        };
        draft.operations.push(Operation::PutListing {
            zone: self.key.zone.clone(),
            subject: self.key.subject.clone(),
            source,
            body: Box::new(body),
            precondition: Precondition::None,
        });
    }

    /// Takes note of a removal without a reviewer, which a request has asked for.
    pub(super) fn count_removal(
        &mut self,
        id: RemovalId,
        now: UnixTime,
        draft: &mut Draft,
    ) -> Result<(), DocumentError> {
        let asked = self.open.get(&id).map_or(now, |open| open.request.at);
        self.case.remove(&self.rules, asked, now);
        let until = self.case.ends(&self.rules);
        draft.operations.push(put(record::case_document(&self.key, self.case, until)?));
        Ok(())
    }

    fn delete(&self, listing: &Listing) -> Operation {
        Operation::DeleteListing {
            zone: self.key.zone.clone(),
            subject: listing.subject.clone(),
            sources: Sources::One(listing.source.clone()),
            precondition: Precondition::matches(listing.seq),
        }
    }
}

impl OpenRequest {
    /// Writes the request as it is now; `keep`: seconds for which it is kept once it is decided.
    pub(super) fn write(&self, keep: u64, draft: &mut Draft) -> Result<(), DocumentError> {
        let document = record::request_document(&self.request, keep)?;
        let before = self.read.as_ref();
        // What somebody asks for or decides is audited, what follows from it by itself is not.
        let is_decided = self.request.decision.is_some();
        draft.operations.push(match before {
            Some(read) if is_decided => replace(document, read),
            Some(read) => replace(document.as_step(), read),
            None => put(document),
        });
        // Once there is nothing more to tell, nobody needs to know whom to tell it.
        let (id, is_open) = (self.request.id, self.request.state.kind().is_open());
        match (&self.contact, before) {
            (Some(contact), None) if is_open => {
                draft.operations.push(put(record::contact_document(id, contact)?));
            }
            (Some(_), Some(_)) if !is_open => draft.operations.push(forget_contact(id)?),
            _ => {}
        }
        let before = before.and_then(|read| kept(read, record::read_request));
        let before = before.map(|before| before.state.kind());
        draft.changed.push((before, self.request.clone()));
        Ok(())
    }
}

/// Deletes the mailbox of a request.
pub(super) fn forget_contact(id: RemovalId) -> Result<Operation, DocumentError> {
    Ok(Operation::DeleteDocument {
        kind: record::CONTACT,
        id: record::request_id(id)?,
        precondition: Precondition::None,
    })
}

/// The mailbox of a request, if it has one.
pub(super) fn read_contact(
    reader: &Reader<'_>,
    id: RemovalId,
) -> Result<Option<Contact>, RemovalsError> {
    let document = reader.document(&record::CONTACT, &record::request_id(id)?)?;
    Ok(document.and_then(|document| kept(&document, record::read_contact)))
}

/// A request that the store holds, and its document.
pub(super) fn read_request(
    reader: &Reader<'_>,
    id: RemovalId,
) -> Result<Option<(Request, Document)>, RemovalsError> {
    let document = reader.document(&record::REQUEST, &record::request_id(id)?)?;
    let read = |document: Document| Some((kept(&document, record::read_request)?, document));
    Ok(document.and_then(read))
}
