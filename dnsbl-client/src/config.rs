//! What a client needs to know before it asks.

use std::{io, net::SocketAddr, time::Duration};

use dnsbl_types::Name;

/// The settings of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Config {
    /// The lists to ask, at least one.
    pub zones: Vec<Name>,
    /// Through whom they are asked.
    pub resolvers: Resolvers,
    /// How long one check may take, at most [`Config::MAX_DEADLINE`]; a list that has not answered
    /// by then has failed.
    pub deadline: Duration,
    /// Whether addresses that send no mail over the Internet (private, loopback, …) are skipped.
    pub skip_special_use: bool,
}

impl Config {
    /// How long one check may take unless told otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(5);
    /// The longest that one check may take.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(3600);

    /// Refuses settings with which nothing can be asked.
    pub(crate) fn check(&self) -> Result<(), ClientError> {
        if self.zones.is_empty() {
            Err(ClientError::NoZone)
        } else if self.zones.iter().any(Name::is_root) {
            Err(ClientError::RootZone)
        } else if self.deadline.is_zero() || self.deadline > Self::MAX_DEADLINE {
            Err(ClientError::Deadline(self.deadline))
        } else {
            Ok(())
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            zones: Vec::new(),
            resolvers: Resolvers::System,
            deadline: Self::DEADLINE,
            skip_special_use: true,
        }
    }
}

/// The servers through which lists are asked, one after the other until one gives an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolvers {
    /// Those of `/etc/resolv.conf`; its search domains and options do not apply.
    #[default]
    System,
    /// These; a list's own authoritative server will do as well.
    Given(Vec<SocketAddr>),
}

/// Why settings make no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nothing to ask.
    #[error("no zone to ask")]
    NoZone,
    /// The root of the DNS lists nothing.
    #[error("the root is not a block list")]
    RootZone,
    /// No time to answer, or more than anybody waits.
    #[error("a deadline of {0:?} is not above 0 and at most {max:?}", max = Config::MAX_DEADLINE)]
    Deadline(Duration),
    /// Nobody to ask.
    #[error("no resolver to ask")]
    NoResolver,
    /// The system's resolvers are not known.
    #[error("reading the resolvers from /etc/resolv.conf")]
    SystemResolvers(#[source] io::Error),
}
