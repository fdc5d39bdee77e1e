//! A server that takes what is posted and remembers the requests.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::policy::PATIENCE;

/// What it answers to a request.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<&'static str>,
    pub(crate) body: &'static str,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    /// Method and path.
    pub(crate) what: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

/// A running server.
#[derive(Clone)]
pub(crate) struct Server {
    /// As `--server` takes it.
    pub(crate) url: String,
    requests: watch::Receiver<Vec<Posted>>,
    shared: Arc<Shared>,
}

struct Shared {
    seen: watch::Sender<Vec<Posted>>,
    /// Replies to the next requests; then it is 202.
    replies: Mutex<VecDeque<Reply>>,
    /// A request is answered when there is a permit for it.
    gate: Semaphore,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, retry_after: None, body: "" }
    }
}

impl Server {
    /// A server that answers these first.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), replies).await
    }

    pub(crate) async fn start_at(
        addr: SocketAddr,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let server = Self::new(format!("http://{}", listener.local_addr().unwrap()), replies);
        let shared = server.shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        server
    }

    /// A server behind a Unix socket.
    pub(crate) fn start_unix(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let server = Self::new(format!("unix:{}", path.display()), []);
        let shared = server.shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        server
    }

    fn new(url: String, replies: impl IntoIterator<Item = Reply>) -> Self {
        let (seen, requests) = watch::channel(Vec::new());
        let replies = Mutex::new(replies.into_iter().collect());
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Self { url, requests, shared: Arc::new(Shared { seen, replies, gate }) }
    }

    /// Answers nothing until `open` is called.
    pub(crate) fn close(&self) {
        self.shared.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.shared.gate.add_permits(1 << 20);
    }

    /// Waits until there were so many requests; gives all of them.
    pub(crate) async fn requests(&self, count: usize) -> Vec<Posted> {
        let mut requests = self.requests.clone();
        let found = timeout(PATIENCE, requests.wait_for(|seen| seen.len() >= count)).await;
        match found {
            Ok(seen) => seen.unwrap().clone(),
            Err(_) => panic!("not {count} requests but {:#?}", *self.requests.borrow()),
        }
    }

    /// Waits until there were so many requests; gives the users of all.
    pub(crate) async fn users(&self, count: usize) -> Vec<String> {
        let requests = self.requests(count).await;
        requests.iter().map(|posted| posted.body["user"].as_str().unwrap().to_owned()).collect()
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(respond(request, &shared).await)
    });
    // The client goes when it likes.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn respond(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let header = |name: &str| {
        let value = request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let (what, authorization) =
        (format!("{} {}", request.method(), request.uri()), header("authorization"));
    assert_eq!(header("content-type"), "application/json");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&body).unwrap();
    let reply = shared.replies.lock().unwrap().pop_front().unwrap_or(Reply::status(202));
    shared.seen.send_modify(|seen| seen.push(Posted { what, authorization, body }));
    shared.gate.acquire().await.unwrap().forget();
    let mut response = Response::builder().status(reply.status);
    if let Some(seconds) = reply.retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Full::from(reply.body)).unwrap()
}
