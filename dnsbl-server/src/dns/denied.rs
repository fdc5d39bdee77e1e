//! Why a question is denied, in a word.

/// Why a question is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Denied {
    /// A rule for the client's network says so.
    Rule,
    /// The key in the name does not count.
    Key,
    /// The client is no subscriber.
    NoSubscriber,
    /// More was asked than may be.
    Quota,
}

impl Denied {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Rule, Self::Key, Self::NoSubscriber, Self::Quota];

    /// The word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Key => "key",
            Self::NoSubscriber => "no-subscriber",
            Self::Quota => "quota",
        }
    }
}
