//! Lookups in the DNS.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, RecordType},
    },
    system_conf::read_system_conf,
};

use super::{Resolve, ResolveError};
use crate::{HostName, text::clean};

/// A client of DNS servers.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
}

/// For one server; each is asked twice.
const TIMEOUT: Duration = Duration::from_secs(3);

impl Dns {
    /// Asks these servers; where there are none, those of `/etc/resolv.conf`, whose search domains and
    /// options don't apply.
    ///
    /// # Errors
    /// `/etc/resolv.conf` can't be read.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, ResolveError> {
        let fail = |error: NetError| failure("/etc/resolv.conf", &error);
        let servers = if servers.is_empty() {
            let (_, _, servers) = read_system_conf().map_err(fail)?.0.into_parts();
            servers
        } else {
            servers.iter().copied().map(name_server).collect()
        };
        let config = ResolverConfig::from_name_servers(servers);
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = 2;
        // What is looked up is checked against an address: an old answer or a local table is no proof.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self { resolver: builder.build().map_err(fail)? })
    }

    async fn lookup(&self, name: &str, rtype: RecordType) -> Result<Vec<RData>, ResolveError> {
        let absolute = Name::from_ascii(format!("{name}."));
        let absolute = absolute.map_err(|error| failure(name, &error.into()))?;
        match self.resolver.lookup(absolute, rtype).await {
            Ok(found) => Ok(found.answers().iter().map(|record| record.data.clone()).collect()),
            Err(error) if is_none(&error) => Ok(Vec::new()),
            Err(error) => Err(failure(name, &error)),
        }
    }
}

impl Resolve for Dns {
    async fn mx(&self, domain: &HostName) -> Result<Vec<String>, ResolveError> {
        let found = self.lookup(domain.as_str(), RecordType::MX).await?;
        let mut hosts: Vec<_> = found
            .into_iter()
            .filter_map(|data| match data {
                RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                _ => None,
            })
            .collect();
        hosts.sort();
        Ok(hosts.into_iter().map(|(_, host)| host.trim_end_matches('.').to_owned()).collect())
    }

    async fn addresses(&self, host: &HostName, like: IpAddr) -> Result<Vec<IpAddr>, ResolveError> {
        let rtype = if like.is_ipv4() { RecordType::A } else { RecordType::AAAA };
        let found = self.lookup(host.as_str(), rtype).await?;
        Ok(found.iter().filter_map(RData::ip_addr).collect())
    }

    async fn ptr(&self, addr: IpAddr) -> Result<Option<HostName>, ResolveError> {
        let name = Name::from(addr).to_ascii();
        let found = self.lookup(name.trim_end_matches('.'), RecordType::PTR).await?;
        Ok(found.into_iter().find_map(|data| match data {
            RData::PTR(name) => name.to_ascii().parse().ok(),
            _ => None,
        }))
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    config
}

/// Whether a server said that there is no such name or record.
fn is_none(error: &NetError) -> bool {
    let NetError::Dns(DnsError::NoRecordsFound(found)) = error else {
        return false;
    };
    matches!(found.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
}

fn failure(name: &str, error: &NetError) -> ResolveError {
    ResolveError { name: name.to_owned(), why: clean(&error.to_string()) }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hickory_resolver::proto::{
        op::{Message, ResponseCode},
        rr::{
            Name, RData, Record, RecordType,
            rdata::{A, AAAA, MX, PTR},
        },
    };
    use tokio::net::UdpSocket;

    use super::{Dns, Resolve};

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// What the zone of the test says.
    fn answer(qname: &str, rtype: RecordType) -> Result<Vec<RData>, ResponseCode> {
        match (qname, rtype) {
            ("example.org.", RecordType::MX) => Ok(vec![
                RData::MX(MX::new(20, name("second.example.org."))),
                RData::MX(MX::new(10, name("First.example.org."))),
            ]),
            ("null.example.org.", RecordType::MX) => Ok(vec![RData::MX(MX::new(0, Name::root()))]),
            ("first.example.org.", RecordType::A) => {
                Ok(vec![RData::A(A("192.0.2.1".parse().unwrap()))])
            }
            ("first.example.org.", RecordType::AAAA) => {
                Ok(vec![RData::AAAA(AAAA("2001:db8::1".parse().unwrap()))])
            }
            ("second.example.org.", RecordType::A) => Ok(vec![]),
            ("broken.example.org.", _) | ("second.example.org.", _) => Err(ResponseCode::ServFail),
            ("1.2.0.192.in-addr.arpa.", RecordType::PTR) => {
                Ok(vec![RData::PTR(PTR(name("first.example.org.")))])
            }
            _ => Err(ResponseCode::NXDomain),
        }
    }

    /// A DNS server on a port of its own.
    async fn serve() -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((len, peer)) = socket.recv_from(&mut buffer).await {
                let mut message = Message::from_vec(&buffer[..len]).unwrap().into_response();
                let query = message.queries[0].clone();
                let qname = query.name().to_ascii().to_ascii_lowercase();
                match answer(&qname, query.query_type()) {
                    Ok(found) => message.add_answers(
                        found.into_iter().map(|d| Record::from_rdata(query.name().clone(), 60, d)),
                    ),
                    Err(code) => {
                        message.metadata.response_code = code;
                        &mut message
                    }
                };
                socket.send_to(&message.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        addr
    }

    #[tokio::test]
    async fn names_are_looked_up_and_what_is_not_there_is_no_error() {
        let dns = Dns::new(&[serve().await]).unwrap();
        let host = |text: &str| text.parse().unwrap();
        let mx = dns.mx(&host("example.org")).await.unwrap();
        assert_eq!(mx, ["First.example.org", "second.example.org"]);
        assert_eq!(dns.mx(&host("null.example.org")).await.unwrap(), [""]);
        assert_eq!(dns.mx(&host("none.example.org")).await.unwrap(), [""; 0]);
        for address in ["192.0.2.1", "2001:db8::1"] {
            let address: std::net::IpAddr = address.parse().unwrap();
            let found = dns.addresses(&host("first.example.org"), address).await;
            assert_eq!(found, Ok(vec![address]), "of one family");
            assert_eq!(dns.addresses(&host("none.example.org"), address).await, Ok(vec![]));
        }
        let ptr = dns.ptr("192.0.2.1".parse().unwrap()).await.unwrap();
        assert_eq!(ptr, Some(host("first.example.org")));
        assert_eq!(dns.ptr("192.0.2.2".parse().unwrap()).await, Ok(None));
    }

    #[tokio::test]
    async fn a_server_that_fails_is_an_error_and_not_an_absent_name() {
        let dns = Dns::new(&[serve().await]).unwrap();
        let host = |text: &str| text.parse().unwrap();
        assert!(dns.mx(&host("broken.example.org")).await.is_err());
        let [v4, v6] = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
        assert!(dns.addresses(&host("broken.example.org"), v4).await.is_err());
        assert!(dns.addresses(&host("second.example.org"), v6).await.is_err());
    }
}
