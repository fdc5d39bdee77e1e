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
use dnsbl_rights::{Holder, KnownToken, Try, sources::SourceRights};
use dnsbl_store::{Actor, Operation, TokenRecord};
use dnsbl_types::{Source, UnixTime};

use crate::{
    app::App,
    error::Problem,
    rights::{Permitted, Rights},
    scopes::Scope,
};

/// The peer that sent a request; put into its extensions by [`serve`](crate::serve()).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The client that a request came from, as far as that is known: the peer, or who is behind a proxy that is
/// believed. Put into its extensions by [`request_layer`](crate::layers::request_layer).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

/// The token of a request, for its log line.
#[derive(Clone, Default)]
pub(crate) struct Asker(pub(crate) Arc<OnceLock<Arc<KnownToken>>>);

/// An authenticated request whose token has the scope.
pub(crate) struct Caller<S> {
    holder: Holder,
    scope: PhantomData<S>,
}

impl Client {
    /// The client of a request.
    pub(crate) fn of(parts: &Parts) -> Option<IpAddr> {
        parts.extensions.get().and_then(|Self(address)| *address)
    }
}

impl<S> Caller<S> {
    /// Who the change log says it was.
    pub(crate) fn actor(&self) -> Actor {
        self.holder.actor()
    }

    /// The token itself.
    pub(crate) fn token(&self) -> &TokenRecord {
        self.holder.token()
    }

    /// The public id of the token.
    pub(crate) fn token_id(&self) -> &str {
        &self.token().id
    }

    /// All that the token may do.
    pub(crate) fn rights(&self) -> &Rights {
        self.holder.rights()
    }

    /// Whether the token has one more scope.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.rights().has(scope)
    }

    /// Refuses a token without one more scope.
    pub(crate) fn require(&self, scope: &str) -> Result<(), Problem> {
        Ok(self.rights().require(scope)?)
    }

    /// A change that the token may make.
    pub(crate) fn permit(&self, operation: Operation) -> Result<Permitted, Problem> {
        Ok(self.holder.permit(operation)?)
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
    pub(crate) fn sources(&self) -> &SourceRights {
        self.rights().sources()
    }

    fn named_or_own(&self, named: Option<&str>) -> Result<Source, Problem> {
        self.holder.source(named).map_err(|err| match named {
            Some(_) => Problem::malformed(err),
            None => Problem::malformed(format!("{err}; name the source with ?source=")),
        })
    }
}

impl<S: Scope> FromRequestParts<Arc<App>> for Caller<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let client = Client::of(parts);
        let now = UnixTime::now();
        let token = app.tokens.authenticate(bearer(&parts.headers)?, client, now).await?;
        if let Some(Asker(asker)) = parts.extensions.get() {
            asker.get_or_init(|| token.clone());
        }
        token.rights.admit(client)?;
        token.charge(client, now)?;
        let caller = Self { holder: Holder::new(token, client), scope: PhantomData };
        S::NAME.map_or(Ok(()), |scope| caller.require(scope))?;
        Ok(caller)
    }
}

/// Takes a try from those that the client's network has; for every secret that somebody shows.
pub(crate) fn begin_try<'a>(
    app: &'a App,
    client: Option<IpAddr>,
    text: &str,
) -> Result<Try<'a>, Problem> {
    app.tokens.begin_try(client, text).map_err(Problem::too_many_tries)
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
        // So clients send what stands in front of the host in a URL.
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("basic") => {
            let detail = "a token is not taken as the user and password of a URL, which logs and histories keep";
            Err(Problem::unauthorized(&format!("{detail}: {HOW}")))
        }
        _ => Err(Problem::unauthorized(HOW)),
    }
}
