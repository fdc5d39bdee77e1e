//! Several changes of documents and listings as one: all of them or none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dnsbl_types::{Listing, ListingBody, Name, Source, Subject};

use crate::{
    Actor, ChangeError, Document, DocumentId, DocumentKind, Done, Op, Outcome, Precondition,
    Reader, Sources, documents, group::Group, scan::View, state::ZoneState,
};

/// A part of a [`Change::Together`](crate::Change::Together).
#[derive(Clone, Debug)]
pub enum Part {
    /// Writes a document. One that says the same already keeps its revision.
    PutDocument {
        /// As it shall be.
        document: Box<Document>,
        /// What must be there.
        expect: Expect,
    },
    /// Deletes a document. One that is not there is no error where that was expected.
    DeleteDocument {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: DocumentId,
        /// What must be there.
        expect: Expect,
    },
    /// Adds or replaces what a source says of a subject.
    PutListing {
        /// Where.
        zone: Name,
        /// Of what.
        subject: Subject,
        /// Who says so.
        source: Source,
        /// What.
        body: Box<ListingBody>,
    },
    /// Removes what a source says of a subject. If it says nothing, that is no error.
    DeleteListing {
        /// Where.
        zone: Name,
        /// Of what.
        subject: Subject,
        /// Whose.
        source: Source,
    },
}

/// What must be there before a document is written or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    Any,
    /// No document.
    Absent,
    /// The document with this revision.
    Revision(u64),
}

impl Expect {
    fn holds(self, found: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Revision(revision) => found == Some(revision),
        }
    }
}

/// What came of a [`Part`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartDone {
    /// A document is as it was to be.
    Document {
        /// Its revision: the change that wrote it, an older one where it said the same.
        revision: u64,
    },
    /// A document is not there any more.
    NoDocument {
        /// It was there before.
        existed: bool,
    },
    /// A listing is as it was to be.
    Listing {
        /// It did not exist before.
        created: bool,
        /// The listing as it now is.
        listing: Box<Listing>,
    },
    /// A source says nothing of the subject any more.
    NoListing {
        /// It did before.
        existed: bool,
    },
}

