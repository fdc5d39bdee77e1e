//! `dnsblctl`: an operator's day, with the real program.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use dnsbl_tests::{Answer, Finished, PATIENCE, Process, TestServer, TestZone, eventually, program};
use hickory_proto::rr::RecordType::{A, TXT};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server;

/// Runs `dnsblctl` against a server.
#[track_caller]
fn ctl(server: &TestServer, words: &[&str]) -> Finished {
    let token = server.data_dir().join("admin.token");
    run(server.admin().url(), &token, words)
}

#[track_caller]
fn run(url: &str, token: &Path, words: &[&str]) -> Finished {
    Process::run(command(url, token).args(words)).unwrap()
}

fn command(url: &str, token: &Path) -> Command {
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", url]).arg("--token-file").arg(token);
    command
}

/// Runs it; it must succeed.
#[track_caller]
fn done(server: &TestServer, words: &[&str]) -> String {
    let finished = ctl(server, words);
    assert_eq!(finished.code, Some(0), "{words:?}: {}{}", finished.stdout, finished.stderr);
    finished.stdout
}

#[test]
fn an_operator_makes_a_zone_lists_checks_and_delists() {
    let server = server();
    let dir = TempDir::new().unwrap();
    let settings = dir.path().join("zone.json");
    fs::write(&settings, json!({"kind": "ip", "ns": ["ns1.example.net."]}).to_string()).unwrap();
    let origin = "operator.example.org";
    done(&server, &["zone", "put", origin, "--file", settings.to_str().unwrap()]);
    assert!(done(&server, &["zone", "list"]).contains(origin));
    let zone = TestZone::at(&server, origin);
    let put = ["listing", "put", origin, "192.0.2.1", "--code", "127.0.0.4", "--reason", "Spam $"];
    done(&server, &put);
    zone.check([
        ("1.2.0.192", A, Answer::record("127.0.0.4")),
        ("1.2.0.192", TXT, Answer::record("Spam 192.0.2.1")),
    ]);
    let check = ctl(&server, &["check", "192.0.2.1", "--zone", origin, "--json"]);
    assert_eq!(check.code, Some(1), "{}", check.stderr);
    let json: Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(json["results"][0]["listed"], true);
    done(&server, &["listing", "delete", origin, "192.0.2.1"]);
    zone.check([("1.2.0.192", A, Answer::NxDomain)]);
    assert_eq!(ctl(&server, &["check", "192.0.2.1", "--zone", origin]).code, Some(0));
    let changes = done(&server, &["changes", "--json"]);
    assert!(changes.contains(origin));
    assert!(done(&server, &["audit"]).contains("192.0.2.1"));
    done(&server, &["status"]);
}

#[test]
fn a_file_goes_in_and_comes_out_again() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let dir = TempDir::new().unwrap();
    let (rows, out) = (dir.path().join("rows.txt"), dir.path().join("out.csv"));
    fs::write(&rows, "192.0.2.1\n!192.0.2.2\n198.51.100.0/24\nnonsense/1\n").unwrap();
    let import = ctl(&server, &["import", zone.origin(), rows.to_str().unwrap(), "--json"]);
    assert_eq!(import.code, Some(0), "{}", import.stderr);
    let counts: Value = serde_json::from_str(&import.stdout).unwrap();
    assert_eq!((&counts["added"], &counts["rejected"]), (&json!(3), &json!(1)));
    done(&server, &["export", zone.origin(), "--output", out.to_str().unwrap()]);
    let copy = server.ip_zone(json!({}));
    done(&server, &["import", copy.origin(), out.to_str().unwrap()]);
    copy.check([
        ("1.2.0.192", A, Answer::listed()),
        ("2.2.0.192", A, Answer::NxDomain),
        ("9.100.51.198", A, Answer::listed()),
    ]);
}

