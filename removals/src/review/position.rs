//! Where a page of the review ended.

use std::{fmt, str::FromStr};

use dnsbl_reports::ReportId;

use crate::{
    ItemKind, ListingKey, RemovalId,
    ticket::{name_of, parts_of},
};

/// A place between what waits: in the requests for removal behind one, in the reports before one, or in the listings
/// behind one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// In the requests for removal.
    Removal(Option<RemovalId>),
    /// In the reports.
    Report(Option<ReportId>),
    /// In the listings.
    Listing(Option<ListingKey>),
}

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of the review")]
pub struct PositionError;

impl Position {
    /// Before everything.
    pub(super) const START: Self = Self::Removal(None);

    /// In which kind it lies.
    pub(super) fn kind(&self) -> ItemKind {
        match self {
            Self::Removal(_) => ItemKind::Removal,
            Self::Report(_) => ItemKind::Report,
            Self::Listing(_) => ItemKind::Listing,
        }
    }

    /// Before those that come after a kind.
    pub(super) fn after(kind: ItemKind) -> Option<Self> {
        match kind {
            ItemKind::Removal => Some(Self::Report(None)),
            ItemKind::Report => Some(Self::Listing(None)),
            ItemKind::Listing => None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![self.kind().as_str().to_owned()];
        match self {
            Self::Removal(id) => parts.extend(id.map(|id| id.to_string())),
            Self::Report(id) => parts.extend(id.map(|id| id.to_string())),
            Self::Listing(None) => {}
            Self::Listing(Some(key)) => {
                let ListingKey { zone, subject, source } = key;
                parts.extend([zone.to_string(), subject.to_string(), source.to_string()]);
            }
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        f.write_str(&name_of(&parts))
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let parts = parts_of(text).ok_or(PositionError)?;
        let (kind, rest) = parts.split_first().ok_or(PositionError)?;
        match (kind.as_str(), rest) {
            ("removal", []) => Ok(Self::Removal(None)),
            ("report", []) => Ok(Self::Report(None)),
            ("listing", []) => Ok(Self::Listing(None)),
            ("removal", [id]) => id.parse().map(Some).map(Self::Removal).map_err(|_| PositionError),
            ("report", [id]) => id.parse().map(Some).map(Self::Report).map_err(|_| PositionError),
            ("listing", key) => {
                ListingKey::of(key).map(Some).map(Self::Listing).ok_or(PositionError)
            }
            _ => Err(PositionError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let key = ["bl.example.org", "192.0.2.0/24", "ops"].map(ToOwned::to_owned);
        for position in [
            Position::START,
            Position::Removal(Some(RemovalId(7))),
            Position::Report(None),
            Position::Report(Some(ReportId(8))),
            Position::Listing(None),
            Position::Listing(ListingKey::of(&key)),
        ] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for text in ["", "x", "cmVtb3ZhbAp4"] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text}");
        }
    }
}