impl Group<'_> {
    /// Decides all parts in order. The group must have no other change, since an error drops its batch.
    pub(crate) fn together(
        &mut self,
        actor: &Actor,
        parts: Vec<Part>,
    ) -> Result<Done, ChangeError> {
        let zones: BTreeSet<Name> = parts.iter().filter_map(|part| part.zone().cloned()).collect();
        let before = zones.into_iter().filter_map(|zone| {
            let state = self.ledger.zones.get(&zone)?.clone();
            Some((zone, state))
        });
        let before: Vec<(Name, ZoneState)> = before.collect();
        let decided = self.decide_parts(actor, parts);
        if decided.is_err() {
            self.ledger.zones.extend(before);
            self.drop_writes();
        }
        decided
    }

    fn decide_parts(&mut self, actor: &Actor, parts: Vec<Part>) -> Result<Done, ChangeError> {
        let mut documents = Documents::default();
        let (mut ops, mut done) = (Vec::new(), Vec::with_capacity(parts.len()));
        for part in parts {
            let (op, part) = self.decide_part(actor, &mut documents, part)?;
            ops.extend(op);
            done.push(part);
        }
        self.write_counts(&documents)?;
        let outcome = Outcome::Together(done);
        if ops.is_empty() {
            return Ok(self.unchanged(outcome));
        }
        Ok(Done { seq: self.append(actor, ops), outcome })
    }

    fn decide_part(
        &mut self,
        actor: &Actor,
        documents: &mut Documents,
        part: Part,
    ) -> Result<(Option<Op>, PartDone), ChangeError> {
        match part {
            Part::PutDocument { document, expect } => {
                self.put_document(documents, *document, expect)
            }
            Part::DeleteDocument { kind, id, expect } => {
                self.delete_document(documents, kind, id, expect)
            }
            Part::PutListing { zone, subject, source, body } => {
                let put =
                    self.put_of_source(actor, &zone, subject, &source, &body, &Precondition::None)?;
                let done = PartDone::Listing { created: put.created, listing: put.listing };
                Ok((put.op, done))
            }
            Part::DeleteListing { zone, subject, source } => {
                let sources = Sources::One(source);
                match self.delete_of_sources(&zone, &subject, &sources, &Precondition::None) {
                    Ok(ops) => Ok((ops.into_iter().next(), PartDone::NoListing { existed: true })),
                    Err(ChangeError::NoListing) => {
                        Ok((None, PartDone::NoListing { existed: false }))
                    }
                    Err(err) => Err(err),
                }
            }
        }
    }

    fn put_document(
        &mut self,
        documents: &mut Documents,
        document: Document,
        expect: Expect,
    ) -> Result<(Option<Op>, PartDone), ChangeError> {
        let old = self.expected(documents, document.kind(), document.id(), expect)?;
        if let Some(old) = old.as_ref().filter(|old| old.says_the_same(&document)) {
            return Ok((None, PartDone::Document { revision: old.revision() }));
        }
        let revision = self.ledger.head + 1;
        let document = document.with_revision(revision);
        documents::put(self.writes.db, &mut self.writes.batch, old.as_ref(), &document);
        documents.set(document.kind(), document.id(), old.as_ref(), Some(&document));
        let op = Op::PutDocument { document: Box::new(document) };
        Ok((Some(op), PartDone::Document { revision }))
    }

    fn delete_document(
        &mut self,
        documents: &mut Documents,
        kind: DocumentKind,
        id: DocumentId,
        expect: Expect,
    ) -> Result<(Option<Op>, PartDone), ChangeError> {
        let Some(old) = self.expected(documents, &kind, &id, expect)? else {
            return Ok((None, PartDone::NoDocument { existed: false }));
        };
        documents::delete(self.writes.db, &mut self.writes.batch, &old);
        documents.set(&kind, &id, Some(&old), None);
        Ok((Some(Op::DeleteDocument { kind, id }), PartDone::NoDocument { existed: true }))
    }

    /// A document as the parts so far leave it, if it is what was expected.
    fn expected(
        &self,
        documents: &Documents,
        kind: &DocumentKind,
        id: &DocumentId,
        expect: Expect,
    ) -> Result<Option<Document>, ChangeError> {
        let found = match documents.rows.get(&documents::row(kind, id)) {
            Some(row) => row.clone(),
            None => self.reader().document(kind, id)?,
        };
        let revision = found.as_ref().map(Document::revision);
        if expect.holds(revision) {
            return Ok(found);
        }
        Err(ChangeError::Stale { kind: kind.clone(), id: id.clone(), found: revision })
    }

    fn write_counts(&mut self, documents: &Documents) -> Result<(), ChangeError> {
        for (kind, by) in &documents.counts {
            let count = self.reader().count_documents(kind)?.saturating_add_signed(*by);
            documents::put_count(self.writes.db, &mut self.writes.batch, kind, count);
        }
        Ok(())
    }

    fn reader(&self) -> Reader<'_> {
        Reader { view: View::new(self.writes.db), now: self.now }
    }
}

/// What the parts so far leave of the documents that they name.
#[derive(Default)]
struct Documents {
    rows: HashMap<Vec<u8>, Option<Document>>,
    /// How many more of a kind there are.
    counts: BTreeMap<DocumentKind, i64>,
}

impl Documents {
    fn set(
        &mut self,
        kind: &DocumentKind,
        id: &DocumentId,
        old: Option<&Document>,
        new: Option<&Document>,
    ) {
        let by = i64::from(new.is_some()) - i64::from(old.is_some());
        *self.counts.entry(kind.clone()).or_default() += by;
        self.rows.insert(documents::row(kind, id), new.cloned());
    }
}

impl Part {
    fn zone(&self) -> Option<&Name> {
        match self {
            Self::PutListing { zone, .. } | Self::DeleteListing { zone, .. } => Some(zone),
            Self::PutDocument { .. } | Self::DeleteDocument { .. } => None,
        }
    }
}
