//! The API over TLS: whose certificate is shown, whose is believed, and that both are replaced while connections live.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use dnsbl_tests::{Finished, PATIENCE, Process, TestServer, eventually, fixtures, program};
use reqwest::{
    Certificate, Identity,
    blocking::{Client, ClientBuilder},
    tls::TlsInfo,
};
use tempfile::TempDir;

/// How long it may take until files that have changed are looked at.
const FOLLOWED: Duration = Duration::from_secs(60);

/// A server with TLS, whose files can be replaced.
struct Secured {
    server: TestServer,
    files: TempDir,
}

impl Secured {
    #[track_caller]
    fn start(lines: &str) -> Self {
        let files = TempDir::new().unwrap();
        install(files.path(), "server");
        let (certificate, key) = (files.path().join("c.pem"), files.path().join("k.pem"));
        let lines = format!("[http.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n{lines}");
        Self { server: TestServer::with_http_config(&lines), files }
    }

    fn addr(&self) -> SocketAddr {
        self.server.admin().url().strip_prefix("http://").unwrap().parse().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.addr())
    }

    /// A client that believes in the authority of our servers, and keeps its connection.
    fn client(&self) -> Client {
        believing().build().unwrap()
    }

    /// The name in the certificate that a client is shown.
    #[track_caller]
    fn shown(&self, client: &Client) -> &'static str {
        let response = client.get(self.url("/healthz")).send().unwrap();
        let info: &TlsInfo = response.extensions().get().unwrap();
        let certificate = info.peer_certificate().unwrap().to_vec();
        let is = |name: &str| der(&fs::read(fixtures::tls(name)).unwrap()) == certificate;
        response.bytes().unwrap();
        match (is("server.pem"), is("renewed.pem")) {
            (true, false) => "server",
            (false, true) => "renewed",
            _ => panic!("another certificate"),
        }
    }

    fn ctl(&self, words: &[&str]) -> Finished {
        let authority = fixtures::tls("authority.pem");
        self.ctl_with(&[&["--ca", authority.to_str().unwrap()], words].concat())
    }

    #[track_caller]
    fn ctl_with(&self, words: &[&str]) -> Finished {
        let mut command = Command::new(program("dnsblctl"));
        command.args(["--server", &self.url("")]).args(words);
        command.arg("--token-file").arg(self.server.data_dir().join("admin.token"));
        Process::run(&mut command).unwrap()
    }
}

fn believing() -> ClientBuilder {
    let authority = fs::read(fixtures::tls("authority.pem")).unwrap();
    let authority = Certificate::from_pem(&authority).unwrap();
    Client::builder().no_proxy().timeout(PATIENCE).tls_certs_only([authority]).tls_info(true)
}

fn identity(name: &str) -> Identity {
    let read = |end: &str| fs::read(fixtures::tls(&format!("{name}.{end}"))).unwrap();
    Identity::from_pem(&[read("pem"), read("key")].concat()).unwrap()
}

/// The only certificate of a PEM file.
fn der(pem: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(pem).unwrap();
    let base64: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let digit = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = base64.bytes().filter(|c| *c != b'=').map(digit).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}

/// Puts a certificate and its key where a server reads them, each by itself.
fn install(folder: &Path, name: &str) {
    fs::copy(fixtures::tls(&format!("{name}.pem")), folder.join("c.pem")).unwrap();
    fs::copy(fixtures::tls(&format!("{name}.key")), folder.join("k.pem")).unwrap();
}

