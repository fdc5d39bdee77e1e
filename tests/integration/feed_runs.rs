//! Feeds of the real server: from the configuration to DNS, metrics and the command.

use std::{fs, path::Path, process::Command};

use dnsbl_tests::{
    Answer, Finished, PATIENCE, Process, Query, TestServer, Transport, eventually, program,
};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::metrics::value;

const ZONE: &str = "/v1/zones/bl.example.org";

#[track_caller]
fn server(path: &Path) -> TestServer {
    let server = TestServer::with_tables(&format!(
        "[[feed]]\nname = \"list\"\nzone = \"bl.example.org\"\nevery = \"10s\"\npath = \"{}\"\n",
        path.display()
    ));
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."]});
    server.admin().put(ZONE, &zone).expect(201);
    server
}

#[track_caller]
fn ctl(server: &TestServer, words: &[&str]) -> Finished {
    let token = server.data_dir().join("admin.token");
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", server.admin().url()]).arg("--token-file").arg(token).args(words);
    Process::run(&mut command).unwrap()
}

fn is_listed(server: &TestServer, last: u8) -> bool {
    let name = format!("{last}.2.0.192.bl.example.org");
    let reply = Query::new(&name, A).ask(server.dns(), Transport::Udp);
    matches!(Answer::of(&reply), Answer::Records(_))
}

#[track_caller]
fn lists(server: &TestServer, last: u8) {
    eventually(PATIENCE, || is_listed(server, last).then_some(()).ok_or(last));
}

#[track_caller]
fn feed(server: &TestServer) -> Value {
    server.admin().get("/v1/feeds/list").expect(200).json()
}

#[test]
fn a_watched_file_is_answered_and_survives_restarts() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("list.txt");
    fs::write(&path, "192.0.2.1\n192.0.2.2\n").unwrap();
    let mut server = server(&path);
    server.admin().post("/v1/feeds/list/run", &json!({})).expect(200);
    lists(&server, 1);
    fs::write(dir.path().join("new"), "192.0.2.1\n192.0.2.3\n").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    lists(&server, 3);
    assert!(is_listed(&server, 1) && !is_listed(&server, 2));
    server.stop();
    fs::write(&path, "192.0.2.1\n192.0.2.4\n").unwrap();
    server.start_again();
    lists(&server, 4);
    let imported = feed(&server)["status"]["imported"].clone();
    server.stop();
    server.start_again();
    server.admin().post("/v1/feeds/list/run", &json!({})).expect(200);
    assert_eq!(feed(&server)["status"]["imported"], imported, "nothing has changed");
}

#[test]
fn what_fails_is_told_by_the_api_the_command_and_the_metrics_and_nothing_goes() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("list.txt");
    fs::write(&path, "192.0.2.1\n").unwrap();
    let server = server(&path);
    let run = ctl(&server, &["feed", "run", "list"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let labels = [("feed", "list")];
    assert!(value(&server, "dnsbl_feed_last_success_timestamp_seconds", &labels) > 1_700_000_000);
    let failures = value(&server, "dnsbl_feed_failures_total", &labels);
    fs::write(&path, "<html></html>\n").unwrap();
    let run = ctl(&server, &["feed", "run", "list"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("unreadable: this is an HTML page"), "{}", run.stdout);
    let list = ctl(&server, &["feed", "list"]);
    assert!(
        list.stdout.contains("failing") && list.stdout.contains("HTML page"),
        "{}",
        list.stdout
    );
    assert_eq!(value(&server, "dnsbl_feed_failing", &labels), 1);
    assert!(value(&server, "dnsbl_feed_failures_total", &labels) > failures);
    assert!(is_listed(&server, 1));
}

#[test]
fn a_feed_of_the_configuration_is_shown_and_not_changed_over_the_api() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("list.txt");
    fs::write(&path, "192.0.2.1\n").unwrap();
    let server = server(&path);
    assert_eq!(feed(&server)["configured"], true);
    let body = json!({"zone": "bl.example.org", "url": "http://127.0.0.1:9/"});
    let problem = server.admin().put("/v1/feeds/list", &body).expect_problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("[[feed]]"), "{problem}");
    server.admin().delete("/v1/feeds/list").expect_problem(409);
    let elsewhere = json!({"zone": "bl.example.org", "path": path, "source": "other"});
    server.admin().put("/v1/feeds/other", &elsewhere).expect_problem(422);
    let made = ctl(
        &server,
        &["feed", "put", "far", "--zone", "bl.example.org", "--url", "http://127.0.0.1:9/"],
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let run = ctl(&server, &["feed", "run", "far"]);
    assert!(run.code == Some(1) && run.stdout.contains("special-use"), "{}", run.stdout);
    assert_eq!(ctl(&server, &["feed", "delete", "far"]).code, Some(0));
}
