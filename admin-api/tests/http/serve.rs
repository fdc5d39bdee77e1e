//! Connections: sockets, limits, and the end.

use std::time::Duration;

use admin_api::{Limits, Listener, serve};
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
    let served = tokio::spawn(serve(Listener::Tcp(listener), api, stop.clone()));
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
    let server = run(&Limits::default()).await;
    let token = server.fixture.admin();
    let request = format!(
        "GET /v1/changes?after=1&wait=60 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let poll = tokio::spawn(async move { ask(server.addr, &request).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
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
    let served = tokio::spawn(serve(Listener::Unix(listener), fixture.take_api(), stop.clone()));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");
    stop.cancel();
    served.await.unwrap().unwrap();
}