#[test]
fn exit_codes_tell_refusals_from_failures() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let origin = zone.origin();
    for (words, code) in [
        (&["zone", "show", "absent.example.org"][..], 1),
        (&["listing", "put", origin, "10.0.0.1"], 1),
        (&["listing", "delete", origin, "192.0.2.1"], 1),
        (&["listing", "put", origin], 2),
        (&["nonsense"], 2),
    ] {
        assert_eq!(ctl(&server, words).code, Some(code), "{words:?}");
    }
    let token = server.data_dir().join("admin.token");
    let nobody = "http://127.0.0.1:9";
    assert_eq!(run(nobody, &token, &["zone", "list"]).code, Some(2));
    let absent = server.data_dir().join("no.token");
    assert_eq!(run(server.admin().url(), &absent, &["zone", "list"]).code, Some(2));
    let wrong = ctl(&server, &["listing", "put", origin, "10.0.0.1", "--json"]);
    let problem: Value = serde_json::from_str(&wrong.stdout).unwrap();
    assert_eq!(problem["status"], 422);
}

#[test]
fn server_and_token_may_come_from_the_environment() {
    let server = server();
    let mut command = Command::new(program("dnsblctl"));
    command.args(["zone", "list", "--json"]).stderr(Stdio::piped());
    command.env("DNSBL_SERVER", server.admin().url());
    command.env("DNSBL_TOKEN_FILE", server.data_dir().join("admin.token"));
    let listed = Process::run(&mut command).unwrap();
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
}

#[test]
fn the_api_may_listen_on_a_unix_socket() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let url = format!("unix:{}", path("api.sock"));
    let config = format!(
        "version = \"v1\"\ndata-dir = \"{}\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"{url}\"\n",
        path("data"),
    );
    fs::write(path("config.toml"), config).unwrap();
    // Twice: a socket that a killed server left is no obstacle.
    for _ in 0..2 {
        let mut command = Command::new(program("dnsbl-server"));
        let server =
            Process::start(command.args(["run", "--config", &path("config.toml")])).unwrap();
        let ready = |line: &str| line.contains(&format!("http={url}")).then_some(());
        server.wait_for_line(PATIENCE, ready).unwrap();
        let listed = run(&url, &dir.path().join("data/admin.token"), &["zone", "list"]);
        assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    }
}

#[test]
fn status_tells_all_at_a_glance() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    done(&server, &["listing", "put", zone.origin(), "192.0.2.1"]);
    let told = done(&server, &["status"]);
    for row in ["ready", "version", "head", "sizes", "queries", "requests", "backup", "queues"] {
        assert!(told.lines().any(|line| line.starts_with(row)), "no {row}: {told}");
    }
    assert!(told.contains(" of memory") && told.contains("a second since the start"), "{told}");
    assert!(!told.contains('\x1b'), "no colour but on a terminal: {told:?}");
    let json: Value = serde_json::from_str(&done(&server, &["status", "--json"])).unwrap();
    assert_eq!(json["readyz"]["ready"], true);
    assert!(json["metrics"]["dnsbl_head_seq"].as_f64().unwrap() >= 2.0, "{json}");
}

#[test]
fn status_is_watched_until_it_is_interrupted() {
    let server = server();
    let token = server.data_dir().join("admin.token");
    let mut watch = command(server.admin().url(), &token);
    let watching = Process::start(watch.args(["status", "--watch=1", "--json"])).unwrap();
    eventually(PATIENCE, || {
        let told = watching.stdout();
        (told.lines().count() >= 2).then_some(()).ok_or(told)
    });
    let interrupt = format!("kill -INT {}", watching.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let ended = watching.wait(PATIENCE).unwrap();
    assert_eq!(ended.code, Some(0), "it is ready: {}", ended.stderr);
    for line in ended.stdout.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["readyz"]["ready"], true);
    }
}

#[test]
fn only_a_terminal_gets_colour_and_not_one_that_wants_none() {
    let server = server();
    let token = server.data_dir().join("admin.token");
    let line = format!(
        "{} --server {} --token-file {} status",
        program("dnsblctl").display(),
        server.admin().url(),
        token.display()
    );
    let at_terminal = |no_color: Option<&str>| {
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
        let done = Process::run(script.envs(no_color.map(|value| ("NO_COLOR", value)))).unwrap();
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
        done.stdout
    };
    assert!(at_terminal(None).contains("\x1b[32myes"), "{:?}", at_terminal(None));
    assert!(!at_terminal(Some("1")).contains('\x1b'));
}
