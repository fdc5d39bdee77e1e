//! The names of the test entries of domain zones (RFC 5782 section 5).

use crate::Labels;

/// The name of a test entry, relative to a domain zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestName {
    /// `test`, which is always listed.
    Listed,
    /// `invalid`, which never is.
    Never,
}

impl TestName {
    /// The one that labels are, if they are one.
    pub(crate) fn of(mut labels: Labels<'_>) -> Option<Self> {
        let (Some(label), None) = (labels.next(), labels.next()) else {
            return None;
        };
        if label.eq_ignore_ascii_case(b"test") {
            Some(Self::Listed)
        } else if label.eq_ignore_ascii_case(b"invalid") {
            Some(Self::Never)
        } else {
            None
        }
    }
}
