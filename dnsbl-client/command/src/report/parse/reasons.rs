//! Reasons of refusals which say that there is no such recipient.

/// What Postfix, Exim and those who configure them write. In lower case.
const KNOWN: [&str; 13] = [
    "user unknown",
    "unknown user",
    "undeliverable address",
    "unrouteable address",
    "unroutable address",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "no such address",
    "user not found",
    "recipient unknown",
    "unknown recipient",
    "mailbox unknown",
];

/// The reasons for which an unknown recipient is refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnknownReasons {
    /// Further ones, in lower case.
    further: Vec<String>,
}

impl UnknownReasons {
    /// The usual ones and these, in upper case or lower.
    pub(crate) fn with(further: impl IntoIterator<Item = String>) -> Self {
        let further = further.into_iter().map(|text| text.to_lowercase());
        Self { further: further.filter(|text| !text.is_empty()).collect() }
    }

    /// Whether a reason is or holds one of them.
    pub(super) fn holds(&self, reason: &str) -> bool {
        let reason = reason.to_lowercase();
        let further = self.further.iter().map(String::as_str);
        KNOWN.into_iter().chain(further).any(|text| reason.contains(text))
    }
}
