//! What comes of requests.

use dnsbl_store::{DocumentError, StoreError};
use relay_tester::service::{RecordsError, Refusal};

use crate::{
    Refused, RemovalId, Request, StateKind, Ticket, change::WriteError, submission::Often,
};

/// A request that was taken.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The request.
    pub request: Request,
    /// Its ticket, of which only a digest is kept.
    pub ticket: Ticket,
    /// The change that it rests on, which is durable, and visible.
    pub seq: u64,
}

/// A request after something was done about it.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The request as it is then.
    pub request: Request,
    /// The change; `None` where nothing had to change.
    pub seq: Option<u64>,
}

/// A request as it is looked at.
#[derive(Clone, Debug)]
pub struct Found {
    /// The request.
    pub request: Request,
    /// The change that wrote it last, by which it is known to be the same.
    pub revision: u64,
    /// Whether its subject is listed in its zone now.
    pub is_listed: bool,
    /// Whether there is a mailbox that is told of what comes of it.
    pub has_contact: bool,
}

/// The reason why the service did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RemovalsError {
    /// The request is not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The relay tester does not test it.
    #[error(transparent)]
    Relay(Box<Refusal>),
    /// The relay tester's records can't be read.
    #[error(transparent)]
    Tester(#[from] RecordsError),
    /// There is no such request.
    #[error("there is no request for removal {0}")]
    NotFound(RemovalId),
    /// There is no request with such a ticket or token.
    #[error("there is no request for removal with this ticket")]
    NoTicket,
    /// It does not wait for a decision.
    #[error("the request {id} is {}: there is nothing to decide", .state.as_str())]
    NotWaiting {
        /// The request.
        id: RemovalId,
        /// How it stands.
        state: StateKind,
    },
    /// It has changed meanwhile.
    #[error("the request has changed meanwhile")]
    Stale,
    /// The store refused the change, or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What the store holds can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What should be written is no document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The system has no randomness for a ticket.
    #[error("the system has no randomness for a ticket")]
    NoRandomness,
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
}

impl From<Refusal> for RemovalsError {
    fn from(refusal: Refusal) -> Self {
        Self::Relay(Box::new(refusal))
    }
}

impl RemovalsError {
    /// Seconds after which it is worth trying again, where a limit is reached.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused(Refused::Often(Often::Asker | Often::Contact, seconds)) => Some(*seconds),
            Self::Refused(Refused::Full(_) | Refused::Crowded { .. } | Refused::MailFull(_)) => {
                Some(3600)
            }
            _ => None,
        }
    }
}
