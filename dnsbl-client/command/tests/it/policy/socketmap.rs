//! Lookups by the socketmap protocol.

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{Service, grants::grant, service::PATIENCE};
use crate::fake::{Fake, Says, World};

const CONFIG: &str = "socketmap-listen = [\"127.0.0.1:0\"]\ndeadline-ms = 2000\n";
const GRANTS: &str = "[[grant]]\nzone = \"popauth.example\"\n";

const FOUND: &str = "OK OK";
const NOT_FOUND: &str = "NOTFOUND ";

async fn world() -> (World, Fake) {
    let world = World::default();
    grant(
        &world,
        &["9.2.0.192", "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"],
    );
    let fake = world.serve().await;
    (world, fake)
}

async fn start(fake: &Fake) -> Service {
    Service::start(fake.addr, &format!("{CONFIG}{GRANTS}")).await
}

async fn connect(service: &Service) -> TcpStream {
    TcpStream::connect(service.socketmap.unwrap()).await.unwrap()
}

fn netstring(text: &str) -> String {
    format!("{}:{text},", text.len())
}

/// The text of the next netstring; `None` if the connection was closed.
async fn answer(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let read = async {
        let mut len = 0;
        loop {
            match stream.read_u8().await.ok()? {
                b':' => break,
                digit => len = 10 * len + usize::from(digit - b'0'),
            }
        }
        let mut text = vec![0; len + 1];
        stream.read_exact(&mut text).await.ok()?;
        assert_eq!(text.pop(), Some(b','));
        String::from_utf8(text).ok()
    };
    timeout(PATIENCE, read).await.unwrap()
}

async fn look_up(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), text: &str) -> String {
    stream.write_all(netstring(text).as_bytes()).await.unwrap();
    answer(stream).await.unwrap()
}

#[tokio::test]
async fn a_granted_address_is_in_the_map_and_nobody_else() {
    let (world, fake) = world().await;
    let service = start(&fake).await;
    let mut stream = connect(&service).await;
    for key in [
        "192.0.2.9",
        "[192.0.2.9]",
        "::ffff:192.0.2.9",
        "2001:db8::9",
        "[2001:db8::9]",
        "IPv6:2001:db8:0:0:0:0:0:9",
    ] {
        assert_eq!(look_up(&mut stream, &format!("popauth {key}")).await, FOUND, "{key}");
    }
    for key in ["192.0.2.8", "2001:db8::8", "10.0.0.1"] {
        assert_eq!(look_up(&mut stream, &format!("popauth {key}")).await, NOT_FOUND, "{key}");
    }
    grant(&world, &[]);
    assert_eq!(look_up(&mut stream, "popauth 192.0.2.9").await, NOT_FOUND);
    grant(&world, &["9.2.0.192"]);
    assert_eq!(look_up(&mut stream, "popauth 192.0.2.9").await, FOUND);
}

