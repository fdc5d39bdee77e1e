//! Field cases: the service rejects nobody by mistake, and says what it does.

use std::fs;

use hickory_proto::op::ResponseCode;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{Service, service::PATIENCE};
use crate::fake::{Fake, Says, World, good};

const CONFIG: &str = r#"
check-special-use = true
[score]
reject = 3
[[zone]]
name = "bl.example"
rules = [{ filter = "127.0.0.[2..254]", weight = 3 }]
"#;

async fn world() -> (World, Fake) {
    let world = World::default();
    world.good("bl.example", &["9.2.0.192"]);
    let fake = world.serve().await;
    (world, fake)
}

/// mail.md F4: 40 of 40 mails were rejected.
#[tokio::test]
async fn not_one_mail_is_rejected_once_a_list_lists_the_world() {
    let (world, fake) = world().await;
    let mut service = Service::start(fake.addr, CONFIG).await;
    service.up("bl.example").await;
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
    world.set("bl.example", |_| Says::Codes(vec!["127.0.0.2"]));
    for mail in 0..40 {
        assert_eq!(service.ask_about(&format!("192.0.2.{}", 20 + mail % 4)).await, "DUNNO");
    }
    service.logs(&["WARN", "health of a list", "to=\"down\"", "made up"]).await;
}

/// newcomer.md B3: nothing was to be seen of a decision at the level that is the default.
#[tokio::test]
async fn a_decision_is_one_line_at_info_with_who_wrote_which_message_and_what_is_listed() {
    let (_, fake) = world().await;
    let mut service = Service::start(fake.addr, CONFIG).await;
    service.up("bl.example").await;
    let request = [
        ("client_address", "192.0.2.9"),
        ("helo_name", "mx.example.net"),
        ("sender", "a@example.net"),
        ("queue_id", "4XyZ"),
        ("instance", "1.2.3"),
    ];
    service.ask(&request).await;
    let line = service.logs(&["decided"]).await;
    for part in [
        " INFO ",
        "client=\"192.0.2.9\"",
        "helo=\"mx.example.net\"",
        "sender=\"a@example.net\"",
        "queue_id=\"4XyZ\"",
        "instance=\"1.2.3\"",
        "action=\"reject\"",
        "score=3",
        "hits=\"192.0.2.9 in bl.example\"",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    // What a stranger says stays on its line.
    service.ask(&[("client_address", "192.0.2.1"), ("helo_name", "a\u{1b}[2J\" action=\"x")]).await;
    let line = service.logs(&["decided", "action=\"pass\""]).await;
    assert!(!line.contains('\u{1b}') && !line.contains(" action=\"x"), "{line}");
}

#[tokio::test]
async fn that_a_list_is_up_at_the_first_start_is_no_warning() {
    let (_, fake) = world().await;
    let mut service = Service::start(fake.addr, CONFIG).await;
    let line = service.logs(&["health of a list", "to=\"up\""]).await;
    assert!(line.contains(" INFO "), "{line}");
}

async fn metrics(service: &Service) -> String {
    let mut stream = TcpStream::connect(service.metrics.unwrap()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

/// newcomer.md B3: it was 0 for every list until its health changed, so that an alert fired.
#[tokio::test]
async fn after_a_restart_with_a_state_file_the_figures_say_which_lists_are_up() {
    let (world, fake) = world().await;
    let dir = TempDir::new().unwrap();
    let state = dir.path().join("state.json");
    let config =
        format!("metrics-listen = \"127.0.0.1:0\"\nstate-file = \"{}\"{CONFIG}", state.display());
    let mut first = Service::start(fake.addr, &config).await;
    first.up("bl.example").await;
    while !fs::read_to_string(&state).is_ok_and(|text| text.contains("\"up\"")) {
        tokio::task::yield_now().await;
    }
    drop(first);
    // No probe tells it anew.
    world.set("bl.example", |_| Says::Rcode(ResponseCode::ServFail));
    let second = Service::start(fake.addr, &config).await;
    let text = metrics(&second).await;
    assert!(text.contains("dnsbl_zone_up{zone=\"bl.example\"} 1"), "{text}");
    assert!(text.contains("dnsbl_resolver_up 1"), "{text}");
}

/// durability.md F19: it did not start.
#[tokio::test]
async fn a_state_file_that_cannot_be_read_does_not_stop_the_service() {
    let (_, fake) = world().await;
    let dir = TempDir::new().unwrap();
    let config = format!("state-file = \"{}\"{CONFIG}", dir.path().display());
    let mut service = Service::start(fake.addr, &config).await;
    service.up("bl.example").await;
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
}

/// newcomer.md B3: `StateNotSaved { error: "No such file or directory (os error 2)" }`.
#[tokio::test]
async fn a_state_file_that_cannot_be_written_is_named() {
    let (_, fake) = world().await;
    let config = format!("state-file = \"/nonexistent/folder/state.json\"{CONFIG}");
    let mut service = Service::start(fake.addr, &config).await;
    let line = service.logs(&["/nonexistent/folder/state.json", "No such file"]).await;
    assert!(line.contains(" WARN ") && !line.contains("StateNotSaved"), "{line}");
}

/// security.md M4: from then on every listing of the list was DUNNO.
#[tokio::test]
async fn an_error_code_for_one_client_disarms_no_list() {
    let (world, fake) = world().await;
    let mut service = Service::start(fake.addr, CONFIG).await;
    service.up("bl.example").await;
    world.set("bl.example", |name| match name {
        "66.2.0.192" => Says::Codes(vec!["127.255.255.254"]),
        name => good(name, |name| name == "9.2.0.192"),
    });
    assert_eq!(service.ask_about("192.0.2.66").await, "DUNNO");
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
}

/// Field case 58: `v4only.rules`.
#[tokio::test]
async fn a_list_of_ipv4_addresses_rejects() {
    let world = World::default();
    world.set("bl.example", |name| match name {
        "2.0.0.127" | "9.2.0.192" => Says::Codes(vec!["127.0.0.2"]),
        _ => Says::NotListed,
    });
    let fake = world.serve().await;
    let mut service = Service::start(fake.addr, CONFIG).await;
    service.up("bl.example").await;
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
}
