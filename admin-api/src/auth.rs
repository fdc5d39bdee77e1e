//! Who asks, and what they may do.
//!
//! A handler names its scope in its signature: `Caller<ZonesWrite>` is a request with a live token
//! that has `zones:write`. Tokens come in the `Authorization` header and nowhere else.

use std::{
    marker::PhantomData,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use dnsbl_store::{Actor, TokenRecord};
use dnsbl_types::Source;

use crate::{app::App, error::Problem, scopes::Scope, sources::SourceRights};

/// The peer that sent a request; put into its extensions by [`serve`](crate::serve()).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The client that a request came from, as far as that is known: the peer, or who is behind a proxy that is
/// believed. Put into its extensions by [`request_layer`](crate::layers::request_layer).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

/// The token of a request, for its log line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asker(pub(crate) Arc<OnceLock<Arc<TokenRecord>>>);

/// An authenticated request whose token has the scope.
pub(crate) struct Caller<S> {
    token: Arc<TokenRecord>,
    remote: Option<String>,
    scope: PhantomData<S>,
}

impl<S> Caller<S> {
    /// Who the change log says it was.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            name: self.token.name.clone(),
            token: Some(self.token.id.clone()),
            remote: self.remote.clone(),
        }
    }

    /// The token itself.
    pub(crate) fn token(&self) -> &TokenRecord {
        &self.token
    }

    /// The public id of the token.
    pub(crate) fn token_id(&self) -> &str {
        &self.token.id
    }

    /// Whether the token has one more scope.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.token.scopes.iter().any(|has| has == scope)
    }

    /// Refuses a token without one more scope.
    pub(crate) fn require(&self, scope: &str) -> Result<(), Problem> {
        if self.has(scope) { Ok(()) } else { Err(Problem::forbidden(scope)) }
    }

    /// The source to write as: the one that was named, or else the token's name.
    pub(crate) fn source(&self, named: Option<&str>) -> Result<Source, Problem> {
        let source = self.named_or_own(named)?;
        self.sources().may_write(&source)?;
        Ok(source)
    }

    /// The source whose listing goes; the tester's own may be delisted by whoever may delist all.
    pub(crate) fn source_to_delete(&self, named: Option<&str>) -> Result<Source, Problem> {
        let source = self.named_or_own(named)?;
        self.sources().may_delete(&source)?;
        Ok(source)
    }

    /// What the token may write as, to be asked where a request names a source in each row.
    pub(crate) fn sources(&self) -> SourceRights {
        SourceRights::of(&self.token)
    }

    fn named_or_own(&self, named: Option<&str>) -> Result<Source, Problem> {
        let name = named.unwrap_or(&self.token.name);
        name.parse().map_err(|err| match named {
            Some(_) => Problem::malformed(err),
            None => Problem::malformed(format!("{err}; name the source with ?source=")),
        })
    }
}

impl<S: Scope> FromRequestParts<Arc<App>> for Caller<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let unknown = || Problem::unauthorized("this token is unknown, revoked or expired");
        let token = app.authenticate(bearer(&parts.headers)?).await?.ok_or_else(unknown)?;
        if let Some(Asker(asker)) = parts.extensions.get() {
            asker.get_or_init(|| token.clone());
        }
        let client = parts.extensions.get::<Client>().and_then(|Client(address)| *address);
        let remote = client.map(|address| address.to_string());
        let caller = Self { token, remote, scope: PhantomData };
        S::NAME.map_or(Ok(()), |scope| caller.require(scope))?;
        Ok(caller)
    }
}

/// The text of a request's token.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    const HOW: &str = "send the header `Authorization: Bearer TOKEN`";
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::unauthorized(HOW));
    };
    match value.to_str().map_err(|_| Problem::unauthorized(HOW))?.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Problem::unauthorized(HOW)),
    }
}
