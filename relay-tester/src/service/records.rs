//! Tests, listed hosts, outputs, opt-outs and notices in the store.

use std::net::IpAddr;

use dnsbl_store::{
    Actor, Change, ChangeError, Document, DocumentError, DocumentId, DocumentKind, Done, Expect,
    Part, Reader, Store, StoreError,
};
use dnsbl_types::{Subject, UnixTime};
use ipnet::{IpNet, Ipv6Net};
use tokio::{sync::oneshot, task::spawn_blocking};

use super::actor;
use crate::{
    TestId,
    life::{Host, Output, Patience, RecordError, Test},
};

const TEST: DocumentKind = DocumentKind::from_static("relay-test");
const HOST: DocumentKind = DocumentKind::from_static("relay-host");
const OUTPUT: DocumentKind = DocumentKind::from_static("relay-output");
const OPT_OUT: DocumentKind = DocumentKind::from_static("relay-opt-out");
const NOTICE: DocumentKind = DocumentKind::from_static("relay-notice");

/// Why the store did not do what it should.
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

/// A value and the change that wrote it.
#[derive(Clone, Debug)]
pub(super) struct Versioned<T> {
    pub(super) value: T,
    revision: u64,
}

/// The store, for those who must not block.
#[derive(Clone)]
pub(super) struct Records {
    pub(super) store: Store,
    pub(super) patience: Patience,
}

impl Records {
    /// Makes changes together, and waits until they are durable and visible.
    pub(super) async fn write(&self, actor: Actor, parts: Vec<Part>) -> Result<Done, ChangeError> {
        let (tell, told) = oneshot::channel();
        let reply = move |done| drop(tell.send(done));
        self.store.submit(actor, Change::Together(parts), UnixTime::now(), reply);
        let closed = || ChangeError::Unwritable { reason: "it is closing".into(), full: false };
        told.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Reads one state of the store on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, RecordsError> + Send + 'static,
    ) -> Result<T, RecordsError> {
        let store = self.store.clone();
        let read = spawn_blocking(move || read(&store.read(UnixTime::now())));
        read.await.unwrap_or(Err(RecordsError::Stopping))
    }

    pub(super) async fn test(&self, id: TestId) -> Result<Option<Versioned<Test>>, RecordsError> {
        self.read(move |reader| find_test(reader, id)).await
    }

