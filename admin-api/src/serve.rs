//! Connections: accepted within limits, served by the router, let finish at the end.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    response::{IntoResponse as _, Response},
};
use dnsbl_daemon::{
    BusyGuard, ConnectionLimits, ConnectionPermit, ConnectionPermits, Guarded, Listener,
    PeerNetwork, Stream, Tls, Transport, linger,
};
use dnsbl_rights::Tokens;
use dnsbl_store::Store;
use dnsbl_types::UnixTime;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    app::{Api, App},
    auth::Peer,
    error::Problem,
    limits::{Limits, LiveLimits},
    router::build,
    status::ServerStatus,
};

/// Connections beyond the permits, on which only the server's health is told.
const SPARE: ConnectionLimits = ConnectionLimits { all: 64, per_network: 8 };
/// How long a request may take to come on one of these.
const SPARE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is kept when tokens were last used: what an end without warning may cost.
const KEEP_USES_EVERY: Duration = Duration::from_secs(20);
/// What is answered on them.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// Serves the API until `shutdown`; then accepts no more and waits for the requests in flight. With `tls`, nothing is
/// served without.
///
/// # Errors
/// None so far.
pub async fn serve(
    listener: Listener,
    tls: Option<Tls>,
    api: Api,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let live_limits = api.limits.clone();
    let limits = Limits::clone(&live_limits.load());
    let app = App::new(api, shutdown.clone());
    let uses =
        TokenUses { store: app.store(), tokens: app.tokens.clone(), server: app.server.clone() };
    let server = Server {
        router: build(app),
        tls,
        permits: ConnectionPermits::new(ConnectionLimits {
            all: limits.max_connections,
            per_network: limits.max_per_network,
        }),
        spare: ConnectionPermits::new(SPARE),
        connections: TaskTracker::new(),
        limits,
        live_limits,
        shutdown: shutdown.clone(),
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = server.accept(&listener) => {}
        () = uses.keep_now_and_then() => {}
    }
    drop(listener);
    server.connections.close();
    server.connections.wait().await;
    uses.keep().await;
    Ok(())
}

/// Keeps in the store when tokens were last used.
struct TokenUses {
    store: Store,
    tokens: Arc<Tokens>,
    server: Arc<dyn ServerStatus>,
}

impl TokenUses {
    async fn keep_now_and_then(&self) {
        let mut rounds = interval(KEEP_USES_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.keep().await;
        }
    }

    /// What can't be kept is tried again in the next round.
    async fn keep(&self) {
        let (at, uses) = (UnixTime::now(), self.tokens.meters().unkept());
        let store = self.store.clone();
        let keep = move || match uses.is_empty() {
            true => Ok(uses),
            false => store.keep_token_uses(&uses).map(|()| uses),
        };
        match spawn_blocking(keep).await {
            Ok(Ok(uses)) => {
                self.tokens.meters().kept(&uses, Instant::now());
                self.server.token_uses_kept(at);
            }
            Ok(Err(err)) => tracing::debug!(%err, "when tokens were last used can't be kept"),
            Err(err) => tracing::error!(%err, "keeping when tokens were last used"),
        }
    }
}

struct Server {
    router: Router,
    tls: Option<Tls>,
    permits: ConnectionPermits,
    /// For who comes while all permits are busy.
    spare: ConnectionPermits,
    connections: TaskTracker,
    /// As they were at the start, which connections keep.
    limits: Limits,
    live_limits: Arc<LiveLimits>,
    shutdown: CancellationToken,
}

impl Server {
    async fn accept(&self, listener: &Listener) {
        loop {
            let (stream, peer) = listener.accept().await;
            let network = PeerNetwork::of_peer(peer, &self.live_limits.load().proxies);
            if let Some(permit) = self.permits.acquire(network) {
                self.connections.spawn(self.connection(stream, permit, peer, false));
            } else if let Some(permit) = self.spare.acquire(network) {
                self.connections.spawn(self.connection(stream, permit, peer, true));
            }
        }
    }

    fn connection(
        &self,
        stream: Stream,
        permit: ConnectionPermit,
        peer: Option<SocketAddr>,
        is_spare: bool,
    ) -> impl Future<Output = ()> + Send + use<> {
        let permit = Arc::new(permit);
        let (router, peer) = (self.router.clone(), peer.map(Peer));
        let busy_permit = permit.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let busy = busy_permit.busy();
            let answer = answer(router.clone(), request, peer, is_spare);
            Box::pin(async move {
                let response = answer.await;
                Ok::<_, Infallible>(response.map(|body| Body::new(Held { body, _busy: busy })))
            })
        });
        let header_timeout = if is_spare { SPARE_TIMEOUT } else { self.limits.header_timeout };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .keep_alive(!is_spare)
            .max_buf_size(self.limits.header_bytes);
        let (tls, stall) = (self.tls.clone(), self.limits.write_stall);
        let (shutdown, max_age) = (self.shutdown.clone(), self.limits.max_age);
        async move {
            let secured = secure(stream, tls.as_ref(), &permit, header_timeout, &shutdown).await;
            let stream = match secured {
                Ok(stream) => Guarded::new(stream, permit, stall),
                Err(err) => return tracing::debug!(%err, "a client did not come to TLS"),
            };
            let mut connection = http.serve_connection(TokioIo::new(stream), service);
            let leave = timeout(max_age, shutdown.cancelled());
            let ended = tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                _ = leave => {
                    // The request that is being answered is answered.
                    Pin::new(&mut connection).graceful_shutdown();
                    poll_fn(|cx| connection.poll_without_shutdown(cx)).await
                }
            };
            let is_given_up = ended.as_ref().is_err_and(took_nothing);
            if let Err(err) = ended {
                tracing::debug!(%err, "a connection ended early");
            }
            if !is_given_up {
                linger(connection.into_parts().io.into_inner()).await;
            }
        }
    }
}

/// Shakes hands where there is TLS, within the time that a request's head has; a connection whose permit is wanted for
/// another one has no more time.
async fn secure(
    stream: Stream,
    tls: Option<&Tls>,
    permit: &ConnectionPermit,
    limit: Duration,
    shutdown: &CancellationToken,
) -> io::Result<Transport> {
    let Some(tls) = tls else { return Ok(Transport::Left(stream)) };
    tokio::select! {
        shaken = timeout(limit, tls.accept(stream)) => {
            shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        }
        () = permit.revoked() => Err(io::ErrorKind::ConnectionAborted.into()),
        () = shutdown.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Whether a client was given up that took nothing of an answer.
fn took_nothing(err: &hyper::Error) -> bool {
    let source = std::error::Error::source(err).and_then(|err| err.downcast_ref::<io::Error>());
    source.is_some_and(|err| err.kind() == io::ErrorKind::TimedOut)
}

async fn answer(
    router: Router,
    mut request: hyper::Request<Incoming>,
    peer: Option<Peer>,
    is_spare: bool,
) -> Response {
    if is_spare && !HEALTH.contains(&request.uri().path()) {
        let detail = "as many requests as this server answers at once are under way";
        return Problem::unavailable("too-many-connections", detail).into_response();
    }
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let Ok(response) = router.oneshot(request.map(Body::new)).await;
    response
}

/// The body of an answer, which is under way until it has been handed over whole.
struct Held {
    body: Body,
    _busy: BusyGuard,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
