//! The same without async.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::{Client, ClientBuilder, ClientError, Outcome, Report, Target, Transport, Udp, ZoneId};

/// A [`Client`] for programs without async. Any number of threads may use it at once. It has a
/// thread of its own, which ends with it.
///
/// Its calls must not be made from within an async runtime.
#[derive(Debug)]
pub struct BlockingClient<T: Transport = Udp> {
    client: Client<T>,
    runtime: Runtime,
}

impl BlockingClient {
    /// A client with these settings.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with them, or no thread can be started.
    pub fn new(settings: ClientBuilder) -> Result<Self, ClientError> {
        let runtime = runtime().map_err(ClientError::Runtime)?;
        let client = runtime.block_on(async { settings.build() })?;
        Ok(Self { client, runtime })
    }
}

impl<T: Transport> BlockingClient<T> {
    /// A client with these settings, and another way to ask.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with them, or no thread can be started.
    pub fn with_transport(settings: ClientBuilder, transport: T) -> Result<Self, ClientError> {
        let runtime = runtime().map_err(ClientError::Runtime)?;
        let client = runtime.block_on(async { settings.build_with(transport) })?;
        Ok(Self { client, runtime })
    }

    /// As [`Client::check`].
    pub fn check(&self, target: impl Into<Target>) -> Report {
        self.runtime.block_on(self.client.check(target))
    }

    /// As [`Client::check_all`].
    pub fn check_all(&self, targets: &[Target]) -> Report {
        self.runtime.block_on(self.client.check_all(targets))
    }

    /// As [`Client::lookup`].
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more lists.
    pub fn lookup(&self, zone: ZoneId, target: &Target) -> Outcome {
        self.runtime.block_on(self.client.lookup(zone, target))
    }

    /// The client itself, for what does not wait.
    pub fn client(&self) -> &Client<T> {
        &self.client
    }
}

/// One worker drives sockets, timers and probes; callers poll their own checks.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("dnsbl").enable_all().build()
}