#[test]
fn the_api_speaks_tls_to_who_believes_its_authority() {
    let secured = Secured::start("");
    let listed = secured.ctl(&["zone", "list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    // One that is not believed gets no token.
    let stranger = fixtures::tls("client-authority.pem");
    let refused = secured.ctl_with(&["--ca", stranger.to_str().unwrap(), "zone", "list"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let plain = Client::new().get(format!("http://{}/healthz", secured.addr())).send();
    assert!(plain.is_err(), "{plain:?}");
}

#[test]
fn options_for_tls_are_refused_where_there_is_none() {
    let server = TestServer::start();
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", server.admin().url(), "--ca"]).arg(fixtures::tls("authority.pem"));
    let refused = Process::run(command.arg("status")).unwrap();
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("https"), "{}", refused.stderr);
}

#[test]
fn a_certificate_is_followed_while_connections_live() {
    let secured = Secured::start("");
    let first = secured.client();
    assert_eq!(secured.shown(&first), "server");
    // Whoever renews it writes one file after the other.
    fs::copy(fixtures::tls("renewed.pem"), secured.files.path().join("c.pem")).unwrap();
    assert_eq!(secured.shown(&secured.client()), "server", "the pair is not whole");
    fs::copy(fixtures::tls("renewed.key"), secured.files.path().join("k.pem")).unwrap();
    eventually(FOLLOWED, || match secured.shown(&secured.client()) {
        "renewed" => Ok(()),
        other => Err(other),
    });
    assert_eq!(secured.shown(&first), "server", "its connection is as it was");
}

#[test]
fn a_reload_reads_certificates_at_once_and_bad_ones_change_nothing() {
    let secured = Secured::start("");
    install(secured.files.path(), "renewed");
    let reloaded = secured.ctl(&["reload"]);
    assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
    assert_eq!(secured.shown(&secured.client()), "renewed");
    fs::write(secured.files.path().join("k.pem"), "no key").unwrap();
    let refused = secured.ctl(&["reload"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("http.tls"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("no key\n"), "{}", refused.stderr);
    assert_eq!(secured.shown(&secured.client()), "renewed");
}

#[test]
fn a_server_without_a_whole_pair_does_not_start() {
    let mut secured = Secured::start("");
    secured.server.stop();
    fs::copy(fixtures::tls("renewed.key"), secured.files.path().join("k.pem")).unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    command.args(["run", "--config"]).arg(secured.server.config_file());
    let refused = Process::run(&mut command).unwrap();
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("http.tls"), "{}", refused.stderr);
}

#[test]
fn clients_show_certificates_of_the_authority_that_is_named() {
    let authority = fixtures::tls("client-authority.pem");
    for (how, may_lack) in [("required", false), ("optional", true)] {
        let lines = format!("client-ca = {authority:?}\nclient-certificates = \"{how}\"\n");
        let secured = Secured::start(&lines);
        let asks = |client: ClientBuilder| {
            client.build().unwrap().get(secured.url("/healthz")).send().is_ok()
        };
        assert!(asks(believing().identity(identity("client"))), "{how}");
        assert!(!asks(believing().identity(identity("stranger"))), "{how}");
        assert_eq!(asks(believing()), may_lack, "{how}");
        let pair = ["client.pem", "client.key"].map(fixtures::tls);
        let [certificate, key] = pair.each_ref().map(|file| file.to_str().unwrap());
        let shown = secured.ctl(&["--cert", certificate, "--key", key, "zone", "list"]);
        assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    }
}

#[test]
fn who_is_slow_to_shake_hands_keeps_nobody_waiting_and_is_given_up() {
    let secured = Secured::start("");
    let silent: Vec<TcpStream> =
        (0..200).map(|_| TcpStream::connect(secured.addr()).unwrap()).collect();
    // The beginning of a handshake, and no more.
    for mut stream in &silent {
        let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1]);
    }
    let client = secured.client();
    for _ in 0..5 {
        assert_eq!(secured.shown(&client), "server");
        assert_eq!(secured.shown(&secured.client()), "server");
    }
    let mut first = &silent[0];
    first.set_read_timeout(Some(3 * PATIENCE)).unwrap();
    // Closed, or reset since it had sent something.
    let ended = first.read(&mut [0]);
    assert!(
        matches!(ended, Ok(0))
            || ended.is_err_and(|err| err.kind() != std::io::ErrorKind::WouldBlock)
    );
}
