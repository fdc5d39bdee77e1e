//! Documents: what other parts of the server keep here. The store does not read their bodies.

use std::{borrow::Cow, fmt, str::FromStr};

use dnsbl_types::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{StoreError, format::codec};

/// What kind of document it is, such as `relay-test`: 1 to 32 of `a` to `z` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKind(Cow<'static, str>);

/// The name of a document among those of its kind: 1 to 64 of `a` to `z`, `0` to `9`, `.`, `:`, `/` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(String);

/// A record that another part of the server owns.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    kind: DocumentKind,
    id: DocumentId,
    group: Vec<u8>,
    due: Option<UnixTime>,
    body: Vec<u8>,
    revision: u64,
    /// Only of one that is to be written.
    logged: Logged,
}

/// How much of a document that is written goes into the change log and the audit records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logged {
    Audited,
    Step,
    Private,
}

/// Why something is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The kind is empty, too long or has other characters.
    #[error("a kind of document has 1 to 32 of a-z and -")]
    Kind,
    /// The id is empty, too long or has other characters.
    #[error("a document's id has 1 to 64 of a-z, 0-9, '.', ':', '/' and '-'")]
    Id,
    /// The group is too long.
    #[error("a document's group has {0} bytes, and {max} are the most", max = Document::MAX_GROUP)]
    Group(usize),
    /// The body is too long.
    #[error("a document's body has {0} bytes, and {max} are the most", max = Document::MAX_BODY)]
    Body(usize),
}

impl DocumentKind {
    const MAX_LEN: usize = 32;

    /// The kind with this name, for constants.
    ///
    /// # Panics
    ///
    /// If it is no kind; in a constant, at compile time.
    pub const fn from_static(text: &'static str) -> Self {
        assert!(is_kind(text.as_bytes()), "a kind of document has 1 to 32 of a-z and -");
        Self(Cow::Borrowed(text))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_kind(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'-') {
            return false;
        }
        at += 1;
    }
    0 < at && at <= DocumentKind::MAX_LEN
}

impl FromStr for DocumentKind {
    type Err = DocumentError;

    fn from_str(text: &str) -> Result<Self, DocumentError> {
        let kind = is_kind(text.as_bytes()).then(|| Self(Cow::Owned(text.into())));
        kind.ok_or(DocumentError::Kind)
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DocumentId {
    const MAX_LEN: usize = 64;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocumentId {
    type Err = DocumentError;

    fn from_str(text: &str) -> Result<Self, DocumentError> {
        let admits =
            |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b':' | b'/' | b'-');
        let is_id = (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(admits);
        is_id.then(|| Self(text.into())).ok_or(DocumentError::Id)
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Document {
    /// The most bytes of a group.
    pub const MAX_GROUP: usize = 64;
    /// The most bytes of a body.
    pub const MAX_BODY: usize = 256 << 10;

    /// A document to be written.
    ///
    /// Documents of one kind can be found by `group`, which may be empty, and by `due`, when somebody
    /// should look at them again. What is in `body` only its owner knows.
    pub fn new(
        kind: DocumentKind,
        id: DocumentId,
        group: Vec<u8>,
        due: Option<UnixTime>,
        body: Vec<u8>,
    ) -> Result<Self, DocumentError> {
        if group.len() > Self::MAX_GROUP {
            return Err(DocumentError::Group(group.len()));
        }
        if body.len() > Self::MAX_BODY {
            return Err(DocumentError::Body(body.len()));
        }
        Ok(Self { kind, id, group, due, body, revision: 0, logged: Logged::Audited })
    }

    /// What kind it is.
    pub fn kind(&self) -> &DocumentKind {
        &self.kind
    }

    /// Its name among those of its kind.
    pub fn id(&self) -> &DocumentId {
        &self.id
    }

    /// What it can be found by, with others.
    pub fn group(&self) -> &[u8] {
        &self.group
    }

    /// When somebody should look at it again.
    pub fn due(&self) -> Option<UnixTime> {
        self.due
    }

    /// What its owner wrote.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The change that wrote it; 0 before that.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The same as a step of a machine towards something that is audited itself: it has an entry in the
    /// change log, and no audit record.
    #[must_use]
    pub fn as_step(self) -> Self {
        Self { logged: Logged::Step, ..self }
    }

    /// The same as one that is forgotten when it is deleted: its entry in the change log says nothing of its
    /// body, so `recover` can't bring it back from there, and there is no audit record.
    #[must_use]
    pub fn as_private(self) -> Self {
        Self { logged: Logged::Private, ..self }
    }

    pub(crate) fn is_step(&self) -> bool {
        self.logged != Logged::Audited
    }

    /// What the change log keeps of it.
    pub(crate) fn logged_value(&self) -> DocumentValue {
        let body = if self.logged == Logged::Private { Vec::new() } else { self.body.clone() };
        DocumentValue { body, ..self.into() }
    }

    pub(crate) fn with_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// Whether both say the same, whenever they were written.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        (&self.kind, &self.id, &self.group, self.due, &self.body)
            == (&other.kind, &other.id, &other.group, other.due, &other.body)
    }
}

/// Shows how long the body is, not what it says.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("kind", &self.kind.as_str())
            .field("id", &self.id.as_str())
            .field("due", &self.due)
            .field("body_bytes", &self.body.len())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A document as it is written; kind and id are the key.
#[derive(Serialize, Deserialize)]
pub(crate) struct DocumentValue {
    group: Vec<u8>,
    due: Option<u64>,
    body: Vec<u8>,
    revision: u64,
}

impl From<&Document> for DocumentValue {
    fn from(document: &Document) -> Self {
        Self {
            group: document.group.clone(),
            due: document.due.map(|at| at.0),
            body: document.body.clone(),
            revision: document.revision,
        }
    }
}

impl DocumentValue {
    pub(crate) fn document(
        self,
        kind: DocumentKind,
        id: DocumentId,
    ) -> Result<Document, StoreError> {
        let due = self.due.map(UnixTime);
        let document = Document::new(kind, id, self.group, due, self.body);
        let document = document.map_err(|err| StoreError::unreadable("document", err))?;
        Ok(document.with_revision(self.revision))
    }
}

/// The value of a document.
pub(crate) fn encode(document: &Document) -> Vec<u8> {
    codec::encode(&DocumentValue::from(document))
}

/// The document with a value.
pub(crate) fn decode(
    kind: DocumentKind,
    id: DocumentId,
    bytes: &[u8],
) -> Result<Document, StoreError> {
    codec::decode::<DocumentValue>("document", bytes)?.document(kind, id)
}

/// The revision in the value of a document.
pub(crate) fn revision(bytes: &[u8]) -> Option<u64> {
    Some(codec::decode::<DocumentValue>("document", bytes).ok()?.revision)
}

pub(crate) fn kind(text: &str) -> Result<DocumentKind, StoreError> {
    text.parse().map_err(|err| StoreError::unreadable("kind of document", err))
}

pub(crate) fn id(text: &str) -> Result<DocumentId, StoreError> {
    text.parse().map_err(|err| StoreError::unreadable("document id", err))
}
