//! The things that all parts of the tester share, and none of them changes.

use std::sync::Arc;

use dnsbl_store::Store;
use tokio::sync::Notify;

use super::{records::Records, settings::Settings};
use crate::{
    TokenKeys,
    mx::{Dns, ResolveError},
};

/// The shared things.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) keys: Arc<TokenKeys>,
    pub(super) records: Records,
    pub(super) dns: Dns,
    /// Woken when something is due.
    pub(super) wake: Notify,
}

impl Shared {
    pub(super) fn new(
        store: Store,
        settings: Settings,
        keys: TokenKeys,
    ) -> Result<Self, ResolveError> {
        let dns = Dns::new(&settings.resolvers)?;
        let records = Records::new(store, settings.patience);
        Ok(Self { settings, keys: Arc::new(keys), records, dns, wake: Notify::new() })
    }
}
