//! A server that can't start says why and exits 1; one that is told to stop exits 0.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use dnsbl_tests::{Answer, Finished, Process, Query, TestServer, TestZone, Transport, program};
use hickory_proto::rr::RecordType::A;
use serde_json::json;
use tempfile::TempDir;

/// Runs `dnsbl-server COMMAND --config FILE` to its end.
#[track_caller]
fn run(command: &str, config: &Path) -> Finished {
    let mut server = Command::new(program("dnsbl-server"));
    Process::run(server.arg(command).arg("--config").arg(config)).unwrap()
}

/// It fails with 1 and names all of these.
#[track_caller]
fn fails(done: &Finished, named: &[&str]) {
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    for word in named {
        assert!(done.stderr.contains(word), "{word:?} is not named in: {}", done.stderr);
    }
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
}

/// A configuration file with these lines in front of the tables.
fn config(dir: &TempDir, dns: &str, http: &str) -> PathBuf {
    let file = dir.path().join("test.toml");
    let data = dir.path().join("data");
    let text = format!(
        "version = \"v1\"\ndata-dir = \"{}\"\n[dns]\nlisten = [\"{dns}\"]\n[http]\nlisten = \"{http}\"\n",
        data.display()
    );
    fs::write(&file, text).unwrap();
    file
}

const ANY_PORT: &str = "127.0.0.1:0";

#[test]
fn a_bad_configuration_is_told_with_line_and_key() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("test.toml");
    for (text, named) in [
        ("version = \"v1\"\ndata-dir = \"x\"\ncolour = \"red\"\n", &["line 3", "colour"][..]),
        ("version = \"v1\"\ndata-dir = \"x\"\n[dns]\nlisten-on = []\n", &["line 4", "listen-on"]),
        (
            "version = \"v1\"\ndata-dir = \"x\"\n\n[dns]\nlisten = [\"nowhere\"]\n",
            &["line 5", "listen"],
        ),
        ("version = \"v1\"\ndata-dir = \"x\"\n[http]\nlisten = 80\n", &["line 4", "listen"]),
        ("version = \"v1\"\n", &["data-dir"]),
        ("version = \"v9\"\ndata-dir = \"x\"\n", &["line 1", "version"]),
        ("version = \"v1\"\ndata-dir = \"x\n", &["line 2"]),
    ] {
        fs::write(&file, text).unwrap();
        for command in ["check-config", "run"] {
            fails(&run(command, &file), named);
        }
    }
    fs::write(&file, "version = \"v1\"\ndata-dir = \"x\"\n").unwrap();
    assert_eq!(run("check-config", &file).code, Some(0));
    fails(&run("check-config", &dir.path().join("absent.toml")), &["absent.toml"]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let dir = TempDir::new().unwrap();
    let tcp = TcpListener::bind(ANY_PORT).unwrap();
    let udp = UdpSocket::bind(ANY_PORT).unwrap();
    for taken in [tcp.local_addr().unwrap(), udp.local_addr().unwrap()] {
        let taken = taken.to_string();
        fails(&run("run", &config(&dir, &taken, ANY_PORT)), &[&taken]);
    }
    let taken = tcp.local_addr().unwrap().to_string();
    fails(&run("run", &config(&dir, ANY_PORT, &taken)), &[&taken]);
}

#[test]
fn the_port_of_a_running_server_is_taken() {
    let server = TestServer::start();
    let dir = TempDir::new().unwrap();
    let taken = server.dns().to_string();
    fails(&run("run", &config(&dir, &taken, ANY_PORT)), &[&taken]);
}

#[test]
fn a_second_server_on_the_same_data_does_not_start_and_harms_nothing() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let holder = server.id().to_string();
    fails(&run("run", &server.config_file()), &["lock", &holder]);
    let mut create = Command::new(program("dnsbl-server"));
    create.args(["token", "create", "--name", "x", "--config"]);
    create.arg(server.config_file());
    fails(&Process::run(&mut create).unwrap(), &["lock", &holder]);
    zone.list("192.0.2.1");
    zone.check([("1.2.0.192", A, Answer::listed())]);
}

#[test]
fn a_data_folder_that_can_not_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = config(&dir, ANY_PORT, ANY_PORT);
    // A file stands in its way; no permission is needed for that to fail.
    fs::write(dir.path().join("data"), "in the way").unwrap();
    let data = dir.path().join("data").display().to_string();
    fails(&run("run", &file), &[&data]);
}

#[test]
fn a_token_file_that_can_not_be_written_is_named_and_the_next_start_makes_it() {
    let dir = TempDir::new().unwrap();
    let file = config(&dir, ANY_PORT, ANY_PORT);
    let token = dir.path().join("data/admin.token");
    // A folder with something in it, which no file can replace.
    fs::create_dir_all(token.join("x")).unwrap();
    // Several times: the store is open by then, and must be closed in order on the way out.
    for _ in 0..20 {
        fails(&run("run", &file), &["admin.token"]);
    }
    fs::remove_dir_all(&token).unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    let server = Process::start(command.args(["run", "--config"]).arg(&file)).unwrap();
    let ready = |line: &str| line.contains("ready dns=").then_some(());
    server.wait_for_line(dnsbl_tests::PATIENCE, ready).unwrap();
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Every file below a folder and what is in it, but for RocksDB's lock and messages.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path));
        } else if name != "LOCK" && !name.starts_with("LOG") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Durability F1.
