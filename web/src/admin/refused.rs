//! Why the console does not do something: the one place where that becomes a status and a heading.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use dnsbl_feeds::FeedsError;
use dnsbl_removals::{RemovalsError, ReviewError, WriteError};
use dnsbl_reports::ReportsError;
use dnsbl_rights::{NotAuthenticated, NotPermitted, Stopping, TooManyAMinute, UndoError};
use dnsbl_store::{ChangeError, StoreError};
use relay_tester::service::{RecordsError, Refusal};

use crate::reading::Failure;

/// The reason why something is not done.
#[derive(Debug)]
pub(super) enum Refused {
    /// The token may not do it.
    NotPermitted(NotPermitted),
    /// The form is none of this session's.
    Forged,
    /// What was typed can't be, and why.
    Mistake(String),
    /// There is no such thing.
    Missing(String),
    /// It is not as the form took it to be, or something else stands against it.
    Conflict(String),
    /// It was asked for too often.
    TooMany(String, Option<Duration>),
    /// The server can't do it now.
    NotNow(String),
    /// The server failed; its log says why.
    Broken,
}

impl Refused {
    /// A field in which something stands that can't be.
    pub(super) fn field(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Mistake(format!("{name}: {why}"))
    }

    /// The status, and the key of the heading.
    pub(super) fn told(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotPermitted(_) => (StatusCode::FORBIDDEN, "admin-not-permitted"),
            Self::Forged => (StatusCode::FORBIDDEN, "admin-forged"),
            Self::Mistake(_) => (StatusCode::UNPROCESSABLE_ENTITY, "admin-mistake"),
            Self::Missing(_) => (StatusCode::NOT_FOUND, "admin-missing"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "admin-conflict"),
            Self::TooMany(..) => (StatusCode::TOO_MANY_REQUESTS, "too-many"),
            Self::NotNow(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-now"),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "broken"),
        }
    }

    /// What more there is to say, as the server's parts say it.
    pub(super) fn detail(&self) -> Option<String> {
        match self {
            Self::NotPermitted(why) => Some(why.to_string()),
            Self::Mistake(why)
            | Self::Missing(why)
            | Self::Conflict(why)
            | Self::TooMany(why, _)
            | Self::NotNow(why) => Some(why.clone()),
            Self::Forged | Self::Broken => None,
        }
    }

    /// How long to wait before it is tried again.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooMany(_, wait) => *wait,
            _ => None,
        }
    }
}

impl From<NotPermitted> for Refused {
    fn from(why: NotPermitted) -> Self {
        Self::NotPermitted(why)
    }
}

impl From<TooManyAMinute> for Refused {
    fn from(err: TooManyAMinute) -> Self {
        Self::TooMany(err.to_string(), Some(err.wait))
    }
}

impl From<NotAuthenticated> for Refused {
    fn from(err: NotAuthenticated) -> Self {
        match err {
            NotAuthenticated::TooManyTries(wait) => Self::TooMany(err.to_string(), Some(wait)),
            NotAuthenticated::Mistyped(_)
            | NotAuthenticated::Expired
            | NotAuthenticated::Unknown => Self::Mistake(err.to_string()),
            NotAuthenticated::Store(err) => err.into(),
            NotAuthenticated::Stopping(err) => err.into(),
        }
    }
}

impl From<Stopping> for Refused {
    fn from(err: Stopping) -> Self {
        Self::NotNow(err.to_string())
    }
}

