//! The command `dnsbl`.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::{server::Server, zones};

/// Runs `dnsbl check` with these words and a resolver.
async fn check(words: &str) -> Output {
    let server = Server::start(zones::script).await;
    let resolver = format!("--resolver={}", server.addr);
    let command = ["check", &resolver].into_iter();
    dnsbl(command.chain(words.split(' '))).await
}

async fn dnsbl(words: impl IntoIterator<Item = impl Into<String>>) -> Output {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_dnsbl")).args(words).output();
    tokio::task::spawn_blocking(run).await.unwrap().unwrap()
}

async fn code(words: &str) -> Option<i32> {
    check(words).await.status.code()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_exit_code_is_1_if_anything_is_listed_else_2_if_unknown_else_0() {
    for (zones, expected) in [
        ("clean.example", 0),
        ("nodata.example", 0),
        ("listed.example", 1),
        ("public.example", 2),
        ("parked.example", 2),
        ("localhost.example", 2),
        ("servfail.example", 2),
        ("refused.example", 2),
        ("silent.example --timeout 0.2", 2),
        ("clean.example --zone listed.example", 1),
        ("servfail.example --zone listed.example --zone clean.example", 1),
        ("clean.example --zone servfail.example", 2),
    ] {
        assert_eq!(code(&format!("192.0.2.99 --zone {zones}")).await, Some(expected), "{zones}");
    }
}

#[tokio::test]
async fn json_has_a_result_for_every_address_and_zone_in_order() {
    let words = "192.0.2.99 2001:db8::1 --zone listed.example --zone Clean.Example. --zone public.example --json";
    let output = check(words).await;
    let listed = |address| {
        json!({"address": address, "zone": "listed.example", "status": "listed",
            "codes": ["127.0.0.2", "127.0.0.10"],
            "reason": "Open relay / see https://bl.example", "detail": null})
    };
    let clean = |address| {
        json!({"address": address, "zone": "clean.example", "status": "not-listed",
            "codes": [], "reason": null, "detail": null})
    };
    let blocked = |address| {
        json!({"address": address, "zone": "public.example", "status": "blocked",
            "codes": [], "reason": null,
            "detail": "127.255.255.254: the list does not answer public resolvers"})
    };
    let (v4, v6) = ("192.0.2.99", "2001:db8::1");
    let expected = json!({"results":
        [listed(v4), clean(v4), blocked(v4), listed(v6), clean(v6), blocked(v6)]});
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn text_is_one_aligned_line_a_result() {
    let output = check("192.0.2.99 2001:db8::1 --zone listed.example --zone clean.example").await;
    let expected = "\
192.0.2.99   listed.example  listed      127.0.0.2,127.0.0.10  Open relay / see https://bl.example
192.0.2.99   clean.example   not-listed
2001:db8::1  listed.example  listed      127.0.0.2,127.0.0.10  Open relay / see https://bl.example
2001:db8::1  clean.example   not-listed
";
    assert_eq!(stdout(&output), expected);
}

#[tokio::test]
async fn what_could_not_be_told_says_why() {
    let output = check("192.0.2.99 --zone servfail.example").await;
    let line = "192.0.2.99  servfail.example  failed      the server answered SERVFAIL\n";
    assert_eq!(stdout(&output), line);
}

#[tokio::test]
async fn an_address_typed_by_hand_is_asked_whatever_it_is() {
    for address in ["127.0.0.2", "10.1.2.3", "::1", "::ffff:192.168.0.1"] {
        assert_eq!(code(&format!("{address} --zone listed.example")).await, Some(1));
    }
}

#[tokio::test]
async fn an_address_is_shown_as_it_was_typed() {
    let output = check("::ffff:192.0.2.99 --zone clean.example").await;
    assert_eq!(stdout(&output), "::ffff:192.0.2.99  clean.example  not-listed\n");
}

#[tokio::test]
async fn zones_may_share_one_option_and_come_before_the_addresses() {
    for words in [
        "192.0.2.99 192.0.2.1 --zone listed.example clean.example",
        "--zone listed.example clean.example 192.0.2.99 192.0.2.1",
        "--zone listed.example --zone clean.example 192.0.2.99 192.0.2.1",
        "--zone listed.example --zone=clean.example -- 192.0.2.99 192.0.2.1",
    ] {
        let output = check(words).await;
        let lines = stdout(&output).matches("192.0.2").count();
        assert_eq!(lines, 4, "{words}: {output:?}");
    }
}

#[tokio::test]
async fn bad_usage_is_2() {
    for words in [
        "192.0.2.99",
        "--zone clean.example",
        "192.0.2.300 --zone clean.example",
        "--zone clean.example 192.0.2.300",
        "192.0.2.0/24 --zone clean.example",
        "192.0.2.99 --zone a..b",
        "192.0.2.99 --zone .",
        "192.0.2.99 --zone clean.example --timeout 0",
        "192.0.2.99 --zone clean.example --timeout -1",
        "192.0.2.99 --zone clean.example --timeout NaN",
        "192.0.2.99 --zone clean.example --resolver localhost",
        "192.0.2.99 --zone clean.example --unknown",
    ] {
        let output = check(words).await;
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words}");
    }
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    let version = dnsbl(["--version"]).await;
    assert_eq!(stdout(&version), concat!("dnsbl ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = dnsbl(["check", "--help"]).await;
    assert!(help.status.success());
    assert!(stdout(&help).contains("dnsbl check 192.0.2.99 --zone bl.example.org"));
}

#[tokio::test]
async fn a_reader_that_leaves_is_no_panic() {
    let server = Server::start(zones::script).await;
    let resolver = server.addr.to_string();
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
        command.args(["check", "192.0.2.99", "--zone", "clean.example", "--resolver", &resolver]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).stderr(Stdio::piped()).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
