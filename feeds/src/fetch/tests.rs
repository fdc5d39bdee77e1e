//! Servers that are not what they should be: none does harm.

use std::{io::Read as _, path::Path, sync::Arc, time::Duration};

use async_compression::tokio::bufread::{GzipEncoder, ZstdEncoder};
use dnsbl_formats::Format;
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    },
};

use super::{FetchError, FetchLimits, Fetched, Fetcher};
use crate::{Body, Feed, Origin, Share, content::Content};

/// How long nothing may come in tests of that.
const SHORT: Duration = Duration::from_millis(200);

/// A server that reads a request head and answers with what it is told; the connection stays open as long as the answer
/// says.
struct Server {
    url: String,
    requests: mpsc::Receiver<String>,
}

/// What a server sends, and whether it then says nothing for ever.
#[derive(Clone)]
struct Answer {
    bytes: Vec<u8>,
    stalls: bool,
}

fn answer(head: &str, body: &[u8]) -> Answer {
    let mut bytes = format!("HTTP/1.1 {head}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Answer { bytes, stalls: false }
}

fn ok(headers: &str, body: &[u8]) -> Answer {
    answer(&format!("200 OK\r\nContent-Length: {}{headers}", body.len()), body)
}

impl Server {
    async fn start(answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tx, requests) = mpsc::channel(100);
        let answers = Arc::new(answers);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(serve(stream, answers.clone(), tx.clone()));
            }
        });
        Self { url, requests }
    }

    /// One that says the same to everybody.
    async fn saying(answer: Answer) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    fn feed(&self, path: &str) -> Feed {
        feed(&format!("{}{path}", self.url))
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Arc<impl Fn(&str) -> Answer>,
    tx: mpsc::Sender<String>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let answer = answers(&head);
    tx.send(head).await.unwrap();
    if stream.write_all(&answer.bytes).await.is_ok() && answer.stalls {
        std::future::pending::<()>().await;
    }
}

fn feed(url: &str) -> Feed {
    Feed {
        name: "f".parse().unwrap(),
        zone: "bl.example.org".parse().unwrap(),
        source: "f".parse().unwrap(),
        origin: Origin::Url(url.parse().unwrap()),
        format: Format::Auto,
        every: 3600,
        max_removed: Share::FIFTH,
        max_rejected: Share::TWENTIETH,
        expires_in: None,
        lifted: Vec::new(),
        allow_private: true,
    }
}

fn fetcher(folder: &Path, limits: FetchLimits) -> Fetcher {
    Fetcher::new(folder.join("spool"), limits, Vec::new())
}

async fn fetch_with(
    limits: FetchLimits,
    feed: &Feed,
    known: Option<&Content>,
) -> Result<Option<(String, Content)>, FetchError> {
    let dir = TempDir::new().unwrap();
    let fetched = fetcher(dir.path(), limits).fetch(feed, known, None).await?;
    assert_eq!(std::fs::read_dir(dir.path().join("spool")).unwrap().count(), 0);
    Ok(match fetched {
        Fetched::Same => None,
        Fetched::Bodies(mut bodies, content) => {
            assert_eq!(bodies.len(), 1);
            let Body { name, mut file } = bodies.remove(0);
            assert_eq!(name, None);
            let mut text = Vec::new();
            file.read_to_end(&mut text).unwrap();
            assert_eq!(text.len() as u64, content.bytes);
            Some((String::from_utf8_lossy(&text).into_owned(), content))
        }
    })
}

async fn fetch(feed: &Feed) -> Result<Option<(String, Content)>, FetchError> {
    fetch_with(FetchLimits::default(), feed, None).await
}

/// The word for why a feed can't be fetched.
async fn word(limits: FetchLimits, feed: &Feed) -> String {
    let fetched = fetch_with(limits, feed, None).await;
    let err = fetched.map(|fetched| fetched.map(|(text, _)| text)).unwrap_err();
    assert!(!err.to_string().contains("secret"), "{err}");
    err.word().to_owned()
}

fn impatient() -> FetchLimits {
    FetchLimits { read: SHORT, ..FetchLimits::default() }
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    GzipEncoder::new(bytes).read_to_end(&mut packed).await.unwrap();
    packed
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let mut server = Server::start(|request| match request.contains("if-none-match: \"v1\"") {
        true => answer("304 Not Modified\r\nETag: \"v1\"", b""),
        false => {
            ok("\r\nETag: \"v1\"\r\nLast-Modified: Mon, 05 Jan 2026 00:00:00 GMT", b"192.0.2.1\n")
        }
    })
    .await;
    let feed = server.feed("/list.txt?key=secret");
    let (text, content) = fetch(&feed).await.unwrap().unwrap();
    assert_eq!(text, "192.0.2.1\n");
    let first = server.requests.recv().await.unwrap();
    assert!(first.starts_with("get /list.txt?key=secret http/1.1\r\n"), "{first}");
    assert!(first.contains("accept-encoding: gzip, zstd") && !first.contains("if-"), "{first}");
    let again = fetch_with(FetchLimits::default(), &feed, Some(&content)).await.unwrap();
    assert_eq!(again.map(|(text, _)| text), None);
    let second = server.requests.recv().await.unwrap();
    assert!(second.contains("if-modified-since: mon, 05 jan 2026"), "{second}");
}