    pub(super) async fn host(
        &self,
        address: IpAddr,
    ) -> Result<Option<Versioned<Host>>, RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let document = reader.document(&HOST, &id(&address.to_string())?)?;
            document.map(|document| versioned(&document, Host::decode)).transpose()
        };
        self.read(read).await
    }

    pub(super) async fn output(
        &self,
        address: IpAddr,
    ) -> Result<Option<Versioned<Output>>, RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let document = reader.document(&OUTPUT, &id(&address.to_string())?)?;
            document.map(|document| versioned(&document, Output::decode)).transpose()
        };
        self.read(read).await
    }

    /// The tests of an address, the newest first, and what is known of it as a listed host.
    pub(super) async fn history(
        &self,
        address: IpAddr,
        limit: usize,
    ) -> Result<(Vec<Test>, Option<Versioned<Host>>), RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let tests = reader.documents_of_group(&TEST, &group(address), None, limit)?;
            let host = reader.document(&HOST, &id(&address.to_string())?)?;
            let host = host.map(|document| versioned(&document, Host::decode)).transpose()?;
            Ok((tests_of(readable(tests, Test::decode).0), host))
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
                    reader.documents_of_group(&TEST, &group(address), before.as_ref(), limit)
                }
                None => reader.last_documents(&TEST, before.as_ref(), limit),
            }?;
            let last = documents.last().filter(|_| documents.len() == limit);
            let next = last.and_then(|last| test_of_document(last.id().as_str()));
            Ok((tests_of(readable(documents, Test::decode).0), next))
        };
        self.read(read).await
    }

    /// Tests somebody should look at, the longest overdue first.
    pub(super) async fn due_tests(
        &self,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Test>, RecordsError> {
        Ok(tests_of(self.due(TEST, Test::decode, now, limit).await?))
    }

    /// Listed hosts somebody should look at.
    pub(super) async fn due_hosts(
        &self,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Versioned<Host>>, RecordsError> {
        self.due(HOST, Host::decode, now, limit).await
    }

    /// Outputs that nothing has gone through for long.
    pub(super) async fn due_outputs(
        &self,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Versioned<Output>>, RecordsError> {
        self.due(OUTPUT, Output::decode, now, limit).await
    }

    /// What is due of a kind. A record that can't be read stands in nobody's way: it is put off, as it is.
    async fn due<T: Send + 'static>(
        &self,
        kind: DocumentKind,
        decode: fn(&[u8]) -> Result<T, RecordError>,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Versioned<T>>, RecordsError> {
        let read = move |reader: &Reader<'_>| {
            Ok(readable(reader.documents_due(&kind, now, limit)?, decode))
        };
        let (found, unreadable) = self.read(read).await?;
        let later = UnixTime::now().plus(UNREADABLE_FOR);
        for document in unreadable.into_iter().filter(|document| document.due() <= Some(later)) {
            let (kind, id) = (document.kind().clone(), document.id().clone());
            let (group, body) = (document.group().to_vec(), document.body().to_vec());
            let put_off = Document::new(kind, id, group, Some(later), body)?.as_step();
            match self.write(actor(), vec![put(put_off, Some(document.revision()))]).await {
                Ok(_) | Err(ChangeError::Stale { .. }) => {}
                Err(err) => return Err(err.into()),
            }
        }
        Ok(found)
    }

    /// Outputs of releases that did not say when they are due, with what such a release listed: how a
    /// message had come to them was not looked at.
    pub(super) async fn unproved_outputs(&self) -> Result<Vec<(IpAddr, Part)>, RecordsError> {
        let read = |reader: &Reader<'_>| {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = reader.documents(&OUTPUT, after.as_ref(), PAGE)?;
                let Some(last) = page.last() else { return Ok(found) };
                after = Some(last.id().clone());
                for output in page.iter().filter(|output| output.due().is_none()) {
                    let (id, expect) = (output.id().clone(), Expect::Revision(output.revision()));
                    let Ok(address) = id.as_str().parse() else { continue };
                    found.push((address, Part::DeleteDocument { kind: OUTPUT, id, expect }));
                }
            }
        };
        self.read(read).await
    }

    /// The notice that the postmaster of an address got last, if it is remembered.
    pub(super) async fn notice(&self, address: IpAddr) -> Result<Option<Notice>, RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let document = reader.document(&NOTICE, &id(&address.to_string())?)?;
            Ok(document.map(Notice))
        };
        self.read(read).await
    }

    /// Notices after which another one may be given.
    pub(super) async fn due_notices(
        &self,
        now: UnixTime,
        limit: usize,
    ) -> Result<Vec<Notice>, RecordsError> {
        let read = move |reader: &Reader<'_>| {
            let documents = reader.documents_due(&NOTICE, now, limit)?;
            Ok(documents.into_iter().map(Notice).collect())
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

    /// The part that writes a test over the one that was read, or as a new one; whether it is but a step
    /// that nobody audits.
    pub(super) fn put_test(
        &self,
        test: &Test,
        revision: Option<u64>,
        is_step: bool,
    ) -> Result<Part, RecordsError> {
        let (id, due) = (test_id(test.id)?, test.due(self.patience));
        let document = Document::new(TEST, id, group(test.address), due, test.encode())?;
        Ok(put(if is_step { document.as_step() } else { document }, revision))
    }
}

/// Seconds for which a record is put off that can't be read.
const UNREADABLE_FOR: u64 = 3600;

/// How many documents are read at a time.
const PAGE: usize = 256;

/// The most networks that are not tested.
pub(super) const MAX_OPT_OUTS: usize = 10_000;

/// That the postmaster of an address was told. It says nothing but until when that is enough.
pub(super) struct Notice(Document);

impl Notice {
    /// Whether no other one is given yet.
    pub(super) fn is_recent(&self, now: UnixTime) -> bool {
        self.0.due().is_some_and(|until| now < until)
    }

    /// The part that forgets it.
    pub(super) fn delete(&self) -> Part {
        let expect = Expect::Revision(self.0.revision());
        Part::DeleteDocument { kind: NOTICE, id: self.0.id().clone(), expect }
    }
}

