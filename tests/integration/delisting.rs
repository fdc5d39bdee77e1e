//! `dnsblctl` tells the truth about delisting, and about who may do it.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Command,
};

use dnsbl_tests::{Finished, Process, TestServer, program};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server;

/// The command with a token of its own.
struct Operator<'a> {
    server: &'a TestServer,
    token: PathBuf,
}

impl<'a> Operator<'a> {
    fn admin(server: &'a TestServer) -> Self {
        Self { server, token: server.data_dir().join("admin.token") }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program("dnsblctl"));
        command.args(["--server", self.server.admin().url()]);
        command.arg("--token-file").arg(&self.token).args(words);
        command
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> Finished {
        Process::run(&mut self.command(words)).unwrap()
    }

    #[track_caller]
    fn done(&self, words: &[&str]) -> String {
        let finished = self.run(words);
        assert_eq!(finished.code, Some(0), "{words:?}: {}{}", finished.stdout, finished.stderr);
        finished.stdout + &finished.stderr
    }

    /// Does what the command advised.
    #[track_caller]
    fn follow(&self, advice: &str) {
        let commands: Vec<&str> = advice
            .lines()
            .filter_map(|line| line.strip_prefix("to delist it: dnsblctl "))
            .collect();
        assert!(!commands.is_empty(), "no advice in {advice}");
        for command in commands {
            let words: Vec<&str> = command.split(' ').map(|word| word.trim_matches('\'')).collect();
            self.done(&words);
        }
    }

    /// Whether `check` says that it is listed.
    #[track_caller]
    fn lists(&self, zone: &str, subject: &str) -> bool {
        let checked = self.run(&["check", subject, "--zone", zone]);
        assert!(matches!(checked.code, Some(0 | 1)), "{}", checked.stderr);
        checked.code == Some(1)
    }
}

/// Field case 31: the command said that nothing covers what DNS lists.
#[test]
fn a_deletion_that_finds_nothing_tells_how_to_delist() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (operator, origin) = (Operator::admin(&server), zone.origin());
    for (source, subject) in
        [("honeypot", "192.0.2.50"), ("ipsum", "192.0.2.50"), ("drop", "192.0.2.128/25")]
    {
        operator.done(&["listing", "put", origin, subject, "--source", source]);
    }
    for subject in ["192.0.2.50", "::ffff:192.0.2.200"] {
        let missing = operator.run(&["listing", "delete", origin, subject]);
        assert_eq!(missing.code, Some(1), "{}", missing.stderr);
        assert!(!missing.stderr.contains("nothing covers"), "{}", missing.stderr);
        assert!(missing.stderr.contains("DNS lists it"), "{}", missing.stderr);
        operator.follow(&missing.stderr);
        assert!(!operator.lists(origin, subject), "{subject}");
    }
    let names = server.domain_zone(json!({}));
    let origin = names.origin();
    operator.done(&["listing", "put", origin, "*.example.com", "--source", "drop"]);
    let missing = operator.run(&["listing", "delete", origin, "mail.example.com"]);
    operator.follow(&missing.stderr);
    assert!(!operator.lists(origin, "mail.example.com"));
}

/// Newcomer A3: "deleted" while DNS goes on listing.
#[test]
fn a_deletion_says_what_goes_on() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (operator, origin) = (Operator::admin(&server), zone.origin());
    operator.done(&["listing", "put", origin, "192.0.2.50"]);
    operator.done(&["listing", "put", origin, "192.0.2.50", "--source", "ipsum"]);
    let told = operator.done(&["listing", "delete", origin, "192.0.2.50"]);
    assert!(told.contains("still listed by ipsum"), "{told}");
    assert!(operator.lists(origin, "192.0.2.50"));
    operator.follow(&told);
    assert!(!operator.lists(origin, "192.0.2.50"));

    operator.done(&["listing", "put", origin, "192.0.2.0/24", "--source", "drop"]);
    operator.done(&["listing", "put", origin, "192.0.2.7", "--exclude"]);
    let told = operator.done(&["listing", "delete", origin, "192.0.2.7"]);
    assert!(told.contains("now listed by 192.0.2.0/24 (drop)"), "{told}");

    operator.done(&["listing", "put", origin, "192.0.2.9", "--exclusion", "--source", "friend"]);
    let told = operator.done(&["listing", "put", origin, "192.0.2.9"]);
    assert!(told.contains("DNS does not list it: excluded by friend"), "{told}");
    let shown = operator.done(&["listing", "show", origin, "192.0.2.9"]);
    assert!(shown.contains("DNS does not list it: excluded by friend"), "{shown}");
    assert!(shown.contains("--source friend"), "{shown}");
    operator.done(&["listing", "delete", origin, "192.0.2.9", "--source", "friend"]);
    let shown = operator.done(&["listing", "show", origin, "192.0.2.9"]);
    assert!(shown.contains("DNS lists it: by admin; by 192.0.2.0/24 (drop)"), "{shown}");
    operator.follow(&shown);
}

/// Newcomer A2: `-` was a domain that nobody lists, and an exclusion that decides had no name.
#[test]
fn subjects_come_from_standard_input_and_exclusions_are_named() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (operator, origin) = (Operator::admin(&server), zone.origin());
    operator.done(&["listing", "put", origin, "192.0.2.0/24"]);
    operator.done(&[
        "listing",
        "put",
        origin,
        "192.0.2.64/26",
        "--exclusion",
        "--source",
        "friend",
    ]);
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("subjects");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = operator.command(&["check", "-", "--zone", origin]);
        let output = command.stdin(File::open(&file).unwrap()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, told, _) = check("# ours\n192.0.2.77\n\n  192.0.2.1 \n");
    assert_eq!(code, Some(1));
    let rows: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 2, "{told}");
    assert_eq!(
        rows[0],
        ["192.0.2.77", origin, "not-listed", "-", "192.0.2.64/26", "excluded", "friend"]
    );
    assert_eq!(rows[1][..5], ["192.0.2.1", origin, "listed", "127.0.0.2", "192.0.2.0/24"]);
    assert_eq!(check("192.0.2.77\n").0, Some(0));
    let (code, _, err) = check("192.0.2.1\n192.0.2.1/24\n");
    assert_eq!(code, Some(2));
    assert!(err.contains("line 2") && err.contains("192.0.2.1/24"), "{err}");
}

