//! Limits of the receiver.

use std::time::Duration;

use crate::HostName;

/// Limits of the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSettings {
    /// The name in its greeting.
    pub host_name: HostName,
    /// The domain whose mail it takes.
    pub probe_domain: HostName,
    /// The largest message, in octets.
    pub max_size: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections of one address (IPv6: of one /64) at once.
    pub max_per_peer: usize,
    /// For the next command.
    pub command_timeout: Duration,
    /// For a whole message, and for storing it.
    pub data_timeout: Duration,
    /// For a whole session.
    pub session_timeout: Duration,
}

impl ReceiverSettings {
    /// The limits unless told otherwise.
    pub fn new(host_name: HostName, probe_domain: HostName) -> Self {
        Self {
            host_name,
            probe_domain,
            max_size: 64 * 1024,
            max_connections: 200,
            max_per_peer: 10,
            command_timeout: Duration::from_secs(60),
            data_timeout: Duration::from_secs(120),
            session_timeout: Duration::from_secs(600),
        }
    }
}
