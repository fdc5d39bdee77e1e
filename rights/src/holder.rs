//! Who asks.

use std::{net::IpAddr, sync::Arc};

use dnsbl_store::{Actor, Operation, TokenRecord};
use dnsbl_types::{Source, SourceError};

use crate::{
    error::NotPermitted,
    rights::{Permitted, Rights},
    token_cache::KnownToken,
};

/// The holder of a live token, at the address that it asks from.
#[derive(Clone)]
pub struct Holder {
    token: Arc<KnownToken>,
    remote: Option<IpAddr>,
}

impl Holder {
    /// Who holds a token; `remote` is `None` over a Unix socket.
    pub fn new(token: Arc<KnownToken>, remote: Option<IpAddr>) -> Self {
        Self { token, remote }
    }

    /// Who the change log says it was.
    pub fn actor(&self) -> Actor {
        Actor {
            name: self.token().name.clone(),
            token: Some(self.token().id.clone()),
            remote: self.remote.map(|address| address.to_string()),
        }
    }

    /// The token itself.
    pub fn token(&self) -> &TokenRecord {
        &self.token.record
    }

    /// All that the token may do.
    pub fn rights(&self) -> &Rights {
        &self.token.rights
    }

    /// A change that the token may make.
    ///
    /// # Errors
    /// It may not.
    pub fn permit(&self, operation: Operation) -> Result<Permitted, NotPermitted> {
        self.rights().permit(self.actor(), operation)
    }

    /// The source to write or delete as: the one that was named, or else the token's name.
    ///
    /// # Errors
    /// It is the name of no source.
    pub fn source(&self, named: Option<&str>) -> Result<Source, SourceError> {
        named.unwrap_or(&self.token().name).parse()
    }
}