/// Newcomer A2: the command echoed what was typed, and advised in the words of the API.
#[test]
fn the_command_speaks_its_own_words() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let (operator, origin) = (Operator::admin(&server), zone.origin());
    let put =
        operator.done(&["listing", "put", origin, "::ffff:192.0.2.1", "--expires-in", "30days"]);
    assert!(put.contains("192.0.2.1") && !put.contains("ffff"), "{put}");
    assert!(put.contains("etag ") && !put.contains('"'), "{put}");
    operator.done(&["listing", "put", origin, "192.0.2.2", "--expires-at", "2099-01-01"]);
    let refused = operator.run(&["listing", "put", origin, "10.1.2.3"]);
    assert!(refused.stderr.contains("--override special-use"), "{}", refused.stderr);
    let mut bare = Command::new(program("dnsblctl"));
    bare.args(["--server", server.admin().url(), "zone", "list"]).env_remove("DNSBL_TOKEN_FILE");
    let refused = Process::run(&mut bare).unwrap();
    assert!(refused.stderr.contains("--token-file"), "{}", refused.stderr);
    assert!(refused.stderr.contains("DNSBL_TOKEN_FILE"), "{}", refused.stderr);
}

/// Newcomer A7: `status` knew neither release nor age.
#[test]
fn status_tells_release_and_uptime() {
    let server = server();
    let operator = Operator::admin(&server);
    let told = operator.done(&["status"]);
    assert!(told.contains(env!("CARGO_PKG_VERSION")), "{told}");
    assert!(told.lines().any(|line| line.starts_with("uptime")), "{told}");
    let json: Value = serde_json::from_str(&operator.done(&["status", "--json"])).unwrap();
    assert!(json["readyz"]["version"].is_string() && json["readyz"]["uptime_seconds"].is_u64());
}

/// Newcomer A4: a helper's token took away and replaced what others list.
#[test]
fn a_helpers_token_is_confined_to_its_sources() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let (operator, origin) = (Operator::admin(&server), zone.origin());
    operator.done(&["listing", "put", origin, "192.0.2.99"]);
    let dir = TempDir::new().unwrap();
    let token = dir.path().join("honeypot.token");
    let made = operator.run(&[
        "token",
        "create",
        "honeypot",
        "--scope",
        "listings:write,imports:write",
        "--source",
        "ipsum,drop",
        "--expires-at",
        "2099-01-01",
    ]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    fs::write(&token, &made.stdout).unwrap();
    let helper = Operator { server: &server, token };
    for words in [
        &["listing", "delete", origin, "192.0.2.99", "--source", "admin"][..],
        &["listing", "put", origin, "192.0.2.51", "--source", "admin"],
        &["listing", "delete", origin, "192.0.2.99", "--source", "*"],
        &["import", origin, "/dev/null", "--source", "admin", "--mode", "replace-source"],
    ] {
        let refused = helper.run(words);
        assert_eq!(refused.code, Some(1), "{words:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("403"), "{}", refused.stderr);
        assert!(refused.stderr.contains("sources:all"), "{}", refused.stderr);
    }
    helper.done(&["listing", "put", origin, "192.0.2.51", "--source", "drop"]);
    helper.done(&["listing", "put", origin, "192.0.2.51"]);
    let again = operator.run(&["token", "create", "honeypot", "--scope", "zones:read"]);
    assert!(again.stderr.contains("409"), "{}", again.stderr);

    let tokens: Value = serde_json::from_str(&operator.done(&["token", "list", "--json"])).unwrap();
    let tokens = tokens["tokens"].as_array().unwrap();
    let admin = tokens.iter().find(|token| token["name"] == "admin").unwrap();
    let id = admin["id"].as_str().unwrap();
    let refused = operator.run(&["token", "delete", id]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    let gone = operator.done(&["token", "delete", id, "--yes"]);
    assert!(gone.contains("and 1 that were made with it"), "{gone}");
}

/// Newcomer A2: a zone took a JSON file, and a change of one setting reset the others.
#[test]
fn a_zone_is_made_and_changed_on_the_command_line() {
    let server = server();
    let operator = Operator::admin(&server);
    let origin = "flags.example.org";
    let made = ["zone", "put", "FLAGS.example.org", "--kind", "ip", "--ns", "ns1.example.net."];
    let told = operator.done(&[&made[..], &["--reason", "Spam $"]].concat());
    assert!(told.starts_with("created  flags.example.org"), "{told}");
    operator.done(&["zone", "put", origin, "--ttl", "600", "--code", "127.0.0.4"]);
    let zone = server.admin().get("/v1/zones/flags.example.org").expect(200).json();
    let now = ["kind", "ns", "reason", "ttl", "return_codes"].map(|name| zone[name].clone());
    let expected = [
        json!("ip"),
        json!(["ns1.example.net."]),
        json!("Spam $"),
        json!(600),
        json!(["127.0.0.4"]),
    ];
    assert_eq!(now, expected);
    assert_eq!(operator.run(&["zone", "put", origin]).code, Some(2));
}
