//! Nobody holds the places of others: 1,024 connections from one network, to each listener, and a stranger
//! is served within a second.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use dnsbl_tests::{
    Admin, PATIENCE, Process, Query, TcpClient, TestServer, TestZone, eventually, program,
};
use hickory_proto::rr::RecordType::A;
use serde_json::json;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// So many connections one network tries to hold.
const CROWD: usize = 1024;
/// So many of them it may by default.
const SHARE: usize = 128;
/// How soon a stranger is served.
const SOON: Duration = Duration::from_secs(1);
/// How often that is tried, as the machine may be busy with something else.
const TRIES: usize = 5;
/// How long a test in a network of its own may take.
const INSIDE: Duration = Duration::from_secs(180);
/// Set for a test that runs in a network of its own.
const NETWORK: &str = "DNSBL_TESTS_NETWORK";

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Both daemons with all their listeners on one address.
struct World {
    http: SocketAddr,
    dns: SocketAddr,
    receiver: SocketAddr,
    policy: SocketAddr,
    metrics: SocketAddr,
    _server: Process,
    _policy: Process,
    _dir: TempDir,
}

/// A listener, what a connection says first, and how its answer is read.
type Place = (SocketAddr, Vec<u8>, fn(TcpStream));

impl World {
    #[track_caller]
    fn start(ip: IpAddr) -> Self {
        dnsbl_daemon::descriptors::raise(16 * CROWD as u64);
        let dir = TempDir::new().unwrap();
        let any = SocketAddr::new(ip, 0);
        let data = dir.path().join("data");
        let config = format!(
            "version = \"v1\"\ndata-dir = \"{}\"\n[http]\nlisten = \"{any}\"\ninsecure = true\n[dns]\nlisten = [\"{any}\"]\n\
             [relay-tester]\nenabled = true\nzone = \"bl.example.org\"\nreceiver = \"{any}\"\n\
             probe-domain = \"probe.example.org\"\nehlo = \"relaytest.example.org\"\n\
             resolvers = [\"127.0.0.1:9\"]\n",
            data.display()
        );
        let server = run(&dir, "dnsbl-server", "run", &config);
        let (dns, http, receiver) = server
            .wait_for_line(PATIENCE * 6, |line| {
                let (dns, rest) = line.split_once("ready dns=")?.1.split_once(" http=")?;
                let (http, receiver) = rest.split_once(" receiver=")?;
                Some((dns.parse().ok()?, http.parse().ok()?, receiver.trim().parse().ok()?))
            })
            .unwrap();
        let token = fs::read_to_string(data.join("admin.token")).unwrap();
        let zone = json!({"kind": "ip", "ns": ["ns1.example.net."]});
        Admin::new(http, token.trim()).put("/v1/zones/bl.example.org", &zone).expect(201);
        let config = format!(
            "version = \"v1\"\nlisten = [\"{any}\"]\nmetrics-listen = \"{any}\"\nresolvers = [\"{dns}\"]\n\
             [limits]\nconnections = 512\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example.org\"\n"
        );
        let policy = run(&dir, "dnsbl", "policy", &config);
        let (policy_addr, metrics) = policy
            .wait_for_line(PATIENCE * 6, |line| {
                let rest = line.split_once("ready listen=")?.1;
                let (policy, metrics) = rest.split_once(" metrics=")?;
                Some((policy.parse().ok()?, metrics.trim().parse().ok()?))
            })
            .unwrap();
        Self {
            http,
            dns,
            receiver,
            policy: policy_addr,
            metrics,
            _server: server,
            _policy: policy,
            _dir: dir,
        }
    }

    /// The listeners, what somebody says who holds a place there, and how a stranger is served.
    fn listeners(&self) -> [Place; 5] {
        [
            (self.http, HEALTH.to_vec(), is_healthy),
            (self.dns, TcpClient::frame(&test_entry().bytes()), is_answered),
            (self.receiver, b"EHLO a.example\r\n".to_vec(), is_greeted),
            (self.policy, b"request=smtpd_access_policy\n".to_vec(), is_decided),
            (self.metrics, b"GET /metrics HTTP/1.1\r\n".to_vec(), has_metrics),
        ]
    }

    /// Holds what can be held of each listener from these addresses, and looks how strangers fare.
    #[track_caller]
    fn withstands(&self, crowd: &[IpAddr], stranger: IpAddr) {
        for (listener, hello, is_served) in self.listeners() {
            let mut crowd = Crowd::come(crowd, listener, &hello);
            for _ in 0..2 {
                is_served_soon(stranger, listener, is_served);
                crowd.say(&hello);
            }
        }
    }
}

fn run(dir: &TempDir, name: &str, command: &str, config: &str) -> Process {
    let file = dir.path().join(format!("{name}.toml"));
    fs::write(&file, config).unwrap();
    start(&file, name, command)
}

