//! Errors of building a client.

use std::{io, time::Duration};

/// The longest deadline of a check.
pub(crate) const MAX_DEADLINE: Duration = Duration::from_secs(3600);

/// The reason why settings make no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing to ask.
    #[error("no zone to ask")]
    NoZone,
    /// More than 65,535.
    #[error("more than 65,535 zones")]
    TooManyZones,
    /// No time to answer, or more than anybody waits.
    #[error("a deadline of {0:?} is not above 0 and at most {max:?}", max = MAX_DEADLINE)]
    Deadline(Duration),
    /// Nobody to ask.
    #[error("no resolver to ask")]
    NoResolver,
    /// The system's resolvers are not known.
    #[error("reading the resolvers from /etc/resolv.conf")]
    SystemResolvers(#[source] io::Error),
    /// Zones are probed by a task, which needs a tokio runtime.
    #[error("lists are watched inside a tokio runtime only")]
    NoRuntime,
    /// No thread to run on.
    #[error("starting a thread")]
    Runtime(#[source] io::Error),
    /// No socket to ask with.
    #[error("opening a socket")]
    Socket(#[source] io::Error),
}
