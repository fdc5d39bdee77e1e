//! Whether a host is the MX of a domain.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
};

use crate::HostName;

/// Why a domain could not be looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lookup failed: {0}")]
pub struct ResolveError(pub String);

/// Looks names up.
pub trait Resolve: Send + Sync {
    /// The hosts that MX records name, by preference; none where there are none. A null MX (RFC 7505)
    /// is an empty name.
    fn mx(
        &self,
        domain: &HostName,
    ) -> impl Future<Output = Result<Vec<String>, ResolveError>> + Send;

    /// The addresses of a host; none where there are none.
    fn addresses(
        &self,
        host: &HostName,
    ) -> impl Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send;

    /// The name of an address (PTR), where it is a host name.
    fn ptr(
        &self,
        addr: IpAddr,
    ) -> impl Future<Output = Result<Option<HostName>, ResolveError>> + Send;
}

/// Whether mail for the domain goes to this address: one of its MX hosts, or where it has none the
/// domain itself (RFC 5321 section 5.1), has it. Everything is looked up once.
pub async fn leads_to(
    domain: &HostName,
    addr: IpAddr,
    resolver: &impl Resolve,
) -> Result<bool, ResolveError> {
    let _ = (domain, addr, resolver);
    todo!()
}

/// Asks DNS servers.
pub struct Dns {}

impl Dns {
    /// Those of `/etc/resolv.conf`, or these.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, ResolveError> {
        let _ = servers;
        todo!()
    }
}
