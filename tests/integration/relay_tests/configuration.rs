//! Mistakes in `[relay-tester]` are told with line and key before anything starts.

use std::{fs, process::Command};

use dnsbl_tests::{Finished, Process, program};
use tempfile::TempDir;

/// Lines 1 to 9 of a configuration that is right.
const RIGHT: [&str; 9] = [
    "version = \"v1\"",
    "data-dir = \"x\"",
    "",
    "[relay-tester]",
    "enabled = true",
    "zone = \"relays.example.org\"",
    "receiver = \"127.0.0.1:2525\"",
    "probe-domain = \"probe.example.org\"",
    "ehlo = \"relaytest.example.org\"",
];

#[track_caller]
fn check(lines: &[&str]) -> Finished {
    let dir = TempDir::new().expect("a temporary folder");
    let file = dir.path().join("test.toml");
    fs::write(&file, lines.join("\n")).expect("it is writable");
    let mut command = Command::new(program("dnsbl-server"));
    Process::run(command.arg("check-config").arg("--config").arg(&file)).expect("it runs")
}

#[track_caller]
fn is_refused(lines: &[&str], named: [&str; 2]) {
    let done = check(lines);
    assert_eq!(done.code, Some(1), "{lines:?}: {}", done.stderr);
    for word in named {
        assert!(done.stderr.contains(word), "{word:?} is not named in: {}", done.stderr);
    }
}

#[test]
fn a_tester_with_all_that_it_needs_is_right() {
    let done = check(&RIGHT);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}

/// Mail row F2.
#[test]
fn a_source_is_one_address_or_one_of_each_family() {
    for source in ["\"192.0.2.1\"", "\"2001:db8::1\"", "[\"192.0.2.1\", \"2001:db8::1\"]", "[]"] {
        let source = format!("source = {source}");
        let lines: Vec<_> = RIGHT.into_iter().chain([source.as_str()]).collect();
        let done = check(&lines);
        assert_eq!(done.code, Some(0), "{source}: {}", done.stderr);
    }
}

#[test]
fn a_key_that_is_missing_is_named_with_its_table() {
    for (at, key) in [(5, "zone"), (6, "receiver"), (7, "probe-domain"), (8, "ehlo")] {
        let mut lines = RIGHT.to_vec();
        lines.remove(at);
        is_refused(&lines, ["line 4:", &format!("relay-tester.{key}")]);
    }
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_its_line() {
    for (line, key) in [
        ("settle-for = \"soon\"", "relay-tester.settle-for"),
        ("settle-for = \"30\"", "relay-tester.settle-for"),
        ("pending-for = \"400d\"", "relay-tester.pending-for"),
        ("settle-for = \"6d\"", "relay-tester.settle-for"),
        ("connection-pause = \"-1s\"", "relay-tester.connection-pause"),
        ("outputs-zone = \"..\"", "relay-tester.outputs-zone"),
        ("allow-targets = [\"everybody\"]", "relay-tester.allow-targets"),
        ("own-addresses = [\"192.0.2.0/33\"]", "relay-tester.own-addresses"),
        ("reference-hosts = [\"192.0.2.1\"]", "relay-tester.reference-hosts"),
        ("source = \"mail.example.org\"", "relay-tester.source"),
        ("source = [\"192.0.2.1\", \"192.0.2.2\"]", "relay-tester.source"),
        ("source = \"0.0.0.0\"", "relay-tester.source"),
        ("retry-after = \"7h\"", "relay-tester.retry-after"),
        ("second-test-after = \"2d\"", "relay-tester.second-test-after"),
        ("outputs-networks = 1", "relay-tester.outputs-networks"),
        ("mail-from = \"a b\"", "relay-tester.mail-from"),
        ("subject = \"a\\nBcc: b\"", "relay-tester.subject"),
        ("notice = \"yes\"", "notice"),
        ("settle = \"30m\"", "settle"),
        ("limits.at-once = 0", "relay-tester.limits.at-once"),
        ("limits.per-hour = 1", "per-hour"),
    ] {
        let lines: Vec<_> = RIGHT.into_iter().chain([line]).collect();
        is_refused(&lines, ["line 10", key]);
    }
    let limits = ["[relay-tester.limits]", "waiting = 0"];
    let lines: Vec<_> = RIGHT.into_iter().chain(limits).collect();
    is_refused(&lines, ["line 11:", "relay-tester.limits.waiting"]);
}

#[test]
fn targets_for_tests_are_refused_beside_a_public_listener_unless_a_second_key_says_so() {
    let allow = "allow-targets = [\"127.0.0.0/8\"]";
    for public in [
        &["[dns]", "listen = [\"127.0.0.1:0\", \"192.0.2.1:53\"]"][..],
        &["[http]", "listen = \"[::]:8080\"", "insecure = true"],
    ] {
        let lines: Vec<_> =
            RIGHT.into_iter().chain([allow]).chain(public.iter().copied()).collect();
        is_refused(&lines, ["line 10:", "relay-tester.allow-targets"]);
        let lines = RIGHT.into_iter().chain([allow, "allow-targets-in-public = true"]);
        let lines: Vec<_> = lines.chain(public.iter().copied()).collect();
        assert_eq!(check(&lines).code, Some(0));
    }
    let mut lines = RIGHT.to_vec();
    lines.push(allow);
    assert_eq!(check(&lines).code, Some(0));
    lines[6] = "receiver = \"192.0.2.1:25\"";
    is_refused(&lines, ["line 10:", "192.0.2.1:25"]);
}
