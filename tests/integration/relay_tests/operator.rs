//! `dnsblctl relay-test`, with the real program.

use std::{fs, process::Command};

use dnsbl_tests::{
    Finished, Process,
    mta::{Heard, ScriptedServer, SmtpAnswer, unique_host},
    program,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Tester;

impl Tester {
    #[track_caller]
    fn ctl(&self, words: &[&str]) -> Finished {
        let mut command = Command::new(program("dnsblctl"));
        command.args(["--server", self.server.admin().url(), "--token-file"]);
        command.arg(self.server.data_dir().join("admin.token")).arg("relay-test").args(words);
        Process::run(&mut command).expect("it runs")
    }

    #[track_caller]
    fn ctl_done(&self, words: &[&str]) -> String {
        let finished = self.ctl(words);
        assert_eq!(finished.code, Some(0), "{words:?}: {}{}", finished.stdout, finished.stderr);
        finished.stdout
    }

    #[track_caller]
    fn ctl_json(&self, words: &[&str]) -> Value {
        let text = self.ctl_done(&[words, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|err| panic!("{err} in {text}"))
    }
}

#[test]
fn a_host_is_tested_and_its_test_shown() {
    let tester = Tester::start();
    let host = ScriptedServer::refusing();
    let (address, port) = (host.addr().ip().to_string(), host.addr().port().to_string());
    let submit = ["submit", &address, "--ground", "owner", "--port", &port, "--note", "ours"];
    let test = tester.ctl_json(&[&submit[..], &["--wait"]].concat());
    assert_eq!((&test["verdict"], &test["note"]), (&json!("clean"), &json!("ours")), "{test}");
    let id = test["id"].as_str().expect("an id");
    let shown = tester.ctl_done(&["show", id]);
    for part in [id, &address, "clean", "plain", "refused", "ours", "RCPT TO"] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    let list = tester.ctl_done(&["list", "--address", &address, "--verdict", "clean"]);
    assert!(list.starts_with(id) && list.lines().count() == 1, "{list}");
    assert_eq!(tester.ctl_done(&["list", "--verdict", "open"]), "");
}

#[test]
fn a_list_is_as_long_as_was_asked_for() {
    let tester = Tester::start();
    let ids = [(); 3].map(|()| tester.test(ScriptedServer::refusing().addr())["id"].clone());
    let two = tester.ctl_json(&["list", "--state", "done", "--limit", "2"]);
    let shown = two["relay_tests"].as_array().expect("tests");
    let shown: Vec<_> = shown.iter().map(|test| &test["id"]).collect();
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|id| ids.contains(id)));
}

#[test]
fn evidence_comes_from_a_file() {
    let tester = Tester::start();
    let dir = TempDir::new().expect("a temporary folder");
    let (file, address) = (dir.path().join("spam.eml"), unique_host().to_string());
    let submit = ["submit", &address, "--ground", "evidence"];
    let refused = tester.ctl(&submit);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("evidence"), "{}", refused.stderr);
    fs::write(&file, b"Received: from there\r\n\r\n\xe9t\xe9").expect("it is writable");
    let file = file.to_str().expect("a plain name");
    let test = tester.ctl_json(&[&submit[..], &["--evidence-file", file]].concat());
    let evidence = test["evidence"].as_str().expect("evidence");
    assert!(evidence.starts_with("Received: from there"), "{evidence}");
    assert_eq!(tester.ctl(&[&submit[..], &["--evidence-file", "absent"]].concat()).code, Some(2));
}

#[test]
fn a_test_is_called_off_once() {
    let tester = Tester::start();
    let host = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let id = tester.submit_owned(host.addr());
    assert!(tester.ctl_done(&["cancel", &id]).starts_with(&format!("cancelled  {id}  seq ")));
    let refused = tester.ctl(&["cancel", &id]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("409"), "{}", refused.stderr);
}

#[test]
fn a_network_is_opted_out_and_in() {
    let tester = Tester::start();
    let network = "192.0.2.0/24";
    assert!(tester.ctl_done(&["opt-out", network]).starts_with("opted out  192.0.2.0/24  seq "));
    assert_eq!(tester.ctl_done(&["opt-outs"]), "192.0.2.0/24\n");
    assert_eq!(tester.ctl_json(&["opt-outs"]), json!({"opt_outs": [network]}));
    tester.ctl_done(&["opt-in", network]);
    assert_eq!(tester.ctl_done(&["opt-outs"]), "");
    assert_eq!(tester.ctl(&["opt-in", network]).code, Some(1));
}