impl From<UndoError> for Refused {
    fn from(err: UndoError) -> Self {
        match err {
            UndoError::NotPermitted(why) => why.into(),
            UndoError::Stopping(err) => err.into(),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(err: StoreError) -> Self {
        tracing::error!(%err, "the store failed");
        Self::Broken
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotNow => Self::NotNow(Stopping.to_string()),
            Failure::Store => Self::Broken,
        }
    }
}

impl From<ChangeError> for Refused {
    fn from(err: ChangeError) -> Self {
        match err {
            ChangeError::Store(err) => err.into(),
            ChangeError::Busy | ChangeError::Unwritable { .. } => Self::NotNow(err.to_string()),
            ChangeError::NoZone(_)
            | ChangeError::NoToken
            | ChangeError::NoSubscriber
            | ChangeError::NoAllowEntry
            | ChangeError::NoChange(_)
            | ChangeError::NotKept(_) => Self::Missing(err.to_string()),
            ChangeError::WrongKind
            | ChangeError::SubjectTooLong
            | ChangeError::TooManySources(_)
            | ChangeError::NotUndoable { .. } => Self::Mistake(err.to_string()),
            err => Self::Conflict(err.to_string()),
        }
    }
}

impl From<ReportsError> for Refused {
    fn from(err: ReportsError) -> Self {
        match err {
            ReportsError::Refused(why) => Self::Conflict(why.to_string()),
            ReportsError::Relay(refusal) => (*refusal).into(),
            ReportsError::NotFound(_) => Self::Missing(err.to_string()),
            ReportsError::Change(err) => of_shared(err),
            ReportsError::Store(err) => err.into(),
            ReportsError::Stopping => Stopping.into(),
            ReportsError::Document(_) => {
                tracing::error!(%err, "a record of a report");
                Self::Broken
            }
        }
    }
}

/// A change that others wait for, too.
fn of_shared(err: Arc<ChangeError>) -> Refused {
    match Arc::try_unwrap(err) {
        Ok(err) => err.into(),
        Err(err) => match &*err {
            ChangeError::Store(_) => Refused::Broken,
            ChangeError::Busy | ChangeError::Unwritable { .. } => Refused::NotNow(err.to_string()),
            _ => Refused::Conflict(err.to_string()),
        },
    }
}

impl From<WriteError> for Refused {
    fn from(err: WriteError) -> Self {
        match err {
            WriteError::Change(err) => of_shared(err),
            WriteError::Stopping => Stopping.into(),
        }
    }
}

impl From<RemovalsError> for Refused {
    fn from(err: RemovalsError) -> Self {
        match err {
            RemovalsError::Relay(refusal) => (*refusal).into(),
            RemovalsError::Tester(err) => err.into(),
            RemovalsError::Write(err) => err.into(),
            RemovalsError::NotFound(_) | RemovalsError::NoTicket => Self::Missing(err.to_string()),
            RemovalsError::Refused(_) | RemovalsError::NotWaiting { .. } | RemovalsError::Stale => {
                Self::Conflict(err.to_string())
            }
            RemovalsError::Store(err) => err.into(),
            RemovalsError::Stopping => Stopping.into(),
            RemovalsError::NoRandomness | RemovalsError::Document(_) => {
                tracing::error!(%err, "a request for removal");
                Self::Broken
            }
        }
    }
}

impl From<ReviewError> for Refused {
    fn from(err: ReviewError) -> Self {
        match err {
            ReviewError::NotWaiting(_) => Self::Missing(err.to_string()),
            ReviewError::Precondition(_) | ReviewError::Claimed(_) => {
                Self::Conflict(err.to_string())
            }
            ReviewError::WrongDecision(..) => Self::Mistake(err.to_string()),
            ReviewError::Removals(err) => err.into(),
            ReviewError::Reports(err) => err.into(),
            ReviewError::Write(err) => err.into(),
            ReviewError::Store(err) => err.into(),
            ReviewError::Document(_) => {
                tracing::error!(%err, "a record of the review");
                Self::Broken
            }
        }
    }
}

impl From<FeedsError> for Refused {
    fn from(err: FeedsError) -> Self {
        match err {
            FeedsError::NotFound(_) => Self::Missing(err.to_string()),
            FeedsError::Busy(_) => Self::TooMany(err.to_string(), None),
            FeedsError::Change(err) => err.into(),
            FeedsError::Store(err) => err.into(),
            FeedsError::Stopping => Stopping.into(),
            FeedsError::Document(_) => {
                tracing::error!(%err, "a record of a feed");
                Self::Broken
            }
            err => Self::Conflict(err.to_string()),
        }
    }
}

impl From<RecordsError> for Refused {
    fn from(err: RecordsError) -> Self {
        match err {
            RecordsError::Change(err) => err.into(),
            RecordsError::Stopping => Stopping.into(),
            RecordsError::Contended(_) => Self::NotNow(err.to_string()),
            RecordsError::Unreadable { .. } | RecordsError::Document(_) => {
                tracing::error!(%err, "a record of the relay tester");
                Self::Broken
            }
        }
    }
}

impl From<Refusal> for Refused {
    fn from(err: Refusal) -> Self {
        match err {
            Refusal::Records(err) => err.into(),
            Refusal::Limited(limited) => {
                let wait = Duration::from_secs(limited.retry_after);
                Self::TooMany(limited.to_string(), Some(wait))
            }
            Refusal::Lookup(_) => Self::NotNow(err.to_string()),
            Refusal::NotListed(_) | Refusal::NoZone(_) => Self::Conflict(err.to_string()),
            err => Self::Mistake(err.to_string()),
        }
    }
}