impl<T> Versioned<T> {
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

/// The part that writes a host over the one that was read, or as a new one.
pub(super) fn put_host(
    host: &Host,
    due: UnixTime,
    over: Option<&Versioned<Host>>,
) -> Result<Part, RecordsError> {
    let id = id(&host.address.to_string())?;
    let document = Document::new(HOST, id, Vec::new(), Some(due), host.encode())?;
    Ok(put(document.as_step(), over.map(Versioned::revision)))
}

/// The part that forgets a host.
pub(super) fn delete_host(host: &Versioned<Host>) -> Result<Part, RecordsError> {
    let id = id(&host.value.address.to_string())?;
    Ok(Part::DeleteDocument { kind: HOST, id, expect: Expect::Revision(host.revision) })
}

/// The part that writes an output over the one that was read, or as a new one.
pub(super) fn put_output(
    output: &Output,
    over: Option<&Versioned<Output>>,
) -> Result<Part, RecordsError> {
    let id = id(&output.address.to_string())?;
    let due = Some(output.expires_at());
    let document = Document::new(OUTPUT, id, Vec::new(), due, output.encode())?;
    Ok(put(document.as_step(), over.map(Versioned::revision)))
}

/// The part that forgets an output.
pub(super) fn delete_output(output: &Versioned<Output>) -> Result<Part, RecordsError> {
    let id = id(&output.value.address.to_string())?;
    Ok(Part::DeleteDocument { kind: OUTPUT, id, expect: Expect::Revision(output.revision) })
}

/// The part that notes that the postmaster of an address is told, which is enough until then.
pub(super) fn put_notice(
    address: IpAddr,
    until: UnixTime,
    over: Option<&Notice>,
) -> Result<Part, RecordsError> {
    let id = id(&address.to_string())?;
    let document = Document::new(NOTICE, id, Vec::new(), Some(until), Vec::new())?;
    Ok(put(document.as_step(), over.map(|notice| notice.0.revision())))
}

/// The part that opts a network out.
pub(super) fn put_opt_out(network: IpNet) -> Result<Part, RecordsError> {
    let document = Document::new(OPT_OUT, id(&network.to_string())?, Vec::new(), None, Vec::new())?;
    Ok(Part::PutDocument { document: Box::new(document), expect: Expect::Any })
}

/// The parts that end an opt-out, also one of a release that kept IPv4 inside IPv6.
pub(super) fn delete_opt_out(network: IpNet) -> Result<Vec<Part>, RecordsError> {
    let mapped = match network {
        IpNet::V4(v4) => Ipv6Net::new(v4.addr().to_ipv6_mapped(), v4.prefix_len() + 96).ok(),
        IpNet::V6(_) => None,
    };
    let names = [Some(network), mapped.map(IpNet::V6)].into_iter().flatten();
    let parts = names.map(|name| {
        let id = id(&name.to_string())?;
        Ok(Part::DeleteDocument { kind: OPT_OUT, id, expect: Expect::Any })
    });
    parts.collect()
}

/// The network as addresses are compared with it: without host bits, and IPv4 never inside IPv6.
pub(super) fn canonical(network: IpNet) -> IpNet {
    Subject::from_net(network).net().unwrap_or(network)
}

pub(super) fn find_test(
    reader: &Reader<'_>,
    id: TestId,
) -> Result<Option<Versioned<Test>>, RecordsError> {
    let document = reader.document(&TEST, &test_id(id)?)?;
    document.map(|document| versioned(&document, Test::decode)).transpose()
}

fn put(document: Document, revision: Option<u64>) -> Part {
    let expect = revision.map_or(Expect::Absent, Expect::Revision);
    Part::PutDocument { document: Box::new(document), expect }
}

fn versioned<T>(
    document: &Document,
    decode: impl FnOnce(&[u8]) -> Result<T, RecordError>,
) -> Result<Versioned<T>, RecordsError> {
    let unreadable = |reason| RecordsError::Unreadable {
        id: format!("{} {}", document.kind(), document.id()),
        reason,
    };
    let value = decode(document.body()).map_err(unreadable)?;
    Ok(Versioned { value, revision: document.revision() })
}

/// What can be read of documents, and those that can't be, which are logged.
fn readable<T>(
    documents: Vec<Document>,
    decode: fn(&[u8]) -> Result<T, RecordError>,
) -> (Vec<Versioned<T>>, Vec<Document>) {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for document in documents {
        match versioned(&document, decode) {
            Ok(value) => found.push(value),
            Err(err) => {
                tracing::error!(%err, "a record of the relay tester is left out");
                unreadable.push(document);
            }
        }
    }
    (found, unreadable)
}

fn tests_of(found: Vec<Versioned<Test>>) -> Vec<Test> {
    found.into_iter().map(|test| test.value).collect()
}

fn test_of_document(id: &str) -> Option<TestId> {
    u64::from_str_radix(id, 16).ok().map(TestId)
}

/// In hexadecimal, whose order is that of the numbers.
fn test_id(id: TestId) -> Result<DocumentId, RecordsError> {
    self::id(&format!("{:016x}", id.0))
}

fn id(text: &str) -> Result<DocumentId, RecordsError> {
    Ok(text.parse()?)
}

fn group(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
