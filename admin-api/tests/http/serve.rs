//! Connections: sockets, limits, and the end.

use std::time::Duration;

use admin_api::{Limits, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

struct Running {
    fixture: Fixture,
    addr: std::net::SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

async fn run(limits: &Limits) -> Running {
    let mut fixture = Fixture::with(limits, true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let api = fixture.take_api();
    let served = tokio::spawn(serve(listener.into(), None, api, stop.clone()));
    Running { fixture, addr, stop, served }
}

async fn ask(addr: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_change_log_knows_where_a_request_came_from() {
    let server = run(&Limits::default()).await;
    let token = server.fixture.admin();
    let body = r#"{"kind":"ip","ns":["ns1.example.net"]}"#;
    let request = format!(
        "PUT /v1/zones/bl.example.org HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(server.addr, &request).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let audit = server.fixture.get("/v1/audit").await;
    assert_eq!(audit.ok()["records"][0]["remote"], "127.0.0.1");
}

#[tokio::test]
async fn heads_that_are_slow_or_too_large_end_the_connection() {
    let limits = Limits { header_timeout: Duration::from_millis(50), ..Limits::default() };
    let server = run(&limits).await;
    let answer = ask(server.addr, "GET /healthz HTTP/1.1\r\n").await;
    assert!(!answer.contains("200"), "{answer}");
    let large = format!("GET /healthz HTTP/1.1\r\nx: {}", "y".repeat(20 << 10));
    let answer = ask(server.addr, &large).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_long_poll_ends_with_the_server() {
    let server = run(&Limits { max_waits: 1, ..Limits::default() }).await;
    let token = server.fixture.admin();
    let after = |seq: u64| {
        format!(
            "GET /v1/changes?after={seq}&wait=60 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
        )
    };
    let (poll, other) = (after(1), after(0));
    let poll = tokio::spawn(async move { ask(server.addr, &poll).await });
    // While it waits nobody else may.
    while !ask(server.addr, &other).await.starts_with("HTTP/1.1 429") {}
    server.stop.cancel();
    let answer = poll.await.unwrap();
    assert!(answer.contains(r#"{"end":true,"next":1}"#), "{answer}");
    server.served.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.addr).await.is_err());
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_served() {
    let mut fixture = Fixture::with(&Limits::default(), true);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("http");
    let listener = UnixListener::bind(&path).unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener.into(), None, fixture.take_api(), stop.clone()));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");
    stop.cancel();
    served.await.unwrap().unwrap();
}

/// Security review, M1: `/healthz` was not answered while all places were held.
#[tokio::test]
async fn health_is_told_while_all_places_are_busy_and_everything_else_is_asked_to_come_again() {
    let limits = Limits { max_connections: 1, max_per_network: 1, ..Limits::default() };
    let server = run(&limits).await;
    let token = server.fixture.admin();
    let mut poll = TcpStream::connect(server.addr).await.unwrap();
    let request = format!(
        "GET /v1/changes?after=1&wait=60 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    poll.write_all(request.as_bytes()).await.unwrap();
    let get = |path: &'static str| async move {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        ask(server.addr, &request).await
    };
    // Until the poll has begun the place is only taken, and makes room.
    let mut patience = 1;
    let refused = loop {
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        patience *= 2;
        let answer = get("/v1/zones").await;
        if !answer.starts_with("HTTP/1.1 401") {
            break answer;
        }
        poll = TcpStream::connect(server.addr).await.unwrap();
        poll.write_all(request.as_bytes()).await.unwrap();
    };
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: ") && refused.contains("too-many-connections"));
    assert!(get("/healthz").await.ends_with("ok\n"));
    assert!(get("/readyz").await.contains("\"ready\":"));
    server.stop.cancel();
    let mut answer = String::new();
    poll.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains(r#"{"end":true,"next":1}"#), "{answer}");
}

/// Security review, M1: a connection lived for ever if it asked now and then.
#[tokio::test]
async fn an_old_connection_ends_with_its_next_answer() {
    let limits = Limits { max_age: Duration::from_millis(1), ..Limits::default() };
    let server = run(&limits).await;
    // It may be asked to end before or after the first answer.
    let answer = ask(server.addr, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.is_empty() || answer.ends_with("ok\n"), "{answer}");
}

/// Security review, M1: answers that were never read held the place for good.
#[tokio::test]
async fn a_client_that_reads_no_answer_is_given_up() {
    let limits =
        Limits { write_stall: Duration::from_millis(100), openapi_open: true, ..Limits::default() };
    let server = run(&limits).await;
    let mut client = TcpStream::connect(server.addr).await.unwrap();
    let requests = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // More than all buffers on the way hold: writing goes on until the server lets go.
    let given_up = async { while client.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), given_up).await.unwrap();
}
