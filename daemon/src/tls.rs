//! TLS of listeners: certificates from files, which are read again while connections live.
//!
//! A connection keeps the certificate with which it began; those that come later get the newest one that was whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject as _},
        },
        server::{VerifierBuilderError, WebPkiClientVerifier},
    },
    server::TlsStream,
};
use tokio_util::either::Either;

use crate::Stream;

/// The only protocol that is spoken over it (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// A connection as it is, or with TLS over it.
pub type Transport = Either<Stream, Box<TlsStream<Stream>>>;

/// The files of which TLS is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with those between it and an authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Who has to show what, if clients may have certificates.
    pub clients: Option<TlsClients>,
}

/// Clients that have certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClients {
    /// The authorities that are believed, PEM.
    pub authorities: PathBuf,
    /// Whether one without a certificate is turned away. One with a wrong certificate always is.
    pub is_required: bool,
}

/// The reason why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: io::Error,
    },
    /// A file is no PEM, or does not hold what it should. Never shows what stands there.
    #[error("{}: {what} can be read in it: {reason}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        what: &'static str,
        /// The reason.
        reason: pem::Error,
    },
    /// The certificate can't be used, or the key belongs to another one.
    #[error("{} and {}: {reason}", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The reason.
        reason: rustls::Error,
    },
    /// A certificate of an authority can't be used.
    #[error("{}: {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: rustls::Error,
    },
    /// Clients can't be checked.
    #[error("{}: {reason}", path.display())]
    Clients {
        /// The file of the authorities.
        path: PathBuf,
        /// The reason.
        reason: VerifierBuilderError,
    },
}

/// The TLS of some files as they were at one time, ready to be used.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    files: TlsFiles,
    digest: blake3::Hash,
    config: Arc<ServerConfig>,
}

/// The TLS of a listener. Clones share it.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ArcSwap<TlsIdentity>>);

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// One can't be read, or they can't be used together.
    pub fn read(&self) -> Result<TlsIdentity, TlsError> {
        let mut hasher = blake3::Hasher::new();
        let mut read = |path: &Path| {
            let bytes = fs::read(path);
            let bytes = bytes.map_err(|reason| TlsError::Io { path: path.into(), reason })?;
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
            Ok(bytes)
        };
        let (chain, key) = (read(&self.certificate)?, read(&self.key)?);
        let clients =
            self.clients.as_ref().map(|clients| Ok((clients, read(&clients.authorities)?)));
        let clients = clients.transpose()?;
        let chain = certificates(&self.certificate, &chain)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|reason| TlsError::Pem {
            path: self.key.clone(),
            what: "no private key",
            reason,
        })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = |reason| TlsError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason,
        };
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(pair)?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some((TlsClients { authorities, is_required }, pem)) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(authorities, &pem)? {
                    let failed = |reason| TlsError::Authority { path: authorities.clone(), reason };
                    roots.add(certificate).map_err(failed)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                let verifier =
                    if *is_required { verifier } else { verifier.allow_unauthenticated() };
                let failed = |reason| TlsError::Clients { path: authorities.clone(), reason };
                builder.with_client_cert_verifier(verifier.build().map_err(failed)?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![ALPN.into()];
        Ok(TlsIdentity { files: self.clone(), digest: hasher.finalize(), config: Arc::new(config) })
    }
}

/// All certificates in a PEM file; at least one.
fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found
        .and_then(|found| if found.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(found) });
    found.map_err(|reason| TlsError::Pem { path: path.into(), what: "no certificate", reason })
}

impl Tls {
    /// TLS that begins with this.
    pub fn new(identity: TlsIdentity) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(identity)))
    }

    /// The files that it is made of.
    pub fn files(&self) -> TlsFiles {
        self.0.load().files.clone()
    }

    /// Has connections that come from now on use this; whether the files held something else before.
    pub fn replace(&self, identity: TlsIdentity) -> bool {
        let is_new = identity.digest != self.0.load().digest;
        self.0.store(Arc::new(identity));
        is_new
    }

    /// Whether the files held the same.
    pub fn is_like(&self, identity: &TlsIdentity) -> bool {
        self.0.load().digest == identity.digest
    }

    /// Shakes hands. How long that may take is the caller's business.
    ///
    /// # Errors
    /// The client speaks something else, believes another authority, shows no certificate or a wrong one, or is gone.
    pub async fn accept(&self, stream: Stream) -> io::Result<Transport> {
        let acceptor = TlsAcceptor::from(self.0.load().config.clone());
        Ok(Transport::Right(Box::new(acceptor.accept(stream).await?)))
    }
}
