//! Combined lists: the zones that a zone answers for beside its own listings (RFC 5782 section 2.3).

use crate::{Name, Reason, ReturnCode};

/// The zones that a combined zone includes, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Includes(Vec<Include>);

/// A zone that a combined zone includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Its origin.
    pub zone: Name,
    /// What its listings answer with here in place of their own codes, ascending; empty: with their own.
    pub return_codes: Vec<ReturnCode>,
    /// What its listings answer with here in place of their own reasons.
    pub reason: Option<Reason>,
}

/// Includes that make no combined zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncludeError {
    /// More zones than are asked for one question.
    #[error("includes has {0} zones, more than {max}", max = Includes::MAX)]
    TooMany(usize),
    /// A zone twice.
    #[error("includes has {0} twice")]
    Twice(Name),
    /// More codes than a zone may have.
    #[error("includes: {count} return codes of {zone} are more than {max}", max = Include::MAX_CODES)]
    TooManyCodes {
        /// The zone.
        zone: Name,
        /// How many there are.
        count: usize,
    },
    /// The zone itself.
    #[error("includes has the zone itself")]
    Itself,
    /// An allow zone: what it grants is no listing.
    #[error("an allow zone includes no other: each listing there would be a grant without a login")]
    Grants,
}

impl Include {
    /// The most return codes.
    pub const MAX_CODES: usize = 16;
}

impl Includes {
    /// The most zones.
    pub const MAX: usize = 64;

    /// The includes of these zones.
    ///
    /// # Errors
    /// There are too many, one is there twice, or one has too many codes.
    pub fn new(mut includes: Vec<Include>) -> Result<Self, IncludeError> {
        if includes.len() > Self::MAX {
            return Err(IncludeError::TooMany(includes.len()));
        }
        for include in &mut includes {
            let count = include.return_codes.len();
            if count > Include::MAX_CODES {
                let zone = include.zone.clone();
                return Err(IncludeError::TooManyCodes { zone, count });
            }
            include.return_codes.sort_unstable();
            include.return_codes.dedup();
        }
        for (i, include) in includes.iter().enumerate() {
            if includes[..i].iter().any(|before| before.zone == include.zone) {
                return Err(IncludeError::Twice(include.zone.clone()));
            }
        }
        Ok(Self(includes))
    }

    /// The zones.
    pub fn as_slice(&self) -> &[Include] {
        &self.0
    }

    /// Whether there is none, so that the zone is no combined one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a zone is among them.
    pub fn has(&self, zone: &Name) -> bool {
        self.0.iter().any(|include| include.zone == *zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn include(zone: &str, codes: &[&str]) -> Include {
        Include {
            zone: zone.parse().unwrap(),
            return_codes: codes.iter().map(|code| code.parse().unwrap()).collect(),
            reason: None,
        }
    }

    #[test]
    fn a_zone_is_included_once_and_its_codes_are_a_set() {
        let codes = include("a.example", &["127.0.0.9", "127.0.0.3", "127.0.0.9"]);
        let includes = Includes::new(vec![codes, include("b.example", &[])]).unwrap();
        assert_eq!(includes.as_slice()[0], include("a.example", &["127.0.0.3", "127.0.0.9"]));
        assert!(includes.has(&"b.example".parse().unwrap()));
        assert!(!includes.has(&"c.example".parse().unwrap()));
        let twice = vec![include("a.example", &[]), include("A.example", &["127.0.0.2"])];
        assert_eq!(Includes::new(twice), Err(IncludeError::Twice("a.example".parse().unwrap())));
    }

    #[test]
    fn there_are_no_more_than_one_question_can_look_through() {
        let many = |count| (0..count).map(|i| include(&format!("z{i}.example"), &[])).collect();
        assert!(Includes::new(many(64)).is_ok());
        assert_eq!(Includes::new(many(65)), Err(IncludeError::TooMany(65)));
    }
}
