//! Requests and answers on the wire (case 47).

use futures_util::future::select_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Service, request,
    service::{PATIENCE, reply},
};
use crate::fake::World;

const CONFIG: &str =
    "check-special-use = true\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example\"\n";

async fn service(config: &str) -> Service {
    let world = World::default();
    world.good("bl.example", &["9.2.0.192"]);
    let fake = world.serve().await;
    let mut service = Service::start(fake.addr, config).await;
    service.up("bl.example").await;
    service
}

const REJECTED: &str =
    "REJECT 5.7.1 Service unavailable; 192.0.2.9 blocked using bl.example; listed";

/// Whether the service closes the connection without a word.
async fn is_closed_without_an_answer(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // What it did not read makes the end of the connection a reset.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    rest.is_empty()
}

#[tokio::test]
async fn case_47_requests_byte_by_byte_and_pipelined_get_their_answers_in_order() {
    let service = service(CONFIG).await;
    let mut stream = service.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in request(&[("client_address", "192.0.2.9")]).bytes() {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(reply(&mut stream).await.unwrap(), REJECTED);
    let pair =
        request(&[("client_address", "192.0.2.8")]) + &request(&[("client_address", "192.0.2.9")]);
    stream.write_all(pair.repeat(100).as_bytes()).await.unwrap();
    for _ in 0..100 {
        assert_eq!(reply(&mut stream).await.unwrap(), "DUNNO");
        assert_eq!(reply(&mut stream).await.unwrap(), REJECTED);
    }
}

#[tokio::test]
async fn case_47_what_is_no_request_gets_no_answer() {
    let service = service(CONFIG).await;
    let long = format!("request=smtpd_access_policy\n{}\n", "a=b\n".repeat(100_000));
    for text in [
        "request=junk\nclient_address=192.0.2.9\n\n",
        "client_address=192.0.2.9\n\n",
        "GET / HTTP/1.1\r\n\r\n",
        "ip=nonsense\n",
        "\n",
        "request=smtpd_access_policy\nhelo_name=a\0b\n\n",
        &long,
    ] {
        let mut stream = service.connect().await;
        // It may hang up before all is sent.
        let _ = stream.write_all(text.as_bytes()).await;
        assert!(is_closed_without_an_answer(&mut stream).await, "{:.60}", text);
    }
    assert_eq!(service.ask_about("192.0.2.9").await, REJECTED);
}

#[tokio::test]
async fn case_47_a_silent_connection_is_closed_and_others_go_on() {
    let service = service(&format!(
        "[limits]\nidle-timeout = 1\n{}",
        CONFIG.trim_start_matches("check-special-use = true\n")
    ))
    .await;
    let mut silent = service.connect().await;
    assert!(is_closed_without_an_answer(&mut silent).await);
}

#[tokio::test]
async fn exim_gets_one_line_and_the_end_of_the_connection() {
    let service = service(CONFIG).await;
    let rejected = "action=reject score=1 zones=\"bl.example\" \
        text=\"Service unavailable; 192.0.2.9 blocked using bl.example; listed\"\n";
    assert_eq!(
        service.ask_line("ip=192.0.2.9 helo=mx.example.net sender=\"a@b.example\"\n").await,
        rejected
    );
    assert_eq!(service.ask_line("ip=192.0.2.9").await, rejected);
    let passed = "action=pass score=0 zones=\"\" text=\"\"\n";
    assert_eq!(service.ask_line("ip=192.0.2.8 helo=\"\" sender=\"\" auth=\"\"\n").await, passed);
    assert_eq!(service.ask_line("ip=192.0.2.9 auth=\"joe\"\n").await, passed);
}

#[tokio::test]
async fn a_thousand_connections_are_served_at_once() {
    let service = service(CONFIG).await;
    let mut streams = Vec::new();
    for _ in 0..1000 {
        streams.push(service.connect().await);
    }
    for (i, stream) in streams.iter_mut().enumerate() {
        let client = format!("198.51.{}.{}", i / 250, i % 250 + 1);
        let client = if i % 10 == 0 { "192.0.2.9" } else { &client };
        stream.write_all(request(&[("client_address", client)]).as_bytes()).await.unwrap();
    }
    for (i, stream) in streams.iter_mut().enumerate() {
        let expected = if i % 10 == 0 { REJECTED } else { "DUNNO" };
        assert_eq!(reply(stream).await.unwrap(), expected, "connection {i}");
    }
}

#[tokio::test]
async fn with_all_places_taken_a_silent_connection_makes_room() {
    let service = service(&format!("{CONFIG}[limits]\nconnections = 3\n")).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        let mut stream = service.connect().await;
        stream.write_all(request(&[("client_address", "192.0.2.8")]).as_bytes()).await.unwrap();
        assert_eq!(reply(&mut stream).await.unwrap(), "DUNNO");
        silent.push(stream);
    }
    assert_eq!(service.ask_about("192.0.2.9").await, REJECTED);
    // Which of them has been silent longest the service knows better: it notes so after its answer.
    let closed = silent.iter_mut().map(|stream| Box::pin(is_closed_without_an_answer(stream)));
    assert!(select_all(closed).await.0);
}
