//! The records of the tester in the store: tests, listed hosts, outputs, notices and opt-outs, each a
//! document; and its listings. What knows the store's operations is here.

use std::net::IpAddr;

pub(super) use dnsbl_store::Operation;
use dnsbl_store::{
    Actor, Change, ChangeError, Committed, Document, DocumentError, DocumentId, DocumentKind,
    Precondition, Reader, Sources, Store, StoreError,
};
use dnsbl_types::{ListingBody, Name, Source, Subject, UnixTime};
use ipnet::{IpNet, Ipv6Net};
use tokio::{sync::oneshot, task::spawn_blocking};

use crate::{
    TestId,
    life::{Host, Output, Patience, RecordError, Test},
};

/// The source of what the tester lists.
pub const SOURCE: &str = "relay-test";

/// The kind of the documents that opt networks out of tests.
pub const OPT_OUT: DocumentKind = DocumentKind::from_static("relay-opt-out");

/// Seconds for which a record is put off that can't be read.
const UNREADABLE_FOR: u64 = 3600;
/// How many documents are read at a time.
const PAGE: usize = 256;
/// The most networks that are not tested.
pub(super) const MAX_OPT_OUTS: usize = 10_000;

/// The reason why the store did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// It refused the change, or failed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// What it holds can't be read.
    #[error("{id} can't be read: {reason}")]
    Unreadable {
        /// Which document.
        id: String,
        /// Why.
        reason: RecordError,
    },
    /// What should be written is no document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// It changed again and again under the one who wanted to change it.
    #[error("test {0} changes too often")]
    Contended(TestId),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl From<StoreError> for RecordsError {
    fn from(err: StoreError) -> Self {
        Self::Change(err.into())
    }
}

/// A kind of record.
pub(super) trait Record: Sized + Send + 'static {
    const KIND: DocumentKind;

    fn encode(&self) -> Vec<u8>;

    fn decode(document: &Document) -> Result<Self, RecordError>;
}

macro_rules! record {
    ($record:ty, $kind:literal) => {
        impl Record for $record {
            const KIND: DocumentKind = DocumentKind::from_static($kind);

            fn encode(&self) -> Vec<u8> {
                self.encode()
            }

            fn decode(document: &Document) -> Result<Self, RecordError> {
                Self::decode(document.body())
            }
        }
    };
}

record!(Test, "relay-test");
record!(Host, "relay-host");
record!(Output, "relay-output");

/// The record that the postmaster of an address got a notice. Its body is empty: the time when it is due
/// says all.
pub(super) struct Notice {
    /// Until when it is enough.
    pub(super) until: UnixTime,
}

impl Record for Notice {
    const KIND: DocumentKind = DocumentKind::from_static("relay-notice");

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    fn decode(document: &Document) -> Result<Self, RecordError> {
        Ok(Self { until: document.due().unwrap_or_default() })
    }
}

/// A record with its id and the change that wrote it.
#[derive(Clone, Debug)]
pub(super) struct Versioned<R> {
    pub(super) value: R,
    id: DocumentId,
    revision: u64,
}

impl<R: Record> Versioned<R> {
    fn read(document: &Document) -> Result<Self, RecordsError> {
        let value = R::decode(document).map_err(|reason| RecordsError::Unreadable {
            id: format!("{} {}", document.kind(), document.id()),
            reason,
        })?;
        Ok(Self { value, id: document.id().clone(), revision: document.revision() })
    }

    /// The operation that deletes it.
    pub(super) fn delete(&self) -> Operation {
        let precondition = Precondition::matches(self.revision);
        Operation::DeleteDocument { kind: R::KIND, id: self.id.clone(), precondition }
    }
}

/// The store, for those who must not block.
#[derive(Clone)]
pub(super) struct Records {
    store: Store,
    patience: Patience,
}

impl Records {
    pub(super) fn new(store: Store, patience: Patience) -> Self {
        Self { store, patience }
    }

    /// Makes changes in one transaction, and waits until they are durable and visible.
    pub(super) async fn write(
        &self,
        actor: Actor,
        operations: Vec<Operation>,
    ) -> Result<Committed, ChangeError> {
        let (tx, rx) = oneshot::channel();
        let reply = move |done| drop(tx.send(done));
        self.store.submit(Change { actor, operations }, UnixTime::now(), reply);
        let closed = || ChangeError::Unwritable { reason: "it is closing".into(), full: false };
        rx.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Makes changes as the tester itself, unless one of the documents has changed meanwhile; whether
    /// they were made.
    pub(super) async fn write_if_fresh(
        &self,
        operations: Vec<Operation>,
    ) -> Result<bool, RecordsError> {
        match self.write(tester_actor(), operations).await {
            Ok(_) => Ok(true),
            Err(ChangeError::Stale { .. }) => Ok(false),
            Err(err) => Err(err.into()),
        }
    }

    /// Reads one state of the store on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, RecordsError> + Send + 'static,
    ) -> Result<T, RecordsError> {
        let store = self.store.clone();
        let read = spawn_blocking(move || read(&store.read(UnixTime::now())));
        read.await.unwrap_or(Err(RecordsError::Stopping))
    }