fn start(config: &Path, name: &str, command: &str) -> Process {
    Process::start(Command::new(program(name)).args([command, "--config"]).arg(config)).unwrap()
}

fn test_entry() -> Query {
    Query::new("2.0.0.127.bl.example.org", A)
}

/// Connections that are opened to be held.
struct Crowd(Vec<TcpStream>);

impl Crowd {
    fn come(from: &[IpAddr], to: SocketAddr, hello: &[u8]) -> Self {
        let connections = (0..CROWD).map(|i| connect(from[i % from.len()], to));
        let mut crowd = Self(connections.collect());
        crowd.0.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
        crowd.say(hello);
        crowd
    }

    /// How many have kept their connection.
    fn count_open(&self) -> usize {
        let is_open = |stream: &&TcpStream| loop {
            match (&mut &**stream).read(&mut [0; 512]) {
                Ok(1..) => {}
                Ok(0) => return false,
                Err(err) => return err.kind() == std::io::ErrorKind::WouldBlock,
            }
        };
        self.0.iter().filter(is_open).count()
    }

    /// Each says something; some have lost their connection.
    fn say(&mut self, hello: &[u8]) {
        for stream in &mut self.0 {
            let _ = stream.write(hello);
        }
    }
}

/// Where it takes HTTP.
fn http_of(server: &TestServer) -> SocketAddr {
    server.admin().url().trim_start_matches("http://").parse().unwrap()
}

#[track_caller]
fn connect(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect_timeout(&to.into(), PATIENCE).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Somebody is served each time, and soon at least once in a few times.
#[track_caller]
fn is_served_soon(from: IpAddr, to: SocketAddr, is_served: fn(TcpStream)) {
    let times = (0..TRIES).map(|_| {
        let began = Instant::now();
        is_served(connect(from, to));
        began.elapsed()
    });
    let times: Vec<Duration> = times.collect();
    assert!(times.iter().any(|took| *took < SOON), "{to}: {times:?}");
}

#[track_caller]
fn says(stream: &mut TcpStream, wanted: &str) {
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&said).contains(wanted) {
        match stream.read(&mut piece) {
            Ok(len @ 1..) => said.extend_from_slice(&piece[..len]),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&said)),
        }
    }
}

fn is_healthy(mut stream: TcpStream) {
    stream.write_all(HEALTH).unwrap();
    says(&mut stream, "HTTP/1.1 200 OK");
}

fn is_answered(mut stream: TcpStream) {
    stream.write_all(&TcpClient::frame(&test_entry().bytes())).unwrap();
    // Length and header: an answer with one record.
    let mut head = [0; 14];
    stream.read_exact(&mut head).unwrap();
    assert_eq!((head[5] & 0x0f, head[9]), (0, 1), "{head:?}");
}

fn is_greeted(mut stream: TcpStream) {
    says(&mut stream, "220 ");
    stream.write_all(b"NOOP\r\n").unwrap();
    says(&mut stream, "250 ");
}

fn is_decided(mut stream: TcpStream) {
    stream.write_all(b"request=smtpd_access_policy\n\n").unwrap();
    says(&mut stream, "action=");
}

