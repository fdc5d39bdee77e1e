//! Sources: who says that a subject is listed.

use std::{fmt, str::FromStr, sync::Arc};

/// The name of a source of listings: 1 to 64 of `a-z A-Z 0-9 . _ -`, beginning with a letter or digit.
///
/// The same subject may be listed by several sources; each is renewed and removed on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(Arc<str>);

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "source {0:?} is not 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-' beginning with a letter or digit"
)]
pub struct SourceError(String);

impl Source {
    /// The longest source name, in bytes.
    pub const MAX_LEN: usize = 64;
    /// The name of the source of what logins grant. Who is where is nobody's business: its listings have no
    /// audit records.
    pub const LOGINS: &str = "logins";
    /// The name of the source of what reports list.
    pub const REPORTS: &str = "reports";
    /// The name of the source of the exclusions that requests for removal leave, and of who removes without a reviewer.
    pub const REMOVALS: &str = "removals";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let good = text.len() <= Self::MAX_LEN
            && text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
            && text.bytes().all(plain);
        if !good {
            return Err(SourceError(text.chars().take(Self::MAX_LEN).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