#[tokio::test]
async fn names_and_networks_are_answered_without_a_question() {
    let (_, fake) = world().await;
    let service = start(&fake).await;
    let mut stream = connect(&service).await;
    for key in ["mx.example.net", "example.net", "192.0.2", "192", "2001:db8", "unknown", ""] {
        assert_eq!(look_up(&mut stream, &format!("popauth {key}")).await, NOT_FOUND, "{key}");
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_map_is_a_zone_by_its_name_or_first_label_or_all_zones() {
    let (_, fake) = world().await;
    let two = "[[grant]]\nzone = \"other.example\"\n[[grant]]\nzone = \"popauth.example\"\ncontext = \"a\"\n";
    let mut service = Service::start(fake.addr, &format!("{CONFIG}{GRANTS}{two}")).await;
    let mut stream = connect(&service).await;
    for (map, expected) in [
        ("popauth", FOUND),
        ("popauth.example", FOUND),
        ("PopAuth", FOUND),
        ("grant", FOUND),
        ("other", NOT_FOUND),
        ("example", NOT_FOUND),
        ("", NOT_FOUND),
    ] {
        assert_eq!(look_up(&mut stream, &format!("{map} 192.0.2.9")).await, expected, "{map}");
    }
    service.logs(&["WARN", "map=\"example\"", "no zone of grants"]).await;
}

#[tokio::test]
async fn what_can_not_be_told_is_not_found_and_mail_goes_on() {
    let (world, fake) = world().await;
    let service = start(&fake).await;
    let mut stream = connect(&service).await;
    for says in [
        Says::Silence,
        Says::Codes(vec!["203.0.113.7"]),
        Says::Codes(vec!["127.0.0.10", "127.0.0.2"]),
        Says::Rcode(hickory_proto::op::ResponseCode::Refused),
    ] {
        let answer = says.clone();
        world.set("popauth.example", move |_| answer.clone());
        assert_eq!(look_up(&mut stream, "popauth 192.0.2.9").await, NOT_FOUND, "{says:?}");
    }
    world.set("popauth.example", |_| Says::Codes(vec!["127.0.0.10"]));
    assert_eq!(look_up(&mut stream, "popauth 192.0.2.9").await, NOT_FOUND);
}

#[tokio::test]
async fn lookups_byte_by_byte_and_pipelined_get_their_answers_in_order() {
    let (_, fake) = world().await;
    let service = start(&fake).await;
    let mut stream = connect(&service).await;
    stream.set_nodelay(true).unwrap();
    for byte in netstring("popauth 192.0.2.9").bytes() {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(answer(&mut stream).await.unwrap(), FOUND);
    let pair = netstring("popauth 192.0.2.9") + &netstring("popauth 192.0.2.8");
    stream.write_all(pair.repeat(50).as_bytes()).await.unwrap();
    for _ in 0..50 {
        assert_eq!(answer(&mut stream).await.unwrap(), FOUND);
        assert_eq!(answer(&mut stream).await.unwrap(), NOT_FOUND);
    }
}

#[tokio::test]
async fn what_is_no_lookup_gets_no_answer() {
    let (_, fake) = world().await;
    let service = start(&fake).await;
    let long = netstring(&format!("popauth {}", "9".repeat(1100)));
    for text in
        ["GET / HTTP/1.1\r\n\r\n", "17:popauth 192.0.2.9;", "7:popauth,", "999999999:", &long]
    {
        let mut stream = connect(&service).await;
        // It may hang up before all is sent.
        let _ = stream.write_all(text.as_bytes()).await;
        assert_eq!(answer(&mut stream).await, None, "{text:.60}");
    }
    let mut stream = connect(&service).await;
    assert_eq!(look_up(&mut stream, "popauth 192.0.2.9").await, FOUND);
}

#[tokio::test]
async fn connections_share_the_limit_with_those_of_requests() {
    let (_, fake) = world().await;
    let config = format!("{CONFIG}{GRANTS}[limits]\nconnections = 2\nidle-timeout = 300\n");
    let service = Service::start(fake.addr, &config).await;
    let mut first = connect(&service).await;
    assert_eq!(look_up(&mut first, "popauth 192.0.2.9").await, FOUND);
    let mut second = connect(&service).await;
    assert_eq!(look_up(&mut second, "popauth 192.0.2.9").await, FOUND);
    // One makes room: the first, unless the service is still at its answer, which may have come already.
    assert_eq!(service.ask_about("192.0.2.9").await, "permit");
    let closed = tokio::select! {
        closed = answer(&mut first) => closed,
        closed = answer(&mut second) => closed,
    };
    assert_eq!(closed, None);
}

#[tokio::test]
async fn it_listens_on_a_unix_socket_and_answers_nobody_in_shadow() {
    let (_, fake) = world().await;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("popauth.sock");
    let config = |shadow: bool| {
        format!("shadow = {shadow}\nsocketmap-listen = [\"unix:{}\"]\n{GRANTS}", path.display())
    };
    for (shadow, expected) in [(false, FOUND), (true, NOT_FOUND)] {
        let mut service = Service::start(fake.addr, &config(shadow)).await;
        let mut stream = UnixStream::connect(&path).await.unwrap();
        assert_eq!(look_up(&mut stream, "popauth 192.0.2.9").await, expected);
        let shadow = format!("shadow={shadow}");
        service.logs(&["decided", "map=\"popauth\"", "granted=\"popauth.example\"", &shadow]).await;
        service.child.kill().await.unwrap();
    }
}