#[tokio::test]
async fn what_is_packed_is_unpacked_once_however_that_is_told() {
    let list = b"192.0.2.1\n192.0.2.2\n";
    let packed = gzip(list).await;
    let mut zstd = Vec::new();
    ZstdEncoder::new(&list[..]).read_to_end(&mut zstd).await.unwrap();
    for (headers, body) in [
        ("\r\nContent-Encoding: gzip", &packed),
        ("\r\nContent-Encoding: zstd", &zstd),
        ("\r\nContent-Type: application/gzip", &packed),
        ("", &zstd),
    ] {
        let server = Server::saying(ok(headers, body)).await;
        let (text, _) = fetch(&server.feed("/")).await.unwrap().unwrap();
        assert_eq!(text.as_bytes(), list, "{headers}");
    }
    let twice = Server::saying(ok("\r\nContent-Encoding: gzip", &gzip(&packed).await)).await;
    let (text, _) = fetch(&twice.feed("/")).await.unwrap().unwrap();
    assert!(text.starts_with('\u{1f}'), "the importer refuses it");
    let unknown = Server::saying(ok("\r\nContent-Encoding: br", &packed)).await;
    assert_eq!(word(FetchLimits::default(), &unknown.feed("/")).await, "packed");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_list() {
    let packed = gzip(&b"192.0.2.1\n".repeat(1000)).await;
    let half = &packed[..packed.len() / 2];
    for answer in [
        answer("200 OK\r\nContent-Length: 100", b"192.0.2.1\n"),
        answer("200 OK\r\nTransfer-Encoding: chunked", b"a\r\n192.0.2.1\n\r\n"),
        answer("200 OK\r\nTransfer-Encoding: chunked", b"zz\r\n192.0.2.1\n\r\n0\r\n\r\n"),
        ok("\r\nContent-Encoding: gzip", half),
        ok("\r\nContent-Encoding: gzip", b"192.0.2.1\n"),
    ] {
        let server = Server::saying(answer.clone()).await;
        let shown = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(
            word(FetchLimits::default(), &server.feed("/?secret")).await,
            "packed",
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up() {
    for bytes in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n192.0.2.1\n",
    ] {
        let server = Server::saying(Answer { bytes: bytes.into(), stalls: true }).await;
        assert_eq!(word(impatient(), &server.feed("/")).await, "too-slow");
        let hurried = FetchLimits { total: SHORT, ..FetchLimits::default() };
        assert_eq!(word(hurried, &server.feed("/")).await, "too-slow");
    }
}

#[tokio::test]
async fn no_more_is_taken_than_allowed_and_a_bomb_is_not_unpacked() {
    let small = || FetchLimits { packed: 1000, unpacked: 5000, ..FetchLimits::default() };
    let announced = answer("200 OK\r\nContent-Length: 1001", b"");
    let server = Server::saying(Answer { stalls: true, ..announced }).await;
    assert_eq!(word(small(), &server.feed("/")).await, "too-large");
    let endless = answer("200 OK", &b"192.0.2.1\n".repeat(1000));
    let server = Server::saying(Answer { stalls: true, ..endless }).await;
    assert_eq!(word(small(), &server.feed("/")).await, "too-large");
    let packed = gzip(&b"192.0.2.1\n".repeat(1000)).await;
    let server = Server::saying(ok("\r\nContent-Encoding: gzip", &packed)).await;
    assert_eq!(word(small(), &server.feed("/")).await, "too-large");
    let bomb = gzip(&vec![b'\n'; 64 << 20]).await;
    let server = Server::saying(ok("\r\nContent-Encoding: gzip", &bomb)).await;
    assert_eq!(word(FetchLimits::default(), &server.feed("/")).await, "too-large");
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    head.extend(b"X: y\r\n".repeat(100_000));
    let server = Server::saying(Answer { bytes: head, stalls: true }).await;
    assert_eq!(word(FetchLimits::default(), &server.feed("/")).await, "unreachable");
}

#[tokio::test]
async fn redirects_are_followed_so_far_and_carry_no_password_to_others() {
    let mut other = Server::saying(ok("", b"192.0.2.1\n")).await;
    let to = format!("302 Found\r\nLocation: {}/there", other.url);
    let mut first = Server::start(move |request| match request.starts_with("get /moved ") {
        true => answer("301 Moved Permanently\r\nLocation: again", b""),
        false => answer(&to, b""),
    })
    .await;
    let url = first.url.replace("http://", "http://me:secret@");
    let (text, _) = fetch(&feed(&format!("{url}/moved"))).await.unwrap().unwrap();
    assert_eq!(text, "192.0.2.1\n");
    for path in ["/moved", "/again"] {
        let request = first.requests.recv().await.unwrap();
        assert!(request.starts_with(&format!("get {path} ")), "{request}");
        assert!(request.contains("authorization: basic bwu6c2vjcmv0"), "{request}");
    }
    assert!(!other.requests.recv().await.unwrap().contains("authorization"));
    for location in ["/again", "file:///etc/passwd", "gopher://a.example/", "http://[", ""] {
        let server =
            Server::saying(answer(&format!("302 Found\r\nLocation: {location}"), b"")).await;
        assert_eq!(word(FetchLimits::default(), &server.feed("/")).await, "redirect", "{location}");
    }
    let server = Server::saying(answer("302 Found", b"")).await;
    assert_eq!(word(FetchLimits::default(), &server.feed("/")).await, "redirect");
}

#[tokio::test]
async fn what_is_not_on_the_internet_is_not_asked_unless_allowed() {
    let mut server = Server::saying(ok("", b"192.0.2.1\n")).await;
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "[::1]"] {
        let asked = Feed { allow_private: false, ..feed(&format!("http://{host}:{port}/")) };
        assert_eq!(word(FetchLimits::default(), &asked).await, "special-use", "{host}");
    }
    assert!(server.requests.try_recv().is_err(), "nobody asked");
    assert!(fetch(&server.feed("/")).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_told_with_its_status() {
    for (status, expected) in
        [("404 Not Found", 404), ("503 Busy", 503), ("204 No Content", 204), ("206 Partial", 206)]
    {
        let server = Server::saying(answer(&format!("{status}\r\nContent-Length: 0"), b"")).await;
        let err = fetch(&server.feed("/")).await.map(|_| ()).unwrap_err();
        assert!(matches!(err, FetchError::Status(status) if status == expected), "{err}");
    }
    // It was not asked whether anything has changed.
    let server = Server::saying(answer("304 Not Modified", b"")).await;
    assert_eq!(word(FetchLimits::default(), &server.feed("/")).await, "status");
    let server = Server::saying(Answer { bytes: b"SSH-2.0-x\r\n".into(), stalls: false }).await;
    assert_eq!(word(FetchLimits::default(), &server.feed("/")).await, "unreachable");
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(
        word(FetchLimits::default(), &feed(&format!("http://{gone}/"))).await,
        "unreachable"
    );
    let plain = Server::saying(ok("", b"192.0.2.1\n")).await;
    let tls = feed(&plain.url.replace("http://", "https://"));
    let hurried = FetchLimits { connect: SHORT, ..FetchLimits::default() };
    assert_eq!(word(hurried, &tls).await, "too-slow", "it waits for more of a request");
}

/// An authority of our own, and a certificate by it for `localhost`.
const AUTHORITY: &[u8] = include_bytes!("tls/authority.der");
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.der");
const KEY: &[u8] = include_bytes!("tls/key.der");

/// The port of a server that speaks TLS.
async fn tls_server() -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(CERTIFICATE)],
            PrivatePkcs8KeyDer::from(KEY).into(),
        );
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tx, mut requests) = mpsc::channel(100);
    tokio::spawn(async move { while requests.recv().await.is_some() {} });
    let answers = Arc::new(|_: &str| ok("", b"192.0.2.1\n"));
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(stream, answers.clone(), tx.clone()));
            }
        }
    });
    port
}

#[tokio::test]
async fn a_certificate_has_to_be_by_an_authority_and_for_the_host() {
    let port = tls_server().await;
    let dir = TempDir::new().unwrap();
    let fetch = async |host: &str, roots: &[&'static [u8]]| {
        let roots = roots.iter().map(|root| CertificateDer::from(*root)).collect();
        let fetcher = Fetcher::new(dir.path().into(), FetchLimits::default(), roots);
        let fetched = fetcher.fetch(&feed(&format!("https://{host}:{port}/")), None, None).await;
        fetched.map(drop).map_err(|err| err.word())
    };
    assert_eq!(fetch("localhost", &[AUTHORITY]).await, Ok(()));
    assert_eq!(fetch("127.0.0.1", &[AUTHORITY]).await, Err("unreachable"));
    assert_eq!(fetch("localhost", &[]).await, Err("unreachable"));
}
