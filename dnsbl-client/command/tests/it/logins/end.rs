//! How it ends, and what it does without a server.

use jiff::Timestamp;
use serde_json::Value;

use super::{Server, follow, login};
use crate::cli::{dnsbl, stdout, with_input};

#[tokio::test]
async fn what_is_in_the_log_at_sigterm_is_posted_first() {
    let server = Server::start([]).await;
    let mut follower = follow(&server.url, "", &[]).await;
    server.close();
    follower.write(login("one"));
    server.requests(1).await;
    let more: Vec<String> = (0..200).map(|n| format!("user{n}")).collect();
    follower.write(more.iter().map(|user| login(user)).collect::<String>());
    follower.terminate().await;
    // What is on its way is waited for, and what was only written is read.
    server.requests(64).await;
    server.open();
    assert!(follower.wait().await.success());
    let mut users = server.users(201).await;
    users.sort();
    let mut expected: Vec<String> = more.into_iter().chain(["one".into()]).collect();
    expected.sort();
    assert_eq!(users, expected);
}

#[tokio::test]
async fn a_dry_run_prints_what_would_be_posted_and_ends_with_the_input() {
    let input = login("one") + &login("two") + "no line end: x";
    let output = with_input("logins", &["--dry-run", "--zone", "popauth.example.org"], input).await;
    assert!(output.status.success());
    let lines: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let users: Vec<&str> = lines.iter().map(|line| line["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["one", "two"]);
    assert_eq!(lines[0]["zone"], "popauth.example.org");
    assert!(lines[0]["at"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

#[tokio::test]
async fn with_tls_only_other_logins_are_none() {
    let plain = login("plain").replace(" TLS,", "");
    let output = with_input("logins", &["--dry-run", "--tls-only"], plain + &login("tls")).await;
    assert!(stdout(&output).contains("\"tls\"") && !stdout(&output).contains("plain"));
}

#[tokio::test]
async fn what_can_not_work_is_told_at_once() {
    for (words, complaint) in [
        (&["--log", "mail.log"][..], "--token-file"),
        (&["--log", "-", "--dry-run", "--state-file", "place"][..], "--state-file"),
        (&["--log", "mail.log", "--token-file", "/nowhere/token"][..], "/nowhere/token"),
        (&["--log", "mail.log", "--dry-run", "--format", "exim"][..], "dovecot"),
        (&["--log", "mail.log", "--dry-run", "--server", "ftp://x"][..], "ftp"),
        (&["--log", "mail.log", "--dry-run", "--max-age", "0"][..], "max-age"),
        (&["--token-file", "/etc/hostname"][..], "--log"),
    ] {
        let output = dnsbl(["logins"].iter().chain(words).copied()).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {told}");
        assert!(told.contains(complaint), "{words:?}: {told}");
    }
}