#[test]
fn a_store_without_current_is_refused_as_it_is_and_recovered_when_told_to() {
    let mut server = TestServer::start();
    let origin = {
        let zone = server.ip_zone(json!({}));
        zone.list("192.0.2.1");
        zone.origin().to_owned()
    };
    // Started twice, so that some of it is in tables.
    server.stop();
    server.start_again();
    TestZone::at(&server, &origin).list("192.0.2.2");
    server.stop();
    fs::remove_file(server.data_dir().join("store/CURRENT")).unwrap();
    let before = files(&server.data_dir());
    for _ in 0..2 {
        fails(
            &run("run", &server.config_file()),
            &["CURRENT", "nothing was created or removed", "recover"],
        );
        let looked = run("recover", &server.config_file());
        assert_eq!(looked.code, Some(0), "{}", looked.stderr);
        for word in ["CURRENT", &format!("zone {origin}: 2 rows of 2"), "--apply"] {
            assert!(looked.stdout.contains(word), "{word:?} is not in {}", looked.stdout);
        }
        assert_eq!(files(&server.data_dir()), before, "nothing was changed");
    }
    let mut recover = Command::new(program("dnsbl-server"));
    recover.args(["recover", "--apply", "--config"]).arg(server.config_file());
    let done = Process::run(&mut recover).unwrap();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("store.damaged-"), "{}", done.stdout);
    server.start_again();
    let zone = TestZone::at(&server, &origin);
    zone.check([("1.2.0.192", A, Answer::listed()), ("2.2.0.192", A, Answer::listed())]);
}

/// Durability F1: a token that is there tells of a store that is not.
#[test]
fn a_token_without_a_store_is_not_replaced() {
    let mut server = TestServer::start();
    server.stop();
    fs::remove_dir_all(server.data_dir().join("store")).unwrap();
    let before = files(&server.data_dir());
    fails(&run("run", &server.config_file()), &["admin.token", "store"]);
    fails(&run("recover", &server.config_file()), &["there is no store"]);
    assert_eq!(files(&server.data_dir()), before);
}

/// Durability F4: "locked" is said of locks only.
#[test]
fn a_process_that_may_open_no_more_files_does_not_speak_of_a_lock() {
    let mut server = TestServer::start();
    server.stop();
    for limit in [8, 10, 12, 14, 16, 20] {
        let mut create = Command::new("prlimit");
        create.arg(format!("--nofile={limit}:{limit}")).arg(program("dnsbl-server"));
        create.args(["token", "create", "--name", &format!("x{limit}"), "--config"]);
        create.arg(server.config_file());
        let done = Process::run(&mut create).unwrap();
        assert!(!done.stderr.contains("lock"), "{limit}: {}", done.stderr);
        if done.code != Some(0) {
            assert!(done.stderr.contains("open files"), "{limit}: {}", done.stderr);
        }
    }
    server.start_again();
}

#[test]
fn a_server_that_is_told_to_stop_exits_0_and_keeps_everything() {
    let mut server = TestServer::start();
    let origin = {
        let zone = server.ip_zone(json!({}));
        zone.list("192.0.2.1");
        zone.origin().to_owned()
    };
    for _ in 0..3 {
        server.stop();
        server.start_again();
        let name = format!("1.2.0.192.{origin}");
        for transport in Transport::BOTH {
            let reply = Query::new(&name, A).ask(server.dns(), transport);
            assert_eq!(Answer::of(&reply), Answer::listed());
        }
    }
}

#[test]
fn a_server_stops_while_clients_hang_on() {
    let mut server = TestServer::start();
    let mut dns = dnsbl_tests::TcpClient::connect(server.dns()).unwrap();
    dns.send_raw(&[0]).unwrap();
    let http: SocketAddr = server.admin().url().trim_start_matches("http://").parse().unwrap();
    let mut half_a_request = std::net::TcpStream::connect(http).unwrap();
    std::io::Write::write_all(&mut half_a_request, b"PUT /v1/zones/x HTTP/1.1\r\n").unwrap();
    let waiting = server.admin().request(reqwest::Method::GET, "/v1/changes?after=0&wait=60");
    std::thread::scope(|scope| {
        scope.spawn(|| drop(waiting.send()));
        server.stop();
    });
}

#[test]
fn it_listens_on_several_addresses_of_both_families() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("test.toml");
    let text = format!(
        "version = \"v1\"\ndata-dir = \"{}\"\n[dns]\nlisten = [\"127.0.0.1:0\", \"[::1]:0\"]\n[http]\nlisten = \"[::1]:0\"\n",
        dir.path().join("data").display()
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    let server = Process::start(command.args(["run", "--config"]).arg(&file)).unwrap();
    let addresses = server.wait_for_line(dnsbl_tests::PATIENCE, |line| {
        let (dns, http) = line.split_once("ready dns=")?.1.split_once(" http=")?;
        let dns: Option<Vec<SocketAddr>> = dns.split(',').map(|addr| addr.parse().ok()).collect();
        Some((dns?, http.split_whitespace().next()?.parse::<SocketAddr>().ok()?))
    });
    let (dns, http) = addresses.unwrap();
    assert_eq!(dns.iter().map(SocketAddr::is_ipv6).collect::<Vec<_>>(), [false, true]);
    assert!(http.is_ipv6());
    for addr in dns {
        for transport in Transport::BOTH {
            let reply = Query::new("example.org", A).ask(addr, transport);
            assert_eq!(Answer::of(&reply), Answer::Refused);
        }
    }
}
