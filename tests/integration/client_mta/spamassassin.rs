//! SpamAssassin with the rules that `dnsbl convert` writes.

use std::{fs, path::Path, process::Command};

use dnsbl_tests::{PATIENCE, Process, program, tool};
use serde_json::json;
use tempfile::TempDir;

use crate::server;

/// What it needs to look at the answers of lists, and nothing else of what it comes with.
const PLUGINS: &str = "loadplugin Mail::SpamAssassin::Plugin::DNSEval\n\
                       loadplugin Mail::SpamAssassin::Plugin::Check\n";

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
    let mut command = Command::new(tool("spamassassin"));
    command.args(["--test-mode", "--nocreate-prefs", "--prefspath=/dev/null"]);
    command.arg(format!("--configpath={}", folder.join("none").display()));
    command.arg(format!("--siteconfigpath={}", folder.join("site").display()));
    command.arg(&message).env("HOME", folder);
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

    for folder in ["none", "site"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    fs::write(dir.path().join("none/none.cf"), "").unwrap();
    fs::write(dir.path().join("site/init.pre"), PLUGINS).unwrap();
    let local = format!(
        "{}\ndns_server [{}]:{}\ndns_available yes\nutil_rb_tld net example\n\
         add_header all Hits tests=_TESTS_\n",
        rules.stdout,
        server.dns().ip(),
        server.dns().port()
    );
    fs::write(dir.path().join("site/local.cf"), local).unwrap();

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
