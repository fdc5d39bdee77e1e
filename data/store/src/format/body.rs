//! What a document says, as its owners write it: one byte that names the format, then postcard.

use std::error::Error;

use serde::{Serialize, de::DeserializeOwned};

use super::document::Document;

/// The format of one owner's documents; a release that writes another way has a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFormat(pub u8);

/// The reason why what a document says can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// A release that is newer wrote it.
    #[error("it is of format {found}; this release reads {known}")]
    Format {
        /// What it is of.
        found: u8,
        /// What can be read.
        known: u8,
    },
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl BodyFormat {
    /// The body of a document that says `value`.
    ///
    /// # Panics
    ///
    /// If `value` can't be serialized by its nature, such as a sequence of unknown length.
    pub fn encode(self, value: &impl Serialize) -> Vec<u8> {
        postcard::to_extend(value, vec![self.0]).expect("a vector takes any value")
    }

    /// What a document says.
    ///
    /// # Errors
    /// It is of another format, or damaged.
    pub fn decode<T: DeserializeOwned>(self, document: &Document) -> Result<T, BodyError> {
        self.decode_bytes(document.body())
    }

    /// What is kept beside a document, such as a bookmark, says.
    ///
    /// # Errors
    /// It is of another format, or damaged.
    pub fn decode_bytes<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, BodyError> {
        match bytes {
            [format, body @ ..] if *format == self.0 => {
                postcard::from_bytes(body).map_err(BodyError::damaged)
            }
            [found, ..] => Err(BodyError::Format { found: *found, known: self.0 }),
            [] => Err(BodyError::damaged("it is empty, as after a recovery")),
        }
    }
}

impl BodyError {
    /// The error of a body with a value that makes no sense.
    pub fn damaged(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Damaged(reason.into().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DocumentId, DocumentKind};

    #[test]
    fn a_body_is_read_as_it_was_written_and_only_by_who_knows_its_format() {
        let document = |body| {
            let id: DocumentId = "1".parse().unwrap();
            Document::new(DocumentKind::from_static("test"), id, Vec::new(), None, body).unwrap()
        };
        let (one, two) = (BodyFormat(1), BodyFormat(2));
        let body = one.encode(&("text", 7_u64));
        let read: (String, u64) = one.decode(&document(body.clone())).unwrap();
        assert_eq!(read, ("text".to_owned(), 7));
        let other = two.decode::<(String, u64)>(&document(body.clone()));
        assert!(matches!(other, Err(BodyError::Format { found: 1, known: 2 })));
        for damaged in [vec![], body[..3].to_vec()] {
            let read = one.decode::<(String, u64)>(&document(damaged));
            assert!(matches!(read, Err(BodyError::Damaged(_))));
        }
    }
}
