//! A JSON document of the server.

use reqwest::header::HeaderMap;
use serde::de::IgnoredAny;

use crate::text;

/// A JSON document of the server, as it came and as it is understood.
pub(crate) struct Document<T> {
    /// As it came.
    pub(crate) text: String,
    /// As it is understood.
    pub(crate) body: T,
    /// Whether a resource was created.
    pub(crate) created: bool,
    /// The header fields it came with.
    pub(crate) headers: HeaderMap,
}

/// The answer to a deletion, which mostly holds nothing.
pub(crate) type Deletion = Document<IgnoredAny>;

impl<T> Document<T> {
    /// What was done, as a line: the words, and the change it is.
    pub(crate) fn outcome(&self, words: &[&str]) -> String {
        let seq = self.header("dnsbl-seq").map(|seq| format!("seq {seq}"));
        let shown = words.iter().map(|word| text::visible(word)).chain(seq);
        format!("{}\n", shown.collect::<Vec<_>>().join("  "))
    }

    /// A header field, fit for a terminal.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        value.to_str().ok().map(text::visible)
    }
}
