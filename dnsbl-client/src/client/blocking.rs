//! The same without async.

use std::{future::Future, io, panic::resume_unwind, thread};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Client, ClientBuilder, ClientError, Outcome, Report, Target, Transport, Udp, ZoneId};

/// A [`Client`] for programs without async. Any number of threads may use it at once. It has a
/// thread of its own, which ends with it.
///
/// A call from within an async runtime blocks the thread that it is made from, and works.
#[derive(Debug)]
pub struct BlockingClient<T: Transport = Udp> {
    client: Client<T>,
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
}

impl BlockingClient {
    /// A client with these settings.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with them, or no thread can be started.
    pub fn new(settings: ClientBuilder) -> Result<Self, ClientError> {
        Self::with(|| settings.build())
    }
}

impl<T: Transport> BlockingClient<T> {
    /// A client with these settings, and another way to ask.
    ///
    /// # Errors
    ///
    /// If nothing can be asked with them, or no thread can be started.
    pub fn with_transport(settings: ClientBuilder, transport: T) -> Result<Self, ClientError> {
        Self::with(|| settings.build_with(transport))
    }

    /// As [`Client::check`].
    pub fn check(&self, target: impl Into<Target>) -> Report {
        self.wait(self.client.check(target.into()))
    }

    /// As [`Client::check_all`].
    pub fn check_all(&self, targets: &[Target]) -> Report {
        self.wait(self.client.check_all(targets))
    }

    /// As [`Client::lookup`].
    ///
    /// # Panics
    ///
    /// If `zone` is of a client with more zones.
    pub fn lookup(&self, zone: ZoneId, target: &Target) -> Outcome {
        self.wait(self.client.lookup(zone, target))
    }

    /// The client itself, for what does not wait.
    pub fn client(&self) -> &Client<T> {
        &self.client
    }

    fn with(build: impl FnOnce() -> Result<Client<T>, ClientError>) -> Result<Self, ClientError> {
        let runtime = runtime().map_err(ClientError::Runtime)?;
        let entered = runtime.enter();
        let client = build();
        drop(entered);
        match client {
            Ok(client) => Ok(Self { client, runtime: Some(runtime) }),
            Err(err) => {
                runtime.shutdown_background();
                Err(err)
            }
        }
    }

    /// Waits on this thread; where that may not wait, on another one.
    fn wait<R: Send>(&self, answer: impl Future<Output = R> + Send) -> R {
        let runtime = self.runtime.as_ref().expect("it is there until it is dropped");
        if Handle::try_current().is_err() {
            return runtime.block_on(answer);
        }
        let waited = thread::scope(|scope| scope.spawn(|| runtime.block_on(answer)).join());
        waited.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl<T: Transport> Drop for BlockingClient<T> {
    /// Without waiting, which is not allowed everywhere.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One worker drives sockets, timers and probes; callers poll their own checks.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).thread_name("dnsbl").enable_all().build()
}
