//! Whether a host is the MX of a domain.

mod dns;

use std::{future::Future, net::IpAddr};

pub use dns::Dns;

use crate::HostName;

/// The reason why something could not be looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lookup of {name} failed: {why}")]
pub struct ResolveError {
    /// What was looked up.
    pub name: String,
    /// What went wrong.
    pub why: String,
}

/// Looks names up. That there is no such name or record is an answer, no error.
pub trait Resolve: Send + Sync {
    /// The hosts that MX records name, the preferred first. A null MX (RFC 7505) is an empty name.
    fn mx(
        &self,
        domain: &HostName,
    ) -> impl Future<Output = Result<Vec<String>, ResolveError>> + Send;

    /// The addresses of a host, of the family of another address.
    fn addresses(
        &self,
        host: &HostName,
        like: IpAddr,
    ) -> impl Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send;

    /// The name of an address (PTR).
    fn ptr(
        &self,
        addr: IpAddr,
    ) -> impl Future<Output = Result<Option<HostName>, ResolveError>> + Send;
}

/// So many MX hosts are looked up: a domain can't make us ask without end.
const MAX_HOSTS: usize = 3;

/// Whether mail for the domain goes to this address: one of its MX hosts, or where it has none the
/// domain itself (RFC 5321 section 5.1), has it.
///
/// The address is the caller's and stays as it is: whatever the names say later, no other address is
/// ever connected to.
///
/// # Errors
/// A lookup failed, and no host that could be looked up has the address.
pub async fn leads_to(
    domain: &HostName,
    addr: IpAddr,
    resolver: &impl Resolve,
) -> Result<bool, ResolveError> {
    let named = resolver.mx(domain).await?;
    let hosts: Vec<HostName> = if named.is_empty() {
        vec![domain.clone()]
    } else {
        named.iter().take(MAX_HOSTS).filter_map(|host| host.parse().ok()).collect()
    };
    let mut result = Ok(false);
    for host in &hosts {
        match resolver.addresses(host, addr).await {
            Ok(found) if found.contains(&addr) => return Ok(true),
            Ok(_) => {}
            Err(error) => result = Err(error),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Resolve, ResolveError, leads_to};
    use crate::HostName;

    /// Answers from a table.
    struct Table {
        mx: Result<Vec<&'static str>, ()>,
    }

    fn error() -> ResolveError {
        ResolveError { name: "x".into(), why: "servfail".into() }
    }

    impl Resolve for Table {
        async fn mx(&self, _: &HostName) -> Result<Vec<String>, ResolveError> {
            let mx = self.mx.as_ref().map_err(|()| error())?;
            Ok(mx.iter().map(|&host| host.to_owned()).collect())
        }

        async fn addresses(&self, host: &HostName, _: IpAddr) -> Result<Vec<IpAddr>, ResolveError> {
            match host.as_str() {
                "broken.example" => Err(error()),
                "mx.example" => Ok(vec!["192.0.2.1".parse().unwrap()]),
                "example.org" => Ok(vec!["192.0.2.2".parse().unwrap()]),
                _ => Ok(vec![]),
            }
        }

        async fn ptr(&self, _: IpAddr) -> Result<Option<HostName>, ResolveError> {
            Ok(None)
        }
    }

    async fn leads(mx: &[&'static str], addr: &str) -> Result<bool, ResolveError> {
        let table = Table { mx: Ok(mx.to_vec()) };
        leads_to(&"example.org".parse().unwrap(), addr.parse().unwrap(), &table).await
    }

    #[tokio::test]
    async fn a_domain_leads_to_the_addresses_of_its_mx_hosts() {
        assert_eq!(leads(&["other.example", "mx.example."], "192.0.2.1").await, Ok(true));
        assert_eq!(leads(&["mx.example"], "192.0.2.9").await, Ok(false));
        assert_eq!(leads(&["mx.example"], "192.0.2.2").await, Ok(false), "it has an MX");
    }

    #[tokio::test]
    async fn rfc5321_s5_1_a_domain_without_mx_leads_to_itself() {
        assert_eq!(leads(&[], "192.0.2.2").await, Ok(true));
    }

    #[tokio::test]
    async fn rfc7505_s3_a_null_mx_leads_nowhere() {
        assert_eq!(leads(&[""], "192.0.2.2").await, Ok(false));
    }

    #[tokio::test]
    async fn a_failed_lookup_is_an_error_unless_another_host_has_the_address() {
        assert_eq!(leads(&["broken.example"], "192.0.2.1").await, Err(error()));
        assert_eq!(leads(&["broken.example", "mx.example"], "192.0.2.1").await, Ok(true));
        assert_eq!(leads(&["mx.example", "broken.example"], "192.0.2.9").await, Err(error()));
        let table = Table { mx: Err(()) };
        let domain = "example.org".parse().unwrap();
        let result = leads_to(&domain, "192.0.2.2".parse().unwrap(), &table).await;
        assert_eq!(result, Err(error()));
    }

    /// Security review, M8: ten hosts of both families were looked up for one request.
    #[tokio::test]
    async fn a_domain_with_very_many_mx_hosts_is_not_looked_up_in_full() {
        let mut mx = vec!["other.example"; 3];
        mx.push("mx.example");
        assert_eq!(leads(&mx, "192.0.2.1").await, Ok(false));
    }
}
