//! A report as it is kept.

use std::{fmt, str::FromStr};

use dnsbl_types::{Name, ReportCategory, Source, Subject, UnixTime};
use ipnet::IpNet;

use crate::Comment;

/// The number of a report; later ones are higher.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportId(pub u64);

/// A text that is no number of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of a report has {} digits of 0-9 and a-f", ReportId::LEN)]
pub struct ReportIdError;

impl ReportId {
    /// Digits of a number.
    pub const LEN: usize = 16;
    /// Numbers of one second.
    const BITS: u32 = 20;

    /// The number that follows another at a time.
    pub(crate) fn after(self, now: UnixTime) -> Self {
        let first = now.0.min(u64::MAX >> Self::BITS) << Self::BITS;
        Self(first.max(self.0.saturating_add(1)))
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReportId({self})")
    }
}

impl FromStr for ReportId {
    type Err = ReportIdError;

    fn from_str(text: &str) -> Result<Self, ReportIdError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_id = text.len() == Self::LEN && text.bytes().all(is_digit);
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_id);
        number.map(Self).ok_or(ReportIdError)
    }
}

/// A report: what one reporter says of a subject in one category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its number.
    pub id: ReportId,
    /// The zone that would list the subject.
    pub zone: Name,
    /// Of what it speaks.
    pub subject: Subject,
    /// What the subject has done.
    pub category: ReportCategory,
    /// The name of the token that it came with.
    pub reporter: Source,
    /// The network that it came from: a /24, or a /48 of IPv6; `None` over a Unix socket.
    pub network: Option<IpNet>,
    /// When it came.
    pub at: UnixTime,
    /// When the reporter last said the same.
    pub last: UnixTime,
    /// How often it was said again since the first time.
    pub duplicates: u32,
    /// How many events it stands for, those of duplicates included.
    pub count: u64,
    /// When the reporter saw the first of them.
    pub first_seen: Option<UnixTime>,
    /// When the reporter saw the last of them.
    pub last_seen: Option<UnixTime>,
    /// What the reporter says of it.
    pub comment: Option<Comment>,
    /// What has come of it.
    pub state: ReportState,
    /// Who has decided about it, if anybody.
    pub decision: Option<Decision>,
}

/// What has come of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportState {
    /// It waits for others that say the same, or for a reviewer.
    Waiting,
    /// A listing rests on it, which ends at this time, or did.
    Listed(UnixTime),
    /// The relay tester has been asked for this test.
    Testing(String),
    /// A reviewer has found it true.
    Confirmed,
    /// A reviewer has found it false.
    Refuted,
}

/// The name of a [`ReportState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateKind {
    /// It waits.
    Waiting,
    /// A listing rests on it.
    Listed,
    /// It is tested.
    Testing,
    /// It is true.
    Confirmed,
    /// It is false.
    Refuted,
}

impl StateKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::Listed, Self::Testing, Self::Confirmed, Self::Refuted];

    /// Its name in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Listed => "listed",
            Self::Testing => "testing",
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
        }
    }
}

impl ReportState {
    /// Its name.
    pub fn kind(&self) -> StateKind {
        match self {
            Self::Waiting => StateKind::Waiting,
            Self::Listed(_) => StateKind::Listed,
            Self::Testing(_) => StateKind::Testing,
            Self::Confirmed => StateKind::Confirmed,
            Self::Refuted => StateKind::Refuted,
        }
    }
}

/// What a reviewer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The report is true.
    Confirmed,
    /// It is false.
    Refuted,
}

/// The verdict of a reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was found.
    pub verdict: Verdict,
    /// The name of the reviewer's token.
    pub by: String,
    /// When.
    pub at: UnixTime,
    /// Why.
    pub note: Option<Comment>,
}

impl Report {
    /// Takes a verdict; what it was before, if anything.
    pub(crate) fn decide(&mut self, decision: Decision) -> Option<Verdict> {
        self.state = match decision.verdict {
            Verdict::Confirmed => ReportState::Confirmed,
            Verdict::Refuted => ReportState::Refuted,
        };
        self.decision.replace(decision).map(|before| before.verdict)
    }

    /// Takes what the reporter says again.
    pub(crate) fn repeat(&mut self, count: u64, last_seen: Option<UnixTime>, now: UnixTime) {
        self.duplicates = self.duplicates.saturating_add(1);
        self.count = self.count.saturating_add(count);
        self.last = self.last.max(now);
        self.last_seen = self.last_seen.max(last_seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_whatever_the_clock_does_and_are_read_as_they_are_written() {
        let now = UnixTime(1_700_000_000);
        let first = ReportId(0).after(now);
        let second = first.after(now);
        let back = second.after(UnixTime(5));
        let later = back.after(now.plus(1));
        assert!(first < second && second < back && back < later, "{first} {second} {back} {later}");
        for id in [first, second, back, later, ReportId(u64::MAX)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in ["", "0", "000000000000000g", "00000000000000A0", "+000000000000001"] {
            assert!(text.parse::<ReportId>().is_err(), "{text}");
        }
    }
}
