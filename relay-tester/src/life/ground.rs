//! The ground on which a host is tested. Nobody is tested without a reason (RFC 6471 section 3.6).

use std::str::FromStr;

use crate::Ground;

/// The error that a text is no ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ground is self, owner, evidence, retest or delist")]
pub struct GroundError;

impl Ground {
    /// Whether it is about a host that is listed.
    pub fn is_of_listed(self) -> bool {
        matches!(self, Self::Retest | Self::Delist)
    }
}

impl FromStr for Ground {
    type Err = GroundError;

    fn from_str(text: &str) -> Result<Self, GroundError> {
        Self::ALL.into_iter().find(|ground| ground.as_str() == text).ok_or(GroundError)
    }
}
