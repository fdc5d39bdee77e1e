//! A listing: one subject, as listed by one source.

use crate::{Reason, ReturnCode, Source, Subject, UnixTime};

/// The content of a listing. What is left out means the zone's value at answer time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingBody {
    /// Return codes of its own; empty means the zone's.
    pub return_codes: Vec<ReturnCode>,
    /// A reason of its own.
    pub reason: Option<Reason>,
    /// A hole in what is listed, not a listing.
    pub exclusion: bool,
    /// Free words for searching.
    pub tags: Vec<String>,
    /// A note for the operators, never shown over DNS.
    pub note: Option<String>,
    /// From this second on the listing is absent.
    pub expires_at: Option<UnixTime>,
}

/// A listing body beyond its limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// More return codes than an answer should carry.
    #[error("{0} return codes are more than {max}", max = ListingBody::MAX_RETURN_CODES)]
    TooManyReturnCodes(usize),
    /// An exclusion that answers.
    #[error("an exclusion has no return codes: it is a hole in what is listed")]
    ExclusionWithReturnCodes,
    /// Too many tags, or one that is too long, empty or unprintable.
    #[error("tags: at most {count} of 1 to {len} bytes without control characters", count = ListingBody::MAX_TAGS, len = ListingBody::MAX_TAG_LEN)]
    Tags,
    /// A note that is too long.
    #[error("a note of {0} bytes is longer than {max}", max = ListingBody::MAX_NOTE_LEN)]
    NoteTooLong(usize),
}

impl ListingBody {
    /// The most return codes of one listing.
    pub const MAX_RETURN_CODES: usize = 16;
    /// The most tags of one listing.
    pub const MAX_TAGS: usize = 16;
    /// The longest tag, in bytes.
    pub const MAX_TAG_LEN: usize = 64;
    /// The longest note, in bytes.
    pub const MAX_NOTE_LEN: usize = 4096;

    /// Checks the limits and brings codes and tags into their one order.
    ///
    /// # Errors
    /// Something exceeds its limit, or an exclusion has codes or a reason.
    pub fn checked(mut self) -> Result<Self, ListingError> {
        if self.return_codes.len() > Self::MAX_RETURN_CODES {
            return Err(ListingError::TooManyReturnCodes(self.return_codes.len()));
        }
        if self.exclusion && !self.return_codes.is_empty() {
            return Err(ListingError::ExclusionWithReturnCodes);
        }
        if self.tags.len() > Self::MAX_TAGS || !self.tags.iter().all(|tag| is_tag(tag)) {
            return Err(ListingError::Tags);
        }
        if let Some(note) = self.note.as_ref().filter(|note| note.len() > Self::MAX_NOTE_LEN) {
            return Err(ListingError::NoteTooLong(note.len()));
        }
        self.return_codes.sort_unstable();
        self.return_codes.dedup();
        self.tags.sort_unstable();
        self.tags.dedup();
        Ok(self)
    }

    /// The part that decides answers.
    pub fn entry(&self) -> Entry {
        Entry {
            exclusion: self.exclusion,
            return_codes: self.return_codes.clone(),
            reason: self.reason.clone(),
            expires_at: self.expires_at,
        }
    }

    /// Whether it is present at `now`.
    pub fn is_live(&self, now: UnixTime) -> bool {
        is_live(self.expires_at, now)
    }
}

fn is_tag(tag: &str) -> bool {
    (1..=ListingBody::MAX_TAG_LEN).contains(&tag.len()) && !tag.chars().any(char::is_control)
}

fn is_live(expires_at: Option<UnixTime>, now: UnixTime) -> bool {
    expires_at.is_none_or(|at| now < at)
}

/// One (subject, source) as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What is listed.
    pub subject: Subject,
    /// Who lists it.
    pub source: Source,
    /// What is said about it.
    pub body: ListingBody,
    /// When this source first listed it.
    pub listed_at: UnixTime,
    /// When it last changed.
    pub updated_at: UnixTime,
    /// The name of the token that wrote it last.
    pub listed_by: String,
    /// The change that wrote it last; its entity tag.
    pub seq: u64,
}

/// The part of a listing that decides answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// A hole in what is listed.
    pub exclusion: bool,
    /// Return codes of its own; empty means the zone's.
    pub return_codes: Vec<ReturnCode>,
    /// A reason of its own.
    pub reason: Option<Reason>,
    /// From this second on it is absent.
    pub expires_at: Option<UnixTime>,
}

impl Entry {
    /// Whether it is present at `now`.
    pub fn is_live(&self, now: UnixTime) -> bool {
        is_live(self.expires_at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::{ListingBody, ListingError};
    use crate::{ReturnCode, UnixTime};

    #[test]
    fn a_listing_is_absent_from_the_second_it_expires() {
        let body = ListingBody { expires_at: Some(UnixTime(100)), ..Default::default() };
        assert!(body.is_live(UnixTime(99)));
        assert!(!body.is_live(UnixTime(100)));
        assert!(ListingBody::default().is_live(UnixTime(u64::MAX)));
    }

    #[test]
    fn codes_and_tags_have_one_order() {
        let body = ListingBody {
            return_codes: vec![
                "127.0.0.9".parse().unwrap(),
                ReturnCode::LISTED,
                ReturnCode::LISTED,
            ],
            tags: vec!["b".into(), "a".into(), "b".into()],
            ..Default::default()
        };
        let body = body.checked().unwrap();
        assert_eq!(body.return_codes, [ReturnCode::LISTED, "127.0.0.9".parse().unwrap()]);
        assert_eq!(body.tags, ["a", "b"]);
    }

    #[test]
    fn an_exclusion_does_not_answer() {
        let body = ListingBody {
            exclusion: true,
            return_codes: vec![ReturnCode::LISTED],
            ..Default::default()
        };
        assert_eq!(body.checked(), Err(ListingError::ExclusionWithReturnCodes));
    }
}
