//! Requests that are broken, too big or lost.

use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
};

use dnsbl_tests::{HttpReply, PATIENCE, TestServer};
use reqwest::Method;
use serde_json::json;

use crate::server;

#[test]
fn broken_json_is_malformed() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let path = zone.listing_path("192.0.2.1");
    let bodies: [&[u8]; 7] = [
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"reason\":\"\xff\xfe\"}",
        b"{\"return_codes\":\"127.0.0.2\"}",
        b"{\"expires_in\":-1}",
    ];
    for body in bodies {
        let request = server.admin().request(Method::PUT, &path);
        let request = request.header("content-type", "application/json").body(body);
        let reply = HttpReply::of(request);
        assert!(matches!(reply.status, 400 | 422), "{body:?}: {} {}", reply.status, reply.text);
    }
    let deep = "[".repeat(100_000);
    let request = server.admin().request(Method::PUT, &path);
    HttpReply::of(request.header("content-type", "application/json").body(deep))
        .expect_problem(400);
    server.admin().get(&path).expect_problem(404);
}

#[test]
fn unknown_fields_and_values_out_of_range_are_refused() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let path = zone.listing_path("192.0.2.1");
    for body in [
        json!({"reson": "typo"}),
        json!({"return_codes": ["127.0.0.1"]}),
        json!({"return_codes": ["8.8.8.8"]}),
        json!({"return_codes": vec!["127.0.0.2"; 17]}),
        json!({"reason": ""}),
        json!({"reason": "x".repeat(1001)}),
        json!({"reason": "a\u{1b}[2Jb"}),
        json!({"exclusion": true, "return_codes": ["127.0.0.2"]}),
        json!({"expires_at": "yesterday"}),
        json!({"expires_at": "2100-01-01T00:00:00Z", "expires_in": 5}),
    ] {
        let reply = server.admin().put(&path, &body);
        assert!(matches!(reply.status, 400 | 422), "{body}: {} {}", reply.status, reply.text);
    }
    for query in ["?source=", "?source=a%20b", "?override=everything", "?nonsense=1"] {
        let reply = server.admin().put(&format!("{path}{query}"), &json!({}));
        assert!(matches!(reply.status, 400 | 422), "{query}: {} {}", reply.status, reply.text);
    }
    server.admin().get(&path).expect_problem(404);
}

#[test]
fn subjects_that_are_none_are_refused() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for subject in [
        "1.2.3",
        "1.2.3.4/33",
        "1.2.3.4/",
        "::g",
        "01.2.3.4",
        "fe80::1%eth0",
        "[::1]",
        "a b",
        "\0",
        "\u{ff}",
        "..%2f",
    ] {
        let reply = server.admin().put(&zone.listing_path(subject), &json!({}));
        assert!(matches!(reply.status, 400 | 422), "{subject:?}: {} {}", reply.status, reply.text);
    }
}

#[test]
fn a_body_that_is_too_big_is_turned_down() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let body = json!({"note": "x".repeat(4 << 20)});
    server.admin().put(&zone.listing_path("192.0.2.1"), &body).expect_problem(413);
    server.admin().get(&zone.listing_path("192.0.2.1")).expect_problem(404);
}

#[test]
fn an_unknown_path_is_not_found_and_a_wrong_method_is_not_allowed() {
    let server = server();
    server.admin().get("/v1/nonsense").expect_problem(404);
    server.admin().get("/").expect_problem(404);
    server.admin().delete("/v1/check").expect_problem(405);
}

#[test]
fn an_import_that_breaks_off_changes_nothing() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let token = std::fs::read_to_string(server.data_dir().join("admin.token")).unwrap();
    let http: SocketAddr = server.admin().url().trim_start_matches("http://").parse().unwrap();
    let mut stream = TcpStream::connect(http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST {}/import?format=plain HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 1000000\r\n\r\n",
        zone.path(),
        token.trim()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let rows: String = (0..5000).map(|i| format!("203.0.{}.{}\n", i / 250, i % 250)).collect();
    stream.write_all(rows.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    // The server notices, with or without a word.
    let _ = stream.read_to_end(&mut Vec::new());
    drop(stream);
    let listings =
        server.admin().get(&format!("{}/listings?limit=1", zone.path())).expect(200).json();
    assert_eq!(listings["listings"], json!([]));
}

#[test]
fn noise_on_the_http_port_harms_nobody() {
    let server = server();
    let http: SocketAddr = server.admin().url().trim_start_matches("http://").parse().unwrap();
    for noise in [&b"\xff\xff\xff\xff"[..], b"GET", b"PUT / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n"] {
        let mut stream = TcpStream::connect(http).unwrap();
        stream.write_all(noise).unwrap();
        HttpReply::of(server.admin().bare(Method::GET, "/healthz")).expect(200);
    }
}

/// What is counted is what comes out of a packed body.
#[test]
fn bodies_that_grow_without_end_are_turned_down_and_change_nothing() {
    let server = TestServer::with_http_config("import-limit = 1048576\n");
    let zone = server.ip_zone(json!({}));
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("rows");
    let rows = File::create(&file).unwrap();
    let mut rows = BufWriter::new(rows);
    // One address again and again, and then 64 MiB of blank lines.
    (0..1000).for_each(|_| rows.write_all(b"192.0.2.1\n").unwrap());
    (0..64 << 10).for_each(|_| rows.write_all(&[b'\n'; 1024]).unwrap());
    drop(rows.into_inner().unwrap());
    for (program, encoding) in [("gzip", "gzip"), ("zstd", "zstd")] {
        let Ok(packed) = Command::new(program).arg("-c").arg(&file).output() else { continue };
        assert!(packed.stdout.len() < 1 << 20, "{program}: {}", packed.stdout.len());
        for mode in ["upsert", "replace-source"] {
            let path = format!("{}/import?format=plain&source=bomb&mode={mode}", zone.path());
            let request = server.admin().request(Method::POST, &path);
            let request = request.header("content-encoding", encoding).body(packed.stdout.clone());
            HttpReply::of(request).expect_problem(413);
        }
        // A body that is no stream is not taken packed, or no larger than it is.
        let request = server.admin().request(Method::PUT, &zone.listing_path("192.0.2.9"));
        let request = request.header("content-type", "application/json");
        let request = request.header("content-encoding", encoding).body(packed.stdout);
        let reply = HttpReply::of(request);
        assert!(matches!(reply.status, 400 | 413 | 415), "{}: {}", reply.status, reply.text);
    }
    let listings = server.admin().get(&format!("{}/listings", zone.path())).expect(200).json();
    assert_eq!(listings["listings"], json!([]));
}
