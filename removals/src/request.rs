//! A request for removal as it is kept.

use dnsbl_reports::Comment;
use dnsbl_types::{Name, Subject, UnixTime};
use ipnet::IpNet;

use crate::{Language, RemovalId, TicketDigest};

/// A request for removal: what one asks of a zone about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: RemovalId,
    /// The zone that lists the subject.
    pub zone: Name,
    /// What shall be listed no more.
    pub subject: Subject,
    /// The name of the token that it came with; `None`: somebody without one.
    pub by: Option<String>,
    /// The network that it came from: a /24, or a /48 of IPv6; `None` over a Unix socket.
    pub network: Option<IpNet>,
    /// What is said for it.
    pub comment: Option<Comment>,
    /// The language of whoever asks.
    pub language: Language,
    /// When it came.
    pub at: UnixTime,
    /// Until when it is answered, as is promised.
    pub due: UnixTime,
    /// How it stands.
    pub state: State,
    /// Who has decided about it, if anybody.
    pub decision: Option<Decision>,
    /// Whether who asks has followed the link in the mail.
    pub is_confirmed: bool,
    /// What is known of its ticket.
    pub(crate) ticket: TicketDigest,
    /// What is known of the token in the mail, while that is waited for.
    pub(crate) confirmation: Option<TicketDigest>,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The link in the mail has not been followed; then, it is forgotten.
    Unconfirmed(UnixTime),
    /// It waits for a reviewer, or for its time.
    Waiting(Waiting),
    /// The relay tester has been asked for this test, after which the relay is removed.
    Retest(String),
    /// A reviewer has granted it: it is removed.
    Granted(Removed),
    /// It was refused; by the relay tester with this verdict.
    Refused(Option<String>),
    /// It is removed, or was not listed any more.
    Done(Removed),
}

/// What a request waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When the subject is removed without a reviewer, since it was not long ago; `None`: a reviewer decides.
    pub removed_at: Option<UnixTime>,
    /// What covers the subject and lists it, too, if anything did when it was looked at.
    pub wider: Option<Subject>,
}

/// A removal that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// When.
    pub at: UnixTime,
    /// Until when resolvers may answer from what they have kept.
    pub cached_until: UnixTime,
}

/// The name of a [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKind {
    /// The link in the mail has not been followed.
    Unconfirmed,
    /// It waits.
    Waiting,
    /// The relay is tested.
    Retest,
    /// A reviewer has granted it.
    Granted,
    /// It was refused.
    Refused,
    /// It is removed.
    Done,
}

impl StateKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Unconfirmed, Self::Waiting, Self::Retest, Self::Granted, Self::Refused, Self::Done];

    /// Its name in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Waiting => "waiting",
            Self::Retest => "retest",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Done => "done",
        }
    }

    /// Whether something is to come of it yet.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Unconfirmed | Self::Waiting | Self::Retest)
    }
}

impl State {
    /// Its name.
    pub fn kind(&self) -> StateKind {
        match self {
            Self::Unconfirmed(_) => StateKind::Unconfirmed,
            Self::Waiting(_) => StateKind::Waiting,
            Self::Retest(_) => StateKind::Retest,
            Self::Granted(_) => StateKind::Granted,
            Self::Refused(_) => StateKind::Refused,
            Self::Done(_) => StateKind::Done,
        }
    }
}

/// What a reviewer decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The subject is removed. What covers it stays, and the subject is excluded from it.
    Grant,
    /// The subject is removed, and so is what covers it.
    GrantWider,
    /// It stays listed.
    Refuse,
}

/// The decision of a reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The name of the reviewer's token.
    pub by: String,
    /// When.
    pub at: UnixTime,
    /// Why; who asked is told.
    pub note: Option<Comment>,
}

impl Request {
    /// The seconds for which a request is kept that nobody confirms.
    pub(crate) const CONFIRM_WITHIN: u64 = 2 * 86_400;

    /// Whether it should have been answered by now.
    pub fn is_overdue(&self, now: UnixTime) -> bool {
        self.state.kind().is_open()
            && !matches!(self.state, State::Unconfirmed(_))
            && self.promised() <= now
    }

    /// Until when it is answered: as is promised, or later where the subject has to wait.
    pub fn promised(&self) -> UnixTime {
        match &self.state {
            State::Waiting(Waiting { removed_at: Some(at), .. }) => self.due.max(*at),
            _ => self.due,
        }
    }
}
