//! Connections: accepted within limits, served by the router, let finish at the end.

use std::{future::poll_fn, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use dnsbl_daemon::{
    ConnectionLimits, ConnectionPermit, ConnectionPermits, Guarded, Listener, PeerNetwork, Stream,
    linger,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{Site, app::App, client::Peer, router};

/// How long a request's head may take to arrive, which is also how long a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const HEADER_BYTES: usize = 16 << 10;
/// How long a visitor may take nothing of a page.
const WRITE_STALL: Duration = Duration::from_secs(20);
/// How old a connection gets before it is asked to end with the next page.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Serves the pages until `shutdown`; then accepts no more and waits for the requests that are being answered.
pub async fn serve(listener: Listener, site: Site, shutdown: CancellationToken) {
    let limits = &site.settings.limits;
    let server = Server {
        permits: ConnectionPermits::new(ConnectionLimits {
            all: limits.connections,
            per_network: limits.connections_per_network,
        }),
        proxies: limits.proxies.clone(),
        router: router::build(App::new(site)),
        connections: TaskTracker::new(),
        shutdown: shutdown.clone(),
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = server.accept(&listener) => {}
    }
    drop(listener);
    server.connections.close();
    server.connections.wait().await;
}

struct Server {
    router: Router,
    permits: ConnectionPermits,
    proxies: Vec<IpNet>,
    connections: TaskTracker,
    shutdown: CancellationToken,
}

impl Server {
    async fn accept(&self, listener: &Listener) {
        loop {
            let (stream, peer) = listener.accept().await;
            if let Some(permit) = self.permits.acquire(PeerNetwork::of_peer(peer, &self.proxies)) {
                self.connections.spawn(self.connection(stream, permit, peer));
            }
        }
    }

    fn connection(
        &self,
        stream: Stream,
        permit: ConnectionPermit,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let permit = Arc::new(permit);
        let stream = Guarded::new(stream, permit.clone(), WRITE_STALL);
        let router = self.router.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let busy = permit.busy();
            if let Some(peer) = peer {
                request.extensions_mut().insert(Peer(peer));
            }
            let answer = router.clone().oneshot(request.map(Body::new));
            Box::pin(async move {
                let answer = answer.await;
                drop(busy);
                answer
            })
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let shutdown = self.shutdown.clone();
        async move {
            let leave = timeout(MAX_AGE, shutdown.cancelled());
            let ended = tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                _ = leave => {
                    // The request that is being answered is answered.
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                    poll_fn(|cx| connection.poll_without_shutdown(cx)).await
                }
            };
            match ended {
                Ok(()) => linger(connection.into_parts().io.into_inner()).await,
                Err(err) => tracing::debug!(%err, "a visitor's connection ended early"),
            }
        }
    }
}
