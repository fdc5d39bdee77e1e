//! Connections: accepted within limits, served by the router, let finish at the end.

use std::{convert::Infallible, future::poll_fn, io, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{Api, Limits, app::App, auth::Peer, router::build};

/// How long accepting rests after an error such as too many open files.
const BACKOFF: Duration = Duration::from_millis(200);

/// How long a client may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(1);

/// How much it may send then, in bytes.
const LINGER_BYTES: u64 = 16 << 20;

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    /// Over TCP.
    Tcp(TcpListener),
    /// Over a socket in the file system.
    Unix(UnixListener),
}

/// Serves the API until `shutdown`; then accepts no more and waits for the requests in flight.
pub async fn serve(listener: Listener, api: Api, shutdown: CancellationToken) -> io::Result<()> {
    let limits = api.limits.clone();
    let server = Server {
        router: build(App::new(api, shutdown.clone())),
        permits: Arc::new(Semaphore::new(limits.max_connections)),
        connections: TaskTracker::new(),
        limits,
        shutdown: shutdown.clone(),
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = server.accept(&listener) => {}
    }
    drop(listener);
    server.connections.close();
    server.connections.wait().await;
    Ok(())
}

struct Server {
    router: Router,
    permits: Arc<Semaphore>,
    connections: TaskTracker,
    limits: Limits,
    shutdown: CancellationToken,
}

impl Server {
    async fn accept(&self, listener: &Listener) {
        loop {
            let Ok(permit) = self.permits.clone().acquire_owned().await else {
                return;
            };
            let accepted = match listener {
                Listener::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                    // Answers are small; waiting to fill packets only delays them.
                    let _ = stream.set_nodelay(true);
                    let connection = self.connection(stream, Some(Peer(peer)));
                    self.spawn(permit, connection);
                }),
                Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                    let connection = self.connection(stream, None);
                    self.spawn(permit, connection);
                }),
            };
            if let Err(err) = accepted {
                tracing::warn!(%err, "could not accept a connection");
                tokio::time::sleep(BACKOFF).await;
            }
        }
    }

    fn spawn(
        &self,
        permit: tokio::sync::OwnedSemaphorePermit,
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        self.connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }

    fn connection<S>(
        &self,
        stream: S,
        peer: Option<Peer>,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router.clone();
        let service = service_fn(move |request| Box::pin(answer(router.clone(), request, peer)));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(self.limits.header_bytes)
            .serve_connection(TokioIo::new(stream), service);
        let shutdown = self.shutdown.clone();
        async move {
            let ended = tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                () = shutdown.cancelled() => {
                    Pin::new(&mut connection).graceful_shutdown();
                    poll_fn(|cx| connection.poll_without_shutdown(cx)).await
                }
            };
            if let Err(err) = ended {
                tracing::debug!(%err, "a connection ended early");
            }
            linger(connection.into_parts().io.into_inner()).await;
        }
    }
}

/// Ends a connection once the client has, within limits. To close it under a client that still sends
/// would reset it, and take away the answer that says why.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let drain = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    // Whether it went well makes no difference any more.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

async fn answer(
    router: Router,
    mut request: hyper::Request<Incoming>,
    peer: Option<Peer>,
) -> Result<axum::response::Response, Infallible> {
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    router.oneshot(request.map(Body::new)).await
}
