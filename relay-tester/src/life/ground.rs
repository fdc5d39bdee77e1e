//! Why a host is tested. Nobody is tested without a reason (RFC 6471 section 3.6).

use std::{fmt, str::FromStr};

/// Why a host is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// The request came from the host itself.
    Itself,
    /// Who runs the host asks.
    Owner,
    /// There is a sample of what it relayed.
    Evidence,
    /// It is listed; is it still open?
    Retest,
    /// It is listed, and somebody says that it is closed now.
    Delist,
}

/// What was given is no ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ground is self, owner, evidence, retest or delist")]
pub struct GroundError;

impl Ground {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Itself, Self::Owner, Self::Evidence, Self::Retest, Self::Delist];

    /// Its word in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Itself => "self",
            Self::Owner => "owner",
            Self::Evidence => "evidence",
            Self::Retest => "retest",
            Self::Delist => "delist",
        }
    }

    /// Whether it is about a host that is listed.
    pub fn is_of_listed(self) -> bool {
        matches!(self, Self::Retest | Self::Delist)
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Ground {
    type Err = GroundError;

    fn from_str(text: &str) -> Result<Self, GroundError> {
        Self::ALL.into_iter().find(|ground| ground.word() == text).ok_or(GroundError)
    }
}
