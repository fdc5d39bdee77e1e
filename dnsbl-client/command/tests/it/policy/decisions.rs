//! What is decided.

use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use tokio::io::AsyncWriteExt;

use super::{Service, request, service::reply};
use crate::fake::{Fake, Says, World};

/// Two lists of addresses and one of domains, all good.
async fn world() -> (World, Fake) {
    let world = World::default();
    world
        .good("one.example", &["9.2.0.192", "8.2.0.192"])
        .good("two.example", &["9.2.0.192"])
        .good("dbl.example", &["spam.example.net"]);
    let fake = world.serve().await;
    (world, fake)
}

const CONFIG: &str = r#"
check-special-use = true
exempt = ["192.0.2.128/25"]
[score]
tag = 1
defer = 2
reject = 3
[[zone]]
name = "one.example"
rules = [{ weight = 1 }]
[[zone]]
name = "two.example"
rules = [{ weight = 2, message = "You know why" }]
url = "https://two.example/{what}"
[[zone]]
name = "dbl.example"
asks = "domains"
rules = [{ weight = 2 }]
"#;

async fn all_up(fake: &Fake, config: &str) -> Service {
    let mut service = Service::start(fake.addr, config).await;
    for _ in 0..3 {
        service.up("example").await;
    }
    service
}

#[tokio::test]
async fn the_band_of_the_score_decides() {
    let (_, fake) = world().await;
    let service = all_up(&fake, CONFIG).await;
    assert_eq!(service.ask_about("192.0.2.1").await, "DUNNO");
    assert_eq!(service.ask_about("192.0.2.8").await, "PREPEND X-DNSBL: one.example; score=1");
    let helo = [("client_address", "192.0.2.1"), ("helo_name", "spam.example.net")];
    assert_eq!(
        service.ask(&helo).await,
        "DEFER_IF_PERMIT 4.7.1 Service unavailable for now; spam.example.net is listed in dbl.example; listed"
    );
    assert_eq!(
        service.ask_about("192.0.2.9").await,
        "REJECT 5.7.1 Service unavailable; 192.0.2.9 blocked using two.example; \
         You know why; see https://two.example/192.0.2.9"
    );
}

#[tokio::test]
async fn helo_sender_and_reverse_name_are_looked_up_together_and_once_each() {
    let (_, fake) = world().await;
    let service = all_up(&fake, CONFIG).await;
    for (attributes, action) in [
        (&[("sender", "a@spam.example.net")][..], "DEFER_IF_PERMIT"),
        (&[("reverse_client_name", "spam.example.net")], "DEFER_IF_PERMIT"),
        (
            &[("sender", "a@spam.example.net"), ("helo_name", "SPAM.example.net.")],
            "DEFER_IF_PERMIT",
        ),
        (&[("sender", "a@spam.example.net"), ("client_address", "192.0.2.8")], "REJECT"),
        (
            &[("sender", ""), ("helo_name", "[192.0.2.9]"), ("reverse_client_name", "unknown")],
            "DUNNO",
        ),
        (&[("sender", "a@[192.0.2.9]"), ("helo_name", "localhost")], "DUNNO"),
        (&[("client_address", "unknown")], "DUNNO"),
    ] {
        let found = service.ask(attributes).await;
        assert!(found.starts_with(action), "{attributes:?}: {found}");
    }
}

#[tokio::test]
async fn users_who_have_logged_in_and_exempt_clients_pass_without_a_lookup() {
    let (world, fake) = world().await;
    world.good("one.example", &["9.2.0.192", "200.2.0.192"]);
    let service = all_up(&fake, CONFIG).await;
    let before = fake.asked().len();
    let user = [("client_address", "192.0.2.9"), ("sasl_username", "joe")];
    assert_eq!(service.ask(&user).await, "DUNNO");
    assert_eq!(service.ask_about("192.0.2.200").await, "DUNNO");
    assert_eq!(service.ask_about("::ffff:192.0.2.200").await, "DUNNO");
    assert_eq!(fake.asked().len(), before);
}

#[tokio::test]
async fn a_message_gets_one_header_however_many_recipients_it_has() {
    let (_, fake) = world().await;
    let service = all_up(&fake, CONFIG).await;
    let mut stream = service.connect().await;
    for (instance, expected) in [
        ("1.2.0", "PREPEND X-DNSBL: one.example; score=1"),
        ("1.2.0", "DUNNO"),
        ("1.2.0", "DUNNO"),
        ("1.3.0", "PREPEND X-DNSBL: one.example; score=1"),
    ] {
        let attributes = [("client_address", "192.0.2.8"), ("instance", instance)];
        stream.write_all(request(&attributes).as_bytes()).await.unwrap();
        assert_eq!(reply(&mut stream).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn in_shadow_everything_passes_and_the_decision_is_in_the_log() {
    let (_, fake) = world().await;
    let mut service = all_up(&fake, &format!("shadow = true{CONFIG}")).await;
    assert_eq!(service.ask_about("192.0.2.9").await, "DUNNO");
    service.logs(&["decided", "action=\"reject\"", "score=3", "shadow=true"]).await;
}

#[tokio::test]
async fn before_its_first_probe_has_succeeded_a_list_rejects_nothing() {
    let world = World::default();
    world.set("bl.example", |name| match name {
        "2.0.0.127" => Says::Rcode(ResponseCode::ServFail),
        _ => Says::Codes(vec!["127.0.0.2"]),
    });
    let fake = world.serve().await;
    let config = "check-special-use = true\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example\"\n";
    let service = Service::start(fake.addr, config).await;
    for client in 1..30 {
        assert_eq!(service.ask_about(&format!("192.0.2.{client}")).await, "DUNNO");
    }
}

#[tokio::test]
async fn nothing_is_rejected_for_trouble_of_ours() {
    for says in [
        Says::Codes(vec!["203.0.113.7"]),
        Says::Codes(vec!["127.255.255.254"]),
        Says::Codes(vec!["127.0.0.1"]),
        Says::Codes(vec!["127.0.0.2", "203.0.113.7"]),
        Says::Rcode(ResponseCode::ServFail),
        Says::Rcode(ResponseCode::Refused),
        Says::Silence,
    ] {
        let world = World::default();
        world.good("bl.example", &["9.2.0.192"]);
        let fake = world.serve().await;
        let config = "check-special-use = true\ndeadline-ms = 300\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example\"\n";
        let mut service = Service::start(fake.addr, config).await;
        service.up("bl.example").await;
        assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
        let answer = says.clone();
        world.set("bl.example", move |_| answer.clone());
        for client in 10..14 {
            assert_eq!(service.ask_about(&format!("192.0.2.{client}")).await, "DUNNO", "{says:?}");
        }
    }
}

#[tokio::test]
async fn stress_shortens_the_wait() {
    let world = World::default();
    world.good("bl.example", &[]);
    let fake = world.serve().await;
    let config = "check-special-use = true\ndeadline-ms = 20000\nstress-deadline-ms = 100\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example\"\n";
    let mut service = Service::start(fake.addr, config).await;
    service.up("bl.example").await;
    world.set("bl.example", |_| Says::Silence);
    let began = Instant::now();
    let stress = [("client_address", "192.0.2.1"), ("stress", "yes")];
    assert_eq!(service.ask(&stress).await, "DUNNO");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
