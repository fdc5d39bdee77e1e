//! `[http.tls]`: as typed, and checked.

use std::path::PathBuf;

use dnsbl_daemon::{Listen, TlsClients, TlsFiles};
use serde::Deserialize;
use toml::Spanned;

use super::refused::{Refused, refuse};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TlsSpec {
    certificate: Spanned<PathBuf>,
    key: Spanned<PathBuf>,
    client_ca: Option<Spanned<PathBuf>>,
    client_certificates: Option<Spanned<ClientCertificatesSpec>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum ClientCertificatesSpec {
    Required,
    Optional,
}

impl TlsSpec {
    /// Checks it for a listener.
    pub(super) fn check(typed: Spanned<Self>, listen: &Listen) -> Result<TlsFiles, Refused> {
        let at = typed.span();
        if let Listen::Unix(_) = listen {
            return refuse(
                "http.tls",
                at,
                "http.listen is a Unix socket, over which TLS is not spoken",
            );
        }
        let Self { certificate, key, client_ca, client_certificates } = typed.into_inner();
        let clients = match (client_ca, client_certificates) {
            (Some(authorities), how) => Some(TlsClients {
                authorities: path("http.tls.client-ca", authorities)?,
                is_required: how
                    .is_none_or(|how| *how.get_ref() == ClientCertificatesSpec::Required),
            }),
            (None, Some(how)) => {
                let detail = "it needs http.tls.client-ca, which says whose certificates count";
                return refuse("http.tls.client-certificates", how.span(), detail);
            }
            (None, None) => None,
        };
        Ok(TlsFiles {
            certificate: path("http.tls.certificate", certificate)?,
            key: path("http.tls.key", key)?,
            clients,
        })
    }
}

fn path(key: &'static str, typed: Spanned<PathBuf>) -> Result<PathBuf, Refused> {
    if typed.get_ref().as_os_str().is_empty() {
        return refuse(key, typed.span(), "it is empty; name a PEM file");
    }
    Ok(typed.into_inner())
}