    /// Whether there is such a zone.
    pub(super) async fn has_zone(&self, zone: &Name) -> Result<bool, RecordsError> {
        let zone = zone.clone();
        self.read(move |reader| Ok(reader.zone(&zone)?.is_some())).await
    }

    /// Whether the tester lists this address in a zone.
    pub(super) async fn is_listed(
        &self,
        zone: &Name,
        address: IpAddr,
    ) -> Result<bool, RecordsError> {
        let zone = zone.clone();
        let read = move |reader: &Reader<'_>| {
            if reader.settings(&zone)?.is_none() {
                return Ok(false);
            }
            let listings = reader.listings_of(&zone, &Subject::host(address))?;
            Ok(listings.iter().any(|listing| listing.source.as_str() == SOURCE))
        };
        self.read(read).await
    }

    /// A test.
    pub(super) async fn test(&self, id: TestId) -> Result<Option<Versioned<Test>>, RecordsError> {
        self.read(move |reader| find(reader, &test_id(id)?)).await
    }

    /// What is known of an address.
    pub(super) async fn of<R: Record>(
        &self,
        address: IpAddr,
    ) -> Result<Option<Versioned<R>>, RecordsError> {
        self.read(move |reader| find(reader, &address.to_string().parse()?)).await
    }

    /// The tests of an address, the newest first, and what is known of it as a listed host.
    pub(super) async fn history(
        &self,
        address: IpAddr,
        limit: usize,
    ) -> Result<(Vec<Test>, Option<Versioned<Host>>), RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let tests = reader.documents_of_group(&Test::KIND, &group(address), None, limit)?;
            Ok((tests_of(&tests), find(reader, &address.to_string().parse()?)?))
        };
        self.read(read).await
    }

    /// Tests before `before`, the newest first, of one address or of all, and where to go on. Those that
    /// can't be read are left out.
    pub(super) async fn newest(
        &self,
        address: Option<IpAddr>,
        before: Option<TestId>,
        limit: usize,
    ) -> Result<(Vec<Test>, Option<TestId>), RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let before = before.map(test_id).transpose()?;
            let documents = match address {
                Some(address) => {
                    reader.documents_of_group(&Test::KIND, &group(address), before.as_ref(), limit)
                }
                None => reader.last_documents(&Test::KIND, before.as_ref(), limit),
            }?;
            let last = documents.last().filter(|_| documents.len() == limit);
            let next = last.and_then(|last| u64::from_str_radix(last.id().as_str(), 16).ok());
            Ok((tests_of(&documents), next.map(TestId)))
        };
        self.read(read).await
    }

    /// The records of a kind that are due, the longest overdue first. One that can't be read stands in
    /// nobody's way: it is put off, as it is.
    pub(super) async fn due<R: Record>(
        &self,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Versioned<R>>, RecordsError> {
        let read =
            move |reader: &Reader<'_>| Ok(readable(&reader.documents_due(&R::KIND, now, limit)?));
        let (found, unreadable) = self.read(read).await?;
        let later = UnixTime::now().plus(UNREADABLE_FOR);
        for document in unreadable.into_iter().filter(|document| document.due() <= Some(later)) {
            let (group, body) = (document.group().to_vec(), document.body().to_vec());
            let id = document.id().clone();
            let put_off = Document::new(R::KIND, id, group, Some(later), body)?.as_step();
            self.write_if_fresh(vec![put_document(put_off, Some(document.revision()))]).await?;
        }
        Ok(found)
    }

    /// Outputs of releases that did not say when they are due, with the operation that deletes each: how
    /// a message had come to them was not looked at.
    pub(super) async fn unproved_outputs(&self) -> Result<Vec<(IpAddr, Operation)>, RecordsError> {
        let read = |reader: &Reader<'_>| {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = reader.documents(&Output::KIND, after.as_ref(), PAGE)?;
                let Some(last) = page.last() else { return Ok(found) };
                after = Some(last.id().clone());
                for output in page.iter().filter(|output| output.due().is_none()) {
                    let (kind, id) = (Output::KIND, output.id().clone());
                    let Ok(address) = id.as_str().parse() else { continue };
                    let precondition = Precondition::matches(output.revision());
                    found.push((address, Operation::DeleteDocument { kind, id, precondition }));
                }
            }
        };
        self.read(read).await
    }

    /// The networks that are not tested.
    pub(super) async fn opt_outs(&self) -> Result<Vec<IpNet>, RecordsError> {
        let read = |reader: &Reader<'_>| {
            let documents = reader.documents(&OPT_OUT, None, MAX_OPT_OUTS)?;
            let networks = documents.iter().filter_map(|d| d.id().as_str().parse().ok());
            let mut networks: Vec<IpNet> = networks.map(canonical).collect();
            networks.sort_unstable();
            networks.dedup();
            Ok(networks)
        };
        self.read(read).await
    }

    /// The operation that writes a test over the one that was read, or as a new one; whether it is but a
    /// step that nobody audits.
    pub(super) fn put_test(
        &self,
        test: &Test,
        over: Option<&Versioned<Test>>,
        is_step: bool,
    ) -> Result<Operation, RecordsError> {
        let (id, due) = (test_id(test.id)?, test.due(self.patience));
        let document = Document::new(Test::KIND, id, group(test.address), due, test.encode())?;
        let document = if is_step { document.as_step() } else { document };
        Ok(put_document(document, over.map(|over| over.revision)))
    }
}

