//! SpamAssassin with the rules of `deploy/`, and those that `dnsbl convert` writes.

use std::{fs, path::Path, process::Command};

use dnsbl_tests::{PATIENCE, Process, TestServer, program, tool};
use serde_json::json;
use tempfile::TempDir;

use super::snippet;
use crate::server;

/// What it needs to look at the answers of lists, and nothing else of what it comes with.
const PLUGINS: &str = "loadplugin Mail::SpamAssassin::Plugin::DNSEval\n\
                       loadplugin Mail::SpamAssassin::Plugin::Check\n";

/// SpamAssassin with the rules of a folder, and no others.
fn spamassassin(folder: &Path) -> Command {
    let mut command = Command::new(tool("spamassassin"));
    command.args(["--nocreate-prefs", "--prefspath=/dev/null"]);
    command.arg(format!("--configpath={}", folder.join("none").display()));
    command.arg(format!("--siteconfigpath={}", folder.join("site").display()));
    command.env("HOME", folder);
    command
}

/// Writes rules into a folder, for lists that `server` has.
fn write_rules(folder: &Path, rules: &str, server: &TestServer) {
    for name in ["none", "site"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    fs::write(folder.join("none/none.cf"), "").unwrap();
    fs::write(folder.join("site/init.pre"), PLUGINS).unwrap();
    let local = format!(
        "{rules}\ndns_server [{}]:{}\ndns_available yes\nutil_rb_tld net example\n\
         add_header all Hits tests=_TESTS_\n",
        server.dns().ip(),
        server.dns().port()
    );
    fs::write(folder.join("site/local.cf"), local).unwrap();
}

/// Looks at a message from a host and a sender; the rules that hit.
#[track_caller]
fn hits(folder: &Path, host: &str, sender: &str) -> String {
    let message = folder.join("message");
    let text = format!(
        "Return-Path: <{sender}>\n\
         Received: from mail.example.net (mail.example.net [{host}]) by mx.my.example (Postfix)\n\
         \twith ESMTP id 4ABCDEF; Sun, 29 Nov 2026 12:00:00 +0000\n\
         From: {sender}\nTo: b@my.example\nSubject: hello\nDate: Sun, 29 Nov 2026 12:00:00 +0000\n\
         Message-ID: <1@mail.example.net>\n\nhello\n"
    );
    fs::write(&message, text).unwrap();
    let mut command = spamassassin(folder);
    command.arg("--test-mode").arg(&message);
    let done = Process::start(&mut command).unwrap().wait(6 * PATIENCE).unwrap();
    let line = done.stdout.lines().find_map(|line| line.strip_prefix("X-Spam-Hits: "));
    line.unwrap_or_else(|| panic!("{done:?}")).to_owned()
}

/// Newcomer B2: the rules were looked up, and never hit.
#[test]
fn rules_that_convert_writes_hit_what_is_listed_and_nothing_else() {
    let server = server();
    let (bl, dbl) = (server.ip_zone(json!({})), server.domain_zone(json!({})));
    bl.put("203.0.113.9", "?override=special-use", &json!({}));
    dbl.put("spam.example.net", "", &json!({ "return_codes": ["127.0.1.2"] }));

    let dir = TempDir::new().unwrap();
    let config = dir.path().join("policy.toml");
    let zones = format!(
        "version = \"v1\"\n[score]\nreject = 3\n\
         [[zone]]\nname = \"{}\"\nrules = [{{ filter = \"127.0.0.[2..254]\", weight = 3 }}]\n\
         [[zone]]\nname = \"{}\"\nasks = \"domains\"\nrules = [{{ filter = \"127.0.1.[2..106]\", weight = 2 }}]\n",
        bl.origin(),
        dbl.origin()
    );
    fs::write(&config, zones).unwrap();
    let mut convert = Command::new(program("dnsbl"));
    convert.args(["convert", "--from", "toml", "--to", "spamassassin"]).arg(&config);
    let rules = Process::run(&mut convert).unwrap();
    assert_eq!(rules.code, Some(0), "{}", rules.stderr);

    write_rules(dir.path(), &rules.stdout, &server);

    let symbol = |origin: &str| origin.to_uppercase().replace(['.', '-'], "_");
    let by_address = format!("{}_0", symbol(bl.origin()));
    let by_sender = format!("{}_0", symbol(dbl.origin()));
    for (host, sender, expected) in [
        ("203.0.113.9", "a@ham.example.net", &[&by_address][..]),
        ("203.0.113.8", "a@spam.example.net", &[&by_sender]),
        ("203.0.113.8", "a@ham.example.net", &[]),
    ] {
        let found = hits(dir.path(), host, sender);
        for rule in [&by_address, &by_sender] {
            assert_eq!(found.contains(rule), expected.contains(&rule), "{host} {sender}: {found}");
        }
    }
}

#[test]
fn rules_of_deploy_are_without_mistakes_and_hit_what_is_listed_and_no_refusal() {
    let server = server();
    let bl = server.ip_zone(json!({}));
    bl.put("203.0.113.9", "?override=special-use", &json!({}));
    bl.put("203.0.113.7", "?override=special-use", &json!({"return_codes": ["127.0.1.2"]}));
    let dir = TempDir::new().unwrap();
    let rules = snippet("spamassassin/dnsbl.cf", bl.origin().trim_end_matches('.'));
    write_rules(dir.path(), &rules, &server);
    let lint = Process::start(spamassassin(dir.path()).arg("--lint")).unwrap();
    let lint = lint.wait(6 * PATIENCE).unwrap();
    assert_eq!(lint.code, Some(0), "{lint:?}");
    for (host, is_hit) in [("203.0.113.9", true), ("203.0.113.8", false), ("203.0.113.7", false)] {
        let found = hits(dir.path(), host, "a@ham.example.net");
        assert_eq!(found.contains("RCVD_IN_BL_EXAMPLE"), is_hit, "{host}: {found}");
    }
}
