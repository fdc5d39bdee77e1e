//! Sockets, signals and figures.

use std::{fs, net::TcpListener, os::fd::OwnedFd, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    process::Command,
    time::timeout,
};

use super::{
    Service, request,
    service::{PATIENCE, reply},
};
use crate::fake::World;

const ZONE: &str =
    "check-special-use = true\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example\"\n";

async fn fake() -> crate::fake::Fake {
    let world = World::default();
    world.good("bl.example", &["9.2.0.192"]);
    world.serve().await
}

#[tokio::test]
async fn a_unix_socket_is_taken_over_from_a_killed_process() {
    let (fake, dir) = (fake().await, TempDir::new().unwrap());
    let path = dir.path().join("policy.sock");
    let config = format!(
        "version = \"v1\"\nlisten = [\"unix:{}\"]\nresolvers = [\"{}\"]\n{ZONE}",
        path.display(),
        fake.addr
    );
    fs::write(Service::config_file(&dir), config).unwrap();
    let file = Service::config_file(&dir);
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
        command.args(["policy", "--config"]).arg(&file);
        command
    };
    let mut first = Service::spawn(command(), TempDir::new().unwrap()).await;
    first.child.kill().await.unwrap();
    assert!(path.exists());
    let mut second = Service::spawn(command(), TempDir::new().unwrap()).await;
    second.up("bl.example").await;
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(request(&[("client_address", "192.0.2.9")]).as_bytes()).await.unwrap();
    assert!(reply(&mut stream).await.unwrap().starts_with("REJECT"));
}

#[tokio::test]
async fn sockets_of_systemd_take_the_place_of_those_in_the_configuration() {
    let (fake, dir) = (fake().await, TempDir::new().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let config = format!(
        "version = \"v1\"\nlisten = [\"127.0.0.1:1\"]\nresolvers = [\"{}\"]\n{ZONE}",
        fake.addr
    );
    fs::write(Service::config_file(&dir), config).unwrap();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" policy --config \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_dnsbl"))
        .arg(Service::config_file(&dir))
        .stdin(Stdio::from(OwnedFd::from(listener)));
    let mut service = Service::spawn(command, dir).await;
    assert_eq!(service.addr, addr);
    service.up("bl.example").await;
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
}

#[tokio::test]
async fn systemd_is_told_when_it_is_ready_and_when_it_stops() {
    let (fake, dir) = (fake().await, TempDir::new().unwrap());
    let path = dir.path().join("notify.sock");
    let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
    let config = format!(
        "version = \"v1\"\nlisten = [\"127.0.0.1:0\"]\nresolvers = [\"{}\"]\n{ZONE}",
        fake.addr
    );
    fs::write(Service::config_file(&dir), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
    command
        .args(["policy", "--config"])
        .arg(Service::config_file(&dir))
        .env("NOTIFY_SOCKET", &path);
    let mut service = Service::spawn(command, dir).await;
    let told = async |expected: &str| {
        let mut text = [0; 256];
        let len = timeout(PATIENCE, socket.recv(&mut text)).await.unwrap().unwrap();
        assert!(text[..len].starts_with(expected.as_bytes()), "{:?}", &text[..len]);
    };
    told("READY=1").await;
    terminate(&service).await;
    told("STOPPING=1").await;
    assert!(service.child.wait().await.unwrap().success());
}

async fn terminate(service: &Service) {
    let id = service.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
}

#[tokio::test]
async fn sigterm_lets_a_request_finish_and_closes_silent_connections() {
    let fake = fake().await;
    let mut service = Service::start(fake.addr, ZONE).await;
    service.up("bl.example").await;
    let mut silent = service.connect().await;
    let mut busy = service.connect().await;
    let text = request(&[("client_address", "192.0.2.9")]);
    let (head, tail) = text.split_at(40);
    // Once this is answered the service has taken both connections.
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
    busy.write_all(head.as_bytes()).await.unwrap();
    assert!(service.ask_about("192.0.2.9").await.starts_with("REJECT"));
    terminate(&service).await;
    let mut rest = Vec::new();
    timeout(PATIENCE, silent.read_to_end(&mut rest)).await.unwrap().unwrap();
    busy.write_all(tail.as_bytes()).await.unwrap();
    assert!(reply(&mut busy).await.unwrap().starts_with("REJECT"));
    assert!(timeout(PATIENCE, service.child.wait()).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn figures_are_shown_to_prometheus() {
    let fake = fake().await;
    let mut service =
        Service::start(fake.addr, &format!("metrics-listen = \"127.0.0.1:0\"\n{ZONE}")).await;
    service.up("bl.example").await;
    service.ask_about("192.0.2.9").await;
    service.ask_about("192.0.2.8").await;
    let mut stream = TcpStream::connect(service.metrics.unwrap()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    for line in [
        "dnsbl_checks_total{action=\"reject\"} 1",
        "dnsbl_checks_total{action=\"pass\"} 1",
        "dnsbl_zone_up{zone=\"bl.example\"} 1",
        "dnsbl_check_seconds_count 2",
        "dnsbl_lookups_total{status=\"listed\",zone=\"bl.example\"}",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn check_config_exits_0_or_1_and_names_line_and_key() {
    let dir = TempDir::new().unwrap();
    let check = async |text: &str| {
        fs::write(Service::config_file(&dir), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
        let output = command
            .args(["check-config", "--config"])
            .arg(Service::config_file(&dir))
            .output()
            .await
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(
        check(include_str!("../../../../../deploy/dnsbl-policy.toml")).await,
        (Some(0), String::new())
    );
    let (code, said) = check("version = \"v1\"\nlisten-on = 1\n").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("line 2: listen-on: "), "{said}");
}
