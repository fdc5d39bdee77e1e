//! From the name of a host to a connection with it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName},
    },
};
use url::{Host, Url};

use crate::address::host_of;

/// Whoever connects to the hosts of URLs.
pub struct Connector {
    /// Authorities beside those of the system.
    roots: Vec<CertificateDer<'static>>,
    /// Made when it is first needed, since the system's authorities take a while to read.
    tls: OnceLock<Result<TlsConnector, String>>,
}

/// TCP, or TLS over it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The reason why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host can't be found or reached, or does not prove who it is.
    #[error("{0}")]
    Unreachable(String),
    /// None of its addresses may be reached.
    #[error("{host} is {address}, which may not be reached")]
    Forbidden {
        /// The host of the URL.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
}

impl Connector {
    /// One that believes these authorities beside those of the system.
    pub fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots, tls: OnceLock::new() }
    }

    /// A connection to the host of an http or https URL, at one of its addresses that `may_reach` admits. The addresses
    /// that are checked are those that are used, so a name can't lead elsewhere afterwards (DNS rebinding).
    ///
    /// # Errors
    /// The host has no such address, can't be reached, or has no certificate for its name.
    pub async fn connect(
        &self,
        url: &Url,
        may_reach: impl Fn(IpAddr) -> bool,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let unreachable =
            |err: io::Error| ConnectError::Unreachable(format!("{}: {err}", host_of(url)));
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(addr)) => vec![(addr, port).into()],
            Some(Host::Ipv6(addr)) => vec![(addr, port).into()],
            Some(Host::Domain(name)) => {
                lookup_host((name, port)).await.map_err(unreachable)?.collect()
            }
            None => Vec::new(),
        };
        let forbidden = found.iter().map(SocketAddr::ip).find(|addr| !may_reach(*addr));
        let usable: Vec<SocketAddr> =
            found.into_iter().filter(|addr| may_reach(addr.ip())).collect();
        let stream = match (usable.as_slice(), forbidden) {
            ([], Some(address)) => {
                return Err(ConnectError::Forbidden { host: host_of(url), address });
            }
            ([], None) => return Err(unreachable(io::Error::other("it has no address"))),
            (usable, _) => TcpStream::connect(usable).await.map_err(unreachable)?,
        };
        // Else small requests wait for acknowledgements; where it can't be set they do.
        let _ = stream.set_nodelay(true);
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let tls = self.tls.get_or_init(|| self.tls()).clone();
        let tls = tls.map_err(|err| ConnectError::Unreachable(format!("TLS: {err}")))?;
        let name = server_name(url).map_err(unreachable)?;
        Ok(Box::new(tls.connect(name, stream).await.map_err(unreachable)?))
    }

    fn tls(&self) -> Result<TlsConnector, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs.into_iter().chain(self.roots.iter().cloned()));
        if roots.is_empty() {
            return Err("the system has no certificates of authorities (ca-certificates)".into());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|err| err.to_string())?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into())
    }
}

fn server_name(url: &Url) -> io::Result<ServerName<'static>> {
    let wrong = || io::Error::other("the host is no name of a server");
    match url.host() {
        Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|_| wrong()),
        Some(Host::Ipv4(addr)) => Ok(ServerName::IpAddress(IpAddr::V4(addr).into())),
        Some(Host::Ipv6(addr)) => Ok(ServerName::IpAddress(IpAddr::V6(addr).into())),
        None => Err(wrong()),
    }
}
