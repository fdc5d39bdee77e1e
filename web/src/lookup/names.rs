//! The names of hosts: whether an address has one that leads back to it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use relay_tester::mx::{Dns, Resolve, ResolveError};
use tokio::{sync::Semaphore, time::timeout};

use crate::shown::Shown;

/// Hosts whose names are looked up at once.
const AT_ONCE: usize = 16;
/// How long both lookups may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the name of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostNames {
    /// It is not looked up here, or the subject is no host.
    NotAsked,
    /// It could not be looked up in time.
    Unknown,
    /// The address has no name.
    Nameless,
    /// The address has a name, which does not lead back to it.
    Unconfirmed(Shown),
    /// The address has a name that leads back to it.
    Confirmed(Shown),
}

/// Looks names up by the resolver of the settings, and by no other.
pub(crate) struct NameChecker {
    dns: Dns,
    places: Semaphore,
}

impl NameChecker {
    /// One that asks this resolver.
    ///
    /// # Errors
    /// It can't be asked.
    pub(crate) fn new(resolver: SocketAddr) -> Result<Self, ResolveError> {
        Ok(Self { dns: Dns::new(&[resolver])?, places: Semaphore::new(AT_ONCE) })
    }

    /// What is known of the name of an address. Where many are being looked up nobody waits.
    pub(crate) async fn check(&self, address: IpAddr) -> HostNames {
        let Ok(_place) = self.places.try_acquire() else { return HostNames::Unknown };
        let checked = timeout(PATIENCE, check(&self.dns, address)).await;
        checked.ok().and_then(Result::ok).unwrap_or(HostNames::Unknown)
    }
}

async fn check(dns: &impl Resolve, address: IpAddr) -> Result<HostNames, ResolveError> {
    let Some(name) = dns.ptr(address).await? else { return Ok(HostNames::Nameless) };
    let shown = Shown::new(name.as_str());
    let leads_back = dns.addresses(&name, address).await?.contains(&address);
    Ok(if leads_back { HostNames::Confirmed(shown) } else { HostNames::Unconfirmed(shown) })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use relay_tester::{
        HostName,
        mx::{Resolve, ResolveError},
    };

    use super::{HostNames, check};
    use crate::shown::Shown;

    /// One address with a name, and the address of that.
    struct OneHost(Option<&'static str>, &'static str);

    impl Resolve for OneHost {
        async fn mx(&self, _: &HostName) -> Result<Vec<String>, ResolveError> {
            Ok(Vec::new())
        }

        async fn addresses(&self, _: &HostName, _: IpAddr) -> Result<Vec<IpAddr>, ResolveError> {
            Ok(vec![self.1.parse().unwrap()])
        }

        async fn ptr(&self, _: IpAddr) -> Result<Option<HostName>, ResolveError> {
            Ok(self.0.map(|name| name.parse().unwrap()))
        }
    }

    #[tokio::test]
    async fn a_name_counts_only_if_it_leads_back() {
        let address = "192.0.2.1".parse().unwrap();
        let checked = async |host: OneHost| check(&host, address).await.unwrap();
        assert_eq!(checked(OneHost(None, "192.0.2.1")).await, HostNames::Nameless);
        let name = Shown::new("mail.example.org");
        let host = OneHost(Some("mail.example.org"), "192.0.2.1");
        assert_eq!(checked(host).await, HostNames::Confirmed(name.clone()));
        let host = OneHost(Some("mail.example.org"), "192.0.2.2");
        assert_eq!(checked(host).await, HostNames::Unconfirmed(name));
    }
}
