//! The phase of a zone in its life.

use crate::UnixTime;

/// The phase of a zone in its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ZonePhase {
    /// It lists, and its listings change.
    #[default]
    Active,
    /// Nothing more is listed for now; what is listed may go.
    Frozen,
    /// It has ended, and lists nothing any more, whatever it has listed before.
    Retired(Retirement),
}

/// The end of a list that is told to whoever still asks it (RFC 6471 section 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// A TXT record at the apex.
    pub notice: String,
    /// Until when the test entries are answered, by which clients see that the list is there; `None`: not any more.
    pub test_entries_until: Option<UnixTime>,
}

impl ZonePhase {
    /// Its end, if it has ended.
    pub fn retirement(&self) -> Option<&Retirement> {
        match self {
            Self::Retired(retirement) => Some(retirement),
            Self::Active | Self::Frozen => None,
        }
    }

    /// Whether more may be listed.
    pub fn takes_listings(&self) -> bool {
        *self == Self::Active
    }
}

impl Retirement {
    /// The TTL of its answers, in seconds: who still asks shall ask seldom.
    pub const TTL: u32 = 86_400;
    /// The longest notice, in octets.
    pub const MAX_NOTICE: usize = 255;

    /// Whether the test entries are answered.
    pub fn has_test_entries(&self, now: UnixTime) -> bool {
        self.test_entries_until.is_some_and(|until| now < until)
    }
}