fn has_metrics(mut stream: TcpStream) {
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    says(&mut stream, "dnsbl_policy_connections");
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Runs this test again in a network of its own, where these addresses are its own too. True inside.
#[track_caller]
fn enter_network(test: &str, addresses: &[&str]) -> bool {
    const ENTER: &str = r#"
set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
for address in $1; do ip -6 address add "$address/128" dev lo nodad; done
shift
exec "$@"
"#;
    if env::var_os(NETWORK).is_some() {
        return true;
    }
    let root = Process::run(Command::new("id").arg("-u")).unwrap().stdout.trim() == "0";
    let user: &[&str] = if root { &[] } else { &["--user", "--map-root-user"] };
    let mut command = Command::new("unshare");
    command.args(user).args(["--net", "sh", "-c", ENTER, "enter", &addresses.join(" ")]);
    command.arg(env::current_exe().unwrap()).args([test, "--exact", "--nocapture"]);
    let inside = Process::start(command.env(NETWORK, "1")).unwrap().wait(INSIDE).unwrap();
    assert_eq!(inside.code, Some(0), "{}\n{}", inside.stdout, inside.stderr);
    assert!(inside.stdout.contains("1 passed"), "{}", inside.stdout);
    false
}

/// Security review, M1 and M2.
#[test]
fn a_thousand_connections_of_one_address_leave_room_for_strangers() {
    let world = World::start(ip("127.0.0.1"));
    world.withstands(&[ip("127.0.0.2")], ip("127.0.0.200"));
}

/// Security review, M1: the script asks from the address that holds the places.
#[test]
fn who_holds_all_places_of_its_address_is_served_himself() {
    let world = World::start(ip("127.0.0.1"));
    for (listener, hello, is_served) in world.listeners() {
        let _crowd = Crowd::come(&[ip("127.0.0.3")], listener, &hello);
        // What was only begun is asked for anew.
        if listener != world.policy {
            is_served_soon(ip("127.0.0.3"), listener, is_served);
        }
    }
}

/// Security review, M2.
#[test]
fn eight_addresses_of_one_64_leave_room_for_strangers() {
    let crowd = ["fd00:0:0:1::1", "fd00:0:0:1::2", "fd00:0:0:1::3", "fd00:0:0:1::4"];
    let more = ["fd00:0:0:1::5", "fd00:0:0:1::6", "fd00:0:0:1::7", "fd00:0:0:1:ffff::8"];
    let others = ["fd00:0:0:2::1", "fd00:0:0:3::1"];
    let addresses = [&crowd[..], &more, &others].concat();
    let test = "places::eight_addresses_of_one_64_leave_room_for_strangers";
    if enter_network(test, &addresses) {
        let world = World::start(ip(others[0]));
        let crowd: Vec<IpAddr> = crowd.iter().chain(&more).map(|text| ip(text)).collect();
        world.withstands(&crowd, ip(others[1]));
        // One network has its share however many addresses it comes from.
        let crowd = Crowd::come(&crowd, world.dns, &TcpClient::frame(&test_entry().bytes()));
        eventually(PATIENCE, || match crowd.count_open() {
            open if open <= SHARE => Ok(()),
            open => Err(open),
        });
    }
}

/// Security review, M1: `http_slow_read.py`.
#[test]
fn answers_that_nobody_reads_hold_no_place_against_others() {
    let world = World::start(ip("127.0.0.1"));
    let unread = b"GET /v1/zones HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    let mut crowd = Crowd::come(&[ip("127.0.0.2")], world.http, &unread);
    for _ in 0..3 {
        crowd.say(&unread);
        is_served_soon(ip("127.0.0.200"), world.http, is_healthy);
        is_served_soon(ip("127.0.0.2"), world.http, is_healthy);
    }
}

/// Imports that are under way, as many as one token may have, and what one more was answered.
#[track_caller]
fn imports_under_way(
    server: &TestServer,
    zone: &TestZone,
    token: &str,
    most: usize,
) -> (Vec<TcpStream>, String) {
    // Each goes on until it has its last chunk.
    let begin = |source| {
        let mut stream = connect(ip("127.0.0.1"), http_of(server));
        let path = format!("{}/import?format=plain&source=s{source}", zone.path());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut imports: Vec<TcpStream> = (0..=most).map(begin).collect();
    let is_answered = |stream: &TcpStream| matches!(stream.peek(&mut [0]), Ok(1..));
    let refused = eventually(PATIENCE, || imports.iter().position(is_answered).ok_or("none"));
    let mut said = [0; 4096];
    let len = imports.remove(refused).read(&mut said).unwrap();
    imports.iter().for_each(|stream| stream.set_nonblocking(false).unwrap());
    (imports, String::from_utf8_lossy(&said[..len]).into_owned())
}

/// What is under way goes on while others of the same address come and go.
#[test]
fn a_slow_import_and_a_long_poll_outlive_a_crowd() {
    dnsbl_daemon::descriptors::raise(16 * CROWD as u64);
    let server = TestServer::start();
    let (zone, token, http) = (server.ip_zone(json!({})), server.admin().token(), http_of(&server));
    let head =
        server.admin().get("/v1/changes").expect(200).lines().last().unwrap()["next"].clone();
    let mut poll = connect(ip("127.0.0.1"), http);
    let question = format!(
        "GET /v1/changes?after={head}&wait=60 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    poll.write_all(question.as_bytes()).unwrap();
    let (mut imports, refused) = imports_under_way(&server, &zone, token, 2);
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    for row in 1..=5 {
        for import in &mut imports {
            write!(import, "a\r\n192.0.2.{row}\n\r\n").unwrap();
        }
        let mut crowd = Crowd::come(&[ip("127.0.0.1")], http, HEALTH);
        crowd.say(HEALTH);
    }
    for import in &mut imports {
        import.write_all(b"0\r\n\r\n").unwrap();
        says(import, "HTTP/1.1 200 OK");
    }
    says(&mut poll, "\"op\":\"import\"");
    zone.check([("5.2.0.192", A, dnsbl_tests::Answer::listed())]);
}

/// The holder of a small scope leaves slots for others.
#[test]
fn no_token_can_have_all_slots_for_imports() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let mint = |name: &str| {
        let scopes = json!({"name": name, "scopes": ["imports:write", "sources:all"]});
        let minted = server.admin().post("/v1/tokens", &scopes).expect(201).json();
        minted["token"].as_str().unwrap().to_owned()
    };
    let (greedy, other) = (mint("greedy"), server.admin().with_token(&mint("other")));
    let (mut held, refused) = imports_under_way(&server, &zone, &greedy, 2);
    assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("retry-after: "), "{refused}");
    let path = format!("{}/import?format=plain", zone.path());
    other.post_bytes(&path, "192.0.2.10\n").expect(200);
    for import in &mut held {
        import.write_all(b"a\r\n192.0.2.1\n\r\n0\r\n\r\n").unwrap();
        says(import, "HTTP/1.1 200 OK");
    }
}

#[test]
fn as_many_imports_are_under_way_as_the_configuration_says() {
    let server = TestServer::with_http_config("imports = 10\n");
    let (zone, token) = (server.ip_zone(json!({})), server.admin().token());
    let (imports, refused) = imports_under_way(&server, &zone, token, 5);
    assert!(refused.contains("5 imports of this token"), "{refused}");
    assert_eq!(imports.len(), 5);
}

/// Durability, F4.
#[test]
fn connections_leave_the_store_the_files_that_it_needs() {
    dnsbl_daemon::descriptors::raise(16 * CROWD as u64);
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("server.toml");
    let data = dir.path().join("data");
    let text = format!(
        "version = \"v1\"\ndata-dir = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n",
        data.display()
    );
    fs::write(&file, text).unwrap();
    // Both limits: it can't be raised.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 1024; exec \"$@\"", "limited"]);
    command.arg(program("dnsbl-server")).args(["run", "--config"]).arg(&file);
    let server = Process::start(&mut command).unwrap();
    let (dns, http): (SocketAddr, SocketAddr) = server
        .wait_for_line(PATIENCE * 6, |line| {
            let (dns, http) = line.split_once("ready dns=")?.1.split_once(" http=")?;
            Some((dns.parse().ok()?, http.trim().parse().ok()?))
        })
        .unwrap();
    let token = fs::read_to_string(data.join("admin.token")).unwrap();
    let admin = Admin::new(http, token.trim());
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."]});
    admin.put("/v1/zones/bl.example.org", &zone).expect(201);
    let sources: Vec<IpAddr> = (2..=10).map(|last| ip(&format!("127.0.0.{last}"))).collect();
    let hello = TcpClient::frame(&test_entry().bytes());
    let mut crowd = Crowd::come(&sources, dns, &hello);
    for i in 0..50 {
        crowd.say(&hello);
        let path = format!("/v1/zones/bl.example.org/listings/192.0.2.{i}");
        admin.put(&path, &json!({})).expect(201);
        let rows = format!("/v1/zones/bl.example.org/import?format=plain&source=s{i}");
        admin.post_bytes(&rows, format!("198.51.100.{i}\n")).expect(200);
    }
    admin.get("/readyz").expect(200);
    is_served_soon(ip("127.0.0.200"), dns, is_answered);
}

/// So many connections wait for something, from many addresses.
const IDLE: usize = 10_000;

/// Half of them say nothing at all, the others promise a body that does not come.
#[test]
fn ten_thousand_idle_connections_leave_dns_and_requests_working() {
    // The server's open files have a limit of their own; the test holds one for each connection.
    dnsbl_daemon::descriptors::raise(2 * IDLE as u64);
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let http = http_of(&server);
    let promise = format!(
        "PUT {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{",
        zone.listing_path("192.0.2.200"),
        server.admin().token()
    );
    let mut idle = Vec::new();
    for number in 0..IDLE {
        // A hundred each, of networks of which none is the one that asks below.
        let from = IpAddr::from([127, 1, (number / 100) as u8, 1]);
        let (to, says) = match number % 4 {
            0 => (http, ""),
            1 => (http, promise.as_str()),
            2 => (server.dns(), ""),
            _ => (server.dns(), "\0"),
        };
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
        socket.connect_timeout(&to.into(), PATIENCE).unwrap();
        let mut stream = TcpStream::from(socket);
        // It may have lost its place to another one.
        let _ = stream.write(says.as_bytes());
        idle.push(stream);
    }
    for number in 1..=20 {
        let subject = format!("192.0.2.{number}");
        zone.list(&subject);
        assert_eq!(zone.ask_address(&subject, A), dnsbl_tests::Answer::listed());
        is_served_soon(ip("127.0.0.1"), http, is_healthy);
    }
    let reply = TcpClient::ask_all(server.dns(), &[zone.below("1.2.0.192")], A);
    assert_eq!(reply, [dnsbl_tests::Answer::listed()]);
    server.admin().get(&zone.listing_path("192.0.2.200")).expect_problem(404);
    drop(idle);
}
