//! Who may relay because a zone of grants has their address.

use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Service, request,
    service::{PATIENCE, reply},
};
use crate::fake::{Fake, Says, World, good};

const GRANTS: &str = "[[grant]]\nzone = \"popauth.example\"\n";

/// A list that lists 192.0.2.0/24, and a zone of grants.
const WITH_LIST: &str = "deadline-ms = 4000\ncheck-special-use = true\n[score]\nreject = 1\n\
    [[zone]]\nname = \"bl.example\"\n[[grant]]\nzone = \"popauth.example\"\n";

/// From now on these have a grant, by their names below the zone, and nobody else.
pub(super) fn grant(world: &World, names: &[&'static str]) {
    let names = names.to_vec();
    world.set("popauth.example", move |name| match names.contains(&name) {
        true => Says::Codes(vec!["127.0.0.10"]),
        false => Says::NotListed,
    });
}

async fn world(names: &[&'static str]) -> (World, Fake) {
    let world = World::default();
    world.set("bl.example", |name| good(name, |name| name.ends_with(".2.0.192")));
    grant(&world, names);
    let fake = world.serve().await;
    (world, fake)
}

/// The names asked of a zone so far.
fn asked(fake: &Fake, zone: &str) -> Vec<String> {
    let below = |name: String| {
        let name = name.trim_end_matches('.').strip_suffix(zone)?;
        Some(name.trim_end_matches('.').trim_start_matches("A ").to_owned())
    };
    fake.names().into_iter().filter_map(below).collect()
}

#[tokio::test]
async fn a_grant_counts_at_once_for_its_address_alone_and_ends_at_once() {
    let (world, fake) = world(&[]).await;
    let service = Service::start(fake.addr, GRANTS).await;
    for round in 0..3 {
        assert_eq!(service.ask_about("192.0.2.9").await, "DUNNO", "{round}");
        grant(&world, &["9.2.0.192"]);
        assert_eq!(service.ask_about("192.0.2.9").await, "permit", "{round}");
        assert_eq!(service.ask_about("192.0.2.8").await, "DUNNO", "{round}");
        grant(&world, &[]);
    }
    assert_eq!(service.ask_about("192.0.2.9").await, "DUNNO");
}

#[tokio::test]
async fn the_zone_is_asked_for_each_recipient_and_not_probed() {
    let (world, fake) = world(&[]).await;
    let service = Service::start(fake.addr, WITH_LIST).await;
    assert_eq!(asked(&fake, "popauth.example"), [""; 0]);
    let mut stream = service.connect().await;
    for (granted, expected) in [
        (false, "REJECT"),
        (false, "REJECT"),
        (true, "permit"),
        (true, "permit"),
        (false, "REJECT"),
    ] {
        let names: &[&str] = if granted { &["9.2.0.192"] } else { &[] };
        grant(&world, names);
        let attributes = [("client_address", "192.0.2.9"), ("instance", "1.2.3")];
        // Until the list has been probed it rejects nobody.
        loop {
            stream.write_all(request(&attributes).as_bytes()).await.unwrap();
            let action = reply(&mut stream).await.unwrap();
            if action.starts_with(expected) {
                break;
            }
            assert_eq!((expected, &*action), ("REJECT", "DUNNO"));
            stream = service.connect().await;
        }
    }
    let mut names = asked(&fake, "popauth.example");
    names.retain(|name| name != "9.2.0.192");
    names.sort();
    assert_eq!(names, ["1.0.0.127", "1.0.0.224", "2.0.0.127"]);
}

#[tokio::test]
async fn lists_judge_nobody_who_has_a_grant() {
    let (_, fake) = world(&["9.2.0.192"]).await;
    let mut service = Service::start(fake.addr, WITH_LIST).await;
    service.up("bl.example").await;
    let before = asked(&fake, "bl.example");
    assert_eq!(service.ask_about("192.0.2.9").await, "permit");
    for state in ["CONNECT", "EHLO", "MAIL", "DATA", "END-OF-MESSAGE", "VRFY", ""] {
        let attributes = [("client_address", "192.0.2.9"), ("protocol_state", state)];
        assert_eq!(service.ask(&attributes).await, "DUNNO", "{state}");
    }
    assert_eq!(asked(&fake, "bl.example"), before);
    assert!(service.ask_about("192.0.2.8").await.starts_with("REJECT"));
}

#[tokio::test]
async fn users_who_have_logged_in_to_the_mail_server_are_its_own_business() {
    let (_, fake) = world(&["9.2.0.192"]).await;
    let service = Service::start(fake.addr, GRANTS).await;
    let user = [("client_address", "192.0.2.9"), ("sasl_username", "joe")];
    assert_eq!(service.ask(&user).await, "DUNNO");
    assert_eq!(service.ask_line("ip=192.0.2.9 auth=joe\n").await, line("pass"));
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn nobody_is_permitted_or_rejected_for_trouble_of_ours() {
    for says in [
        Says::Codes(vec!["127.0.0.2"]),
        Says::Codes(vec!["127.0.0.10", "127.0.0.11"]),
        Says::Codes(vec!["127.0.0.10", "203.0.113.7"]),
        Says::Codes(vec!["203.0.113.7"]),
        Says::Codes(vec!["127.0.0.1"]),
        Says::Codes(vec!["127.255.255.254"]),
        Says::NoData,
        Says::Rcode(ResponseCode::ServFail),
        Says::Rcode(ResponseCode::Refused),
        Says::Late(20_000, vec!["127.0.0.10"]),
        Says::Silence,
    ] {
        let (world, fake) = world(&["9.2.0.192"]).await;
        let config = format!("deadline-ms = 2000\n{GRANTS}");
        let service = Service::start(fake.addr, &config).await;
        assert_eq!(service.ask_about("192.0.2.9").await, "permit");
        let answer = says.clone();
        world.set("popauth.example", move |name| match name {
            "9.2.0.192" => answer.clone(),
            _ => Says::NotListed,
        });
        let began = Instant::now();
        assert_eq!(service.ask_about("192.0.2.9").await, "DUNNO", "{says:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{says:?}: {:?}", began.elapsed());
    }
    // Nobody answers there at all.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let service = Service::start(nobody, GRANTS).await;
    assert_eq!(service.ask_about("192.0.2.9").await, "DUNNO");
}

#[tokio::test]
async fn a_resolver_or_zone_that_lists_everything_grants_nothing() {
    let world = World::default();
    let fake = world.serve().await;
    let service = Service::start(fake.addr, GRANTS).await;
    let mut asked = 0;
    let mut client = || {
        asked += 1;
        format!("192.0.2.{asked}")
    };
    world.set("popauth.example", |_| Says::Codes(vec!["127.0.0.10"]));
    assert_eq!(service.ask_about(&client()).await, "DUNNO");
    // A block list of dial-up networks that was named by mistake.
    world.set("popauth.example", |name| match name {
        "2.0.0.127" => Says::Codes(vec!["127.0.0.2"]),
        "1.0.0.127" | "1.0.0.224" => Says::NotListed,
        _ => Says::Codes(vec!["127.0.0.10"]),
    });
    assert_eq!(service.ask_about(&client()).await, "DUNNO");
    world.set("popauth.example", |name| match name {
        "1.0.0.127" => Says::Silence,
        _ => Says::Codes(vec!["127.0.0.10"]),
    });
    assert_eq!(service.ask_about(&client()).await, "DUNNO");
}

#[tokio::test]
async fn a_dead_zone_of_grants_leaves_the_lists_their_time() {
    let (world, fake) = world(&[]).await;
    let mut service = Service::start(fake.addr, WITH_LIST).await;
    service.up("bl.example").await;
    world.set("popauth.example", |_| Says::Silence);
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
    assert_eq!(service.ask_about("198.51.100.9").await, "DUNNO");
}

#[tokio::test]
async fn a_context_limits_a_zone_to_requests_that_have_it() {
    let (world, fake) = world(&["9.2.0.192"]).await;
    world.set("other.example", |name| match name {
        "8.2.0.192" => Says::Codes(vec!["127.0.0.77"]),
        _ => Says::NotListed,
    });
    let config = format!(
        "{GRANTS}context = \"relay\"\n[[grant]]\nzone = \"other.example\"\ncode = \"127.0.0.77\"\n"
    );
    let service = Service::start(fake.addr, &config).await;
    for (client, context, expected) in [
        ("192.0.2.9", "relay", "permit"),
        ("192.0.2.9", "", "DUNNO"),
        ("192.0.2.9", "Relay", "DUNNO"),
        ("192.0.2.8", "relay", "permit"),
        ("192.0.2.8", "", "permit"),
    ] {
        let attributes = [("client_address", client), ("policy_context", context)];
        assert_eq!(service.ask(&attributes).await, expected, "{client} {context:?}");
    }
    assert_eq!(service.ask_line("ip=192.0.2.9\n").await, line("pass"));
    assert_eq!(service.ask_line("ip=192.0.2.8\n").await, line("permit"));
}

#[tokio::test]
async fn private_mapped_and_ipv6_addresses_have_grants_too() {
    let nibbles = "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    let names = ["1.0.168.192", "9.0.0.127", "9.2.0.192", nibbles];
    let (_, fake) = world(&names).await;
    // Not even an exemption of networks counts: users log in from there.
    let config = format!("exempt = [\"192.168.0.0/16\"]\n{GRANTS}");
    let service = Service::start(fake.addr, &config).await;
    for client in ["192.168.0.1", "127.0.0.9", "192.0.2.9", "::ffff:192.0.2.9", "2001:db8::9"] {
        assert_eq!(service.ask_about(client).await, "permit", "{client}");
    }
    for client in ["192.168.0.2", "2001:db8::8", "unknown", ""] {
        assert_eq!(service.ask_about(client).await, "DUNNO", "{client}");
    }
}

#[tokio::test]
async fn in_shadow_nobody_is_permitted_and_the_log_tells_who_would_be() {
    let (_, fake) = world(&["9.2.0.192"]).await;
    let mut service = Service::start(fake.addr, &format!("shadow = true\n{GRANTS}")).await;
    assert_eq!(service.ask_about("192.0.2.9").await, "DUNNO");
    let words = ["decided", "action=\"permit\"", "granted=\"popauth.example\"", "shadow=true"];
    service.logs(&words).await;
    assert_eq!(service.ask_line("ip=192.0.2.9\n").await, line("pass"));
}

#[tokio::test]
async fn a_zone_may_be_asked_of_servers_of_its_own() {
    let (_, of_zone) = world(&["9.2.0.192"]).await;
    let (_, resolver) = world(&[]).await;
    let config = format!("{GRANTS}servers = [\"{}\"]\n", of_zone.addr);
    let service = Service::start(resolver.addr, &config).await;
    assert_eq!(service.ask_about("192.0.2.9").await, "permit");
    assert_eq!(resolver.count(), 0);
}

#[tokio::test]
async fn a_decision_is_one_line_of_the_log_and_each_answer_is_counted() {
    let (world, fake) = world(&["9.2.0.192"]).await;
    let config = format!("deadline-ms = 2000\nmetrics-listen = \"127.0.0.1:0\"\n{GRANTS}");
    let mut service = Service::start(fake.addr, &config).await;
    service.ask_about("192.0.2.9").await;
    let line = service.logs(&["decided", "action=\"permit\""]).await;
    for part in [" INFO ", "client=\"192.0.2.9\"", "granted=\"popauth.example\""] {
        assert!(line.contains(part), "{part}: {line}");
    }
    service.ask_about("192.0.2.8").await;
    let line = service.logs(&["decided", "action=\"pass\""]).await;
    assert!(!line.contains("granted="), "{line}");
    world.set("popauth.example", |_| Says::Silence);
    service.ask_about("192.0.2.9").await;
    service.logs(&["WARN", "a zone of grants could not tell", "popauth.example"]).await;
    let line = service.logs(&["decided", "action=\"pass\""]).await;
    assert!(line.contains("ungranted=\"popauth.example: no answer"), "{line}");
    grant(&world, &[]);
    service.ask_about("192.0.2.9").await;
    service.logs(&["INFO", "a zone of grants tells again"]).await;
    let text = metrics(&service).await;
    for (result, count) in [("granted", 1), ("none", 2), ("failed", 1)] {
        let sample = format!(
            "dnsbl_grant_lookups_total{{result=\"{result}\",zone=\"popauth.example\"}} {count}"
        );
        assert!(text.contains(&sample), "{sample}\n{text}");
    }
    assert!(text.contains("dnsbl_checks_total{action=\"permit\"} 1"), "{text}");
}

#[tokio::test]
async fn exim_gets_permit_as_its_action() {
    let (_, fake) = world(&["9.2.0.192"]).await;
    let service = Service::start(fake.addr, GRANTS).await;
    let asked = "ip=192.0.2.9 helo=\"mx.example.net\" sender=\"a@b.example\" auth=\"\"\n";
    assert_eq!(service.ask_line(asked).await, line("permit"));
    assert_eq!(service.ask_line("ip=192.0.2.9").await, line("permit"));
    assert_eq!(service.ask_line("ip=192.0.2.8\n").await, line("pass"));
}

fn line(action: &str) -> String {
    format!("action={action} score=0 zones=\"\" text=\"\"\n")
}

async fn metrics(service: &Service) -> String {
    let mut stream = TcpStream::connect(service.metrics.unwrap()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}
