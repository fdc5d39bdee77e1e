//! A feed: where a list comes from, and where it goes.

use std::{fmt, path::PathBuf, str::FromStr};

use dnsbl_formats::Format;
use dnsbl_outbound::shown;
use dnsbl_types::{Guard, Name, Source};
use url::Url;

/// What a feed is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its name.
    pub name: FeedName,
    /// The zone that lists what it has.
    pub zone: Name,
    /// Whose listings they are: all of this source's, so no other feed of the zone has it.
    pub source: Source,
    /// Where it comes from.
    pub origin: Origin,
    /// What it is made of.
    pub format: Format,
    /// Seconds between two attempts, [`Feed::EVERY`]; files are watched besides.
    pub every: u64,
    /// The share of the source's listings that may go with one run. Four may always go, unless this is 0 or none would
    /// be left.
    pub max_removed: Share,
    /// The share of rows that may be rejected.
    pub max_rejected: Share,
    /// Seconds for which a row is listed at least after the last run that had it; `None`: until a run lacks it.
    pub expires_in: Option<u64>,
    /// Guards that do not hold.
    pub lifted: Vec<Guard>,
    /// Whether a URL may lead to addresses that are not on the Internet.
    pub allow_private: bool,
}

impl Feed {
    /// Seconds between attempts.
    pub const EVERY: std::ops::RangeInclusive<u64> = 10..=30 * 86_400;
    /// Seconds until rows expire.
    pub const EXPIRES_IN: std::ops::RangeInclusive<u64> = 60..=3650 * 86_400;

    /// Checks what its parts can't tell by themselves.
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn checked(self) -> Result<Self, FeedError> {
        if !Self::EVERY.contains(&self.every) {
            return Err(FeedError::Every);
        }
        match self.expires_in {
            Some(expires_in) if !Self::EXPIRES_IN.contains(&expires_in) => {
                Err(FeedError::ExpiresIn)
            }
            // A row that expires between two runs would come and go.
            Some(expires_in) if expires_in < self.every.saturating_mul(2) => {
                Err(FeedError::ExpiresEarly)
            }
            _ => Ok(self),
        }
    }
}

/// The name of a feed: 1 to 48 of `a-z`, `0-9`, `.` and `-`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedName(String);

/// A place where lists lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, or a folder: all regular files in it whose names do not begin with a dot, in the order of names.
    Path(PathBuf),
    /// A URL.
    Url(FeedUrl),
}

/// An http or https URL. Its user, password and query may be secrets, so it is shown without them.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedUrl(Url);

/// A share, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// The reason why something is no feed, or no part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The name.
    #[error("a feed's name is 1 to 48 of a-z, 0-9, '.' and '-', beginning with a letter or digit")]
    Name,
    /// The path.
    #[error("a path is absolute and without '..'")]
    Path,
    /// The URL.
    #[error("a URL begins with http:// or https:// and has a host{0}")]
    Url(String),
    /// The share.
    #[error("a share is 0 to 1")]
    Share,
    /// The time between attempts.
    #[error("every: it is 10 seconds to 30 days")]
    Every,
    /// The expiry.
    #[error("expires-in: it is a minute to ten years")]
    ExpiresIn,
    /// The expiry is too near.
    #[error(
        "expires-in: it is at least twice as long as every, or rows would expire before they are renewed"
    )]
    ExpiresEarly,
}

impl FeedName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedName {
    type Err = FeedError;

    fn from_str(text: &str) -> Result<Self, FeedError> {
        let is_alphanumeric = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = text.len() <= 48
            && text.bytes().next().is_some_and(is_alphanumeric)
            && text.bytes().all(|c| is_alphanumeric(c) || matches!(c, b'.' | b'-'));
        is_name.then(|| Self(text.into())).ok_or(FeedError::Name)
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    /// The place of a path.
    ///
    /// # Errors
    /// It is not absolute, or leads up.
    pub fn path(path: PathBuf) -> Result<Self, FeedError> {
        let leads_up = path.components().any(|part| part == std::path::Component::ParentDir);
        if path.is_absolute() && !leads_up { Ok(Self::Path(path)) } else { Err(FeedError::Path) }
    }
}

impl FeedUrl {
    /// The URL that is asked for.
    pub(crate) fn get(&self) -> &Url {
        &self.0
    }

    /// The URL with everything, for what is stored.
    pub(crate) fn secret(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for FeedUrl {
    type Err = FeedError;

    fn from_str(text: &str) -> Result<Self, FeedError> {
        if text.len() > 2000 {
            return Err(FeedError::Url(", and at most 2000 bytes".into()));
        }
        let url = Url::parse(text).map_err(|err| FeedError::Url(format!(": {err}")))?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_http.then_some(Self(url)).ok_or(FeedError::Url(String::new()))
    }
}

/// Without what may be secret.
impl fmt::Display for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedUrl({self})")
    }
}

impl Share {
    /// 0.2.
    pub const FIFTH: Self = Self(200_000);
    /// 0.05.
    pub const TWENTIETH: Self = Self(50_000);

    /// A share from 0 to 1.
    ///
    /// # Errors
    /// It is none.
    pub fn new(share: f64) -> Result<Self, FeedError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(FeedError::Share);
        }
        Ok(Self((share * 1e6).round() as u32))
    }

    /// The share, 0 to 1.
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// Whether a part of a whole is a larger share.
    pub fn is_exceeded(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 1_000_000 > u128::from(whole) * u128::from(self.0)
    }

    pub(crate) fn millionths(self) -> u32 {
        self.0
    }

    pub(crate) fn of_millionths(millionths: u32) -> Result<Self, FeedError> {
        (millionths <= 1_000_000).then_some(Self(millionths)).ok_or(FeedError::Share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        let url: FeedUrl =
            "https://me:secret@lists.example/a.txt?key=secret&x=1#secret".parse().unwrap();
        for shown in [format!("{url}"), format!("{url:?}")] {
            assert!(!shown.contains("secret") && shown.contains("lists.example/a.txt"), "{shown}");
        }
        assert_eq!(
            "http://lists.example/a".parse::<FeedUrl>().unwrap().to_string(),
            "http://lists.example/a"
        );
        for text in
            ["ftp://lists.example/", "lists.example/a", "https://", "file:///etc/passwd", ""]
        {
            assert!(text.parse::<FeedUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_compared_without_rounding() {
        assert!(!Share::FIFTH.is_exceeded(2, 10) && Share::FIFTH.is_exceeded(3, 10));
        assert!(Share::new(0.0).unwrap().is_exceeded(1, u64::MAX));
        assert!(!Share::new(1.0).unwrap().is_exceeded(u64::MAX, u64::MAX));
        assert!(Share::new(1.1).is_err() && Share::new(f64::NAN).is_err());
        assert_eq!(Share::new(0.2), Ok(Share::FIFTH));
    }

    #[test]
    fn names_and_paths_are_plain() {
        for name in ["drop", "0.a-b"] {
            assert!(name.parse::<FeedName>().is_ok(), "{name}");
        }
        for name in ["", "Drop", "-a", "a/b", &"a".repeat(49)] {
            assert!(name.parse::<FeedName>().is_err(), "{name}");
        }
        assert!(Origin::path("/srv/lists".into()).is_ok());
        assert!(
            Origin::path("lists".into()).is_err() && Origin::path("/srv/../etc".into()).is_err()
        );
    }
}