/// The operation that writes a record of an address over the one that was read, or as a new one.
pub(super) fn put<R: Record>(
    address: IpAddr,
    record: &R,
    due: UnixTime,
    over: Option<&Versioned<R>>,
) -> Result<Operation, RecordsError> {
    let id = address.to_string().parse()?;
    let document = Document::new(R::KIND, id, Vec::new(), Some(due), record.encode())?;
    Ok(put_document(document.as_step(), over.map(|over| over.revision)))
}

/// The operation that lists an address.
pub(super) fn put_listing(zone: &Name, address: IpAddr, body: ListingBody) -> Option<Operation> {
    Some(Operation::PutListing {
        zone: zone.clone(),
        subject: Subject::host(address),
        source: source()?,
        body: Box::new(body),
        precondition: Precondition::None,
    })
}

/// The operation that ends the listing of an address.
pub(super) fn delete_listing(zone: &Name, address: IpAddr) -> Option<Operation> {
    Some(Operation::DeleteListing {
        zone: zone.clone(),
        subject: Subject::host(address),
        sources: Sources::One(source()?),
        precondition: Precondition::None,
    })
}

/// The operation that opts a network out.
pub(super) fn put_opt_out(network: IpNet) -> Result<Operation, RecordsError> {
    let id = network.to_string().parse()?;
    let document = Document::new(OPT_OUT, id, Vec::new(), None, Vec::new())?;
    Ok(Operation::PutDocument { document: Box::new(document), precondition: Precondition::None })
}

/// The operations that end an opt-out, also one of a release that kept IPv4 inside IPv6.
pub(super) fn delete_opt_out(network: IpNet) -> Result<Vec<Operation>, RecordsError> {
    let mapped = match network {
        IpNet::V4(v4) => Ipv6Net::new(v4.addr().to_ipv6_mapped(), v4.prefix_len() + 96).ok(),
        IpNet::V6(_) => None,
    };
    let names = [Some(network), mapped.map(IpNet::V6)].into_iter().flatten();
    let operations = names.map(|name| {
        let id = name.to_string().parse()?;
        Ok(Operation::DeleteDocument { kind: OPT_OUT, id, precondition: Precondition::None })
    });
    operations.collect()
}

/// The network as addresses are compared with it: without host bits, and IPv4 never inside IPv6.
pub(super) fn canonical(network: IpNet) -> IpNet {
    Subject::from_net(network).net().unwrap_or(network)
}

/// The tester as the one who changes something.
pub(super) fn tester_actor() -> Actor {
    Actor::part(SOURCE)
}

fn source() -> Option<Source> {
    SOURCE.parse().ok()
}

fn put_document(document: Document, revision: Option<u64>) -> Operation {
    let precondition = revision.map_or(Precondition::Absent, Precondition::matches);
    Operation::PutDocument { document: Box::new(document), precondition }
}

fn find<R: Record>(
    reader: &Reader<'_>,
    id: &DocumentId,
) -> Result<Option<Versioned<R>>, RecordsError> {
    let document = reader.document(&R::KIND, id)?;
    document.as_ref().map(Versioned::read).transpose()
}

/// What can be read of documents, and those that can't be, which are logged.
fn readable<R: Record>(documents: &[Document]) -> (Vec<Versioned<R>>, Vec<Document>) {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for document in documents {
        match Versioned::read(document) {
            Ok(record) => found.push(record),
            Err(err) => {
                tracing::error!(%err, "a record of the relay tester is left out");
                unreadable.push(document.clone());
            }
        }
    }
    (found, unreadable)
}

fn tests_of(documents: &[Document]) -> Vec<Test> {
    readable(documents).0.into_iter().map(|test| test.value).collect()
}

/// In hexadecimal, whose order is that of the numbers.
fn test_id(id: TestId) -> Result<DocumentId, RecordsError> {
    Ok(format!("{:016x}", id.0).parse()?)
}

fn group(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
