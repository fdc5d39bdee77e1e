//! The outcomes of a dialogue.

use super::{Reply, ReplyError};

/// The stage of the transaction that a probe got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the sender was named: RSET, or the EHLO of the probe itself.
    Hello,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to the reply to the final dot.
    Data,
}

/// The outcome of a probe in the dialogue. Whether an accepted one comes back is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpOutcome {
    /// The server refused for good.
    Refused {
        /// At which command.
        at: Stage,
        /// What it said.
        reply: Reply,
    },
    /// The server said 4xx: it is to be tried again later (RFC 5321 section 4.2.1).
    Deferred {
        /// At which command.
        at: Stage,
        /// What it said.
        reply: Reply,
    },
    /// The server took the message, which proves nothing yet.
    Accepted {
        /// What it said after the final dot.
        reply: Reply,
    },
    /// It could not be told.
    Error {
        /// At which command.
        at: Stage,
        /// Whether the message may have been sent whole, so that the server may have taken it.
        sent: bool,
        /// Why.
        error: ProbeError,
    },
}

/// The reason why a probe has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No reply in time.
    #[error("no reply in time")]
    Timeout,
    /// The connection broke.
    #[error("the server hung up")]
    Disconnected,
    /// The server is closing the connection (421).
    #[error("the server ends the session: {0}")]
    Closing(Reply),
    /// The server wants TLS first, which did not work.
    #[error("the server requires TLS: {0}")]
    TlsRequired(Reply),
    /// Neither yes nor no.
    #[error("the reply does not fit the command: {0}")]
    Unexpected(Reply),
    /// More came than was asked for; whose reply is whose can't be told.
    #[error("the server spoke out of turn")]
    OutOfTurn,
    /// What came is no reply.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The test ran out of time.
    #[error("the test ran out of time")]
    Deadline,
}

/// The end of a test's dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every probe was tried.
    Completed,
    /// The message limit was reached or [`ProbeObserver`](crate::ProbeObserver) said stop; probes are left.
    Stopped,
    /// The server ended it, or time ran out; probes are left.
    CutShort(CutShort),
    /// It does not want to talk to us now (4xx in place of a greeting or at EHLO), and may later.
    Deferred(Reply),
    /// It could not be talked to.
    Unreachable(Unreachable),
    /// It does not talk with us.
    Blocked(Blocked),
}

/// The reply with which a server turned us away, and not just a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked(pub Reply);

/// The reason why probes are left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutShort {
    /// Connection after connection broke, the last time like this.
    #[error("connections kept breaking: {0}")]
    Broken(ProbeError),
    /// A later connection did not come about.
    #[error("no further connection: {0}")]
    NoConnection(Unreachable),
    /// The test took too long.
    #[error("out of time")]
    Deadline,
}

/// The reason why a host could not be talked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nothing came back: the host, or our own way out, is closed.
    #[error("connecting timed out")]
    ConnectTimeout,
    /// The connection was refused.
    #[error("connection refused")]
    Refused,
    /// The network says that there is no way, or our own system does.
    #[error("no way to the host: {0}")]
    Network(String),
    /// No greeting in time.
    #[error("no greeting in time")]
    NoGreeting,
    /// The server hung up before we could introduce ourselves.
    #[error("the server hung up at once")]
    HungUp,
    /// Another protocol, or nonsense.
    #[error("it does not speak SMTP: {0}")]
    NotSmtp(String),
    /// Never (521, RFC 7504), or not in a way that we can speak; of a later connection also: not now.
    #[error("it takes no mail: {0}")]
    NoService(Reply),
    /// Tests connect to loopback addresses only.
    #[error("in test mode only loopback addresses are connected to")]
    NotLoopback,
}

impl Ending {
    /// Whether anything at all was heard of the host, so that our way out is not closed.
    pub fn heard(&self) -> bool {
        match self {
            Self::Unreachable(why) => why.heard(),
            _ => true,
        }
    }

    /// Whether the host put us off with a 4xx before all probes had their turn.
    pub fn is_deferred(&self) -> bool {
        match self {
            Self::Deferred(_) | Self::CutShort(CutShort::Broken(ProbeError::Closing(_))) => true,
            Self::CutShort(CutShort::NoConnection(Unreachable::NoService(reply))) => {
                (400..500).contains(&reply.code())
            }
            _ => false,
        }
    }
}

impl Unreachable {
    /// Whether anything at all was heard of the host, so that our way out is not closed.
    pub fn heard(&self) -> bool {
        !matches!(self, Self::ConnectTimeout | Self::Network(_) | Self::NotLoopback)
    }
}
