//! Lists as others publish them, with the real command.

use std::{fs, path::Path, process::Command};

use dnsbl_tests::{Answer, Finished, Process, TestServer, program};
use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server;

#[track_caller]
fn ctl(server: &TestServer, words: &[&str]) -> Finished {
    let token = server.data_dir().join("admin.token");
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", server.admin().url()]).arg("--token-file").arg(token).args(words);
    Process::run(&mut command).unwrap()
}

/// A zone, a file and what is in it, more words of the command, and what it says.
type Case<'a> = (&'a str, &'a str, &'a [u8], &'a [&'a str], &'a str);

/// Field cases 1, 2, 10 to 13, 15 and 25: exit 1, and what it seems to be.
#[test]
fn what_can_not_be_read_fails_the_command_and_is_named() {
    let server = server();
    let (ip, domain) = (server.ip_zone(json!({})), server.domain_zone(json!({})));
    let dir = TempDir::new().unwrap();
    let cases: [Case<'_>; 8] = [
        (
            ip.origin(),
            "dshield.txt",
            b"Start\tEnd\tNetblock\n198.51.100.0\t198.51.100.255\t24\t3012\tEXAMPLE-NET\n",
            &[],
            "198.51.100.0/24",
        ),
        (ip.origin(), "ranges.txt", b"192.0.2.8 - 192.0.2.15\n", &[], "192.0.2.8/29"),
        (ip.origin(), "utf16.txt", b"\xff\xfe1\x009\x002\x00.\x000\x00\n\x00", &[], "UTF-16"),
        (ip.origin(), "page.html", b"<!doctype html>\n<html>\n</html>\n", &[], "an HTML page"),
        (
            ip.origin(),
            "drop.json",
            b"{\"cidr\":\"198.51.100.0/24\",\"rir\":\"arin\"}\n",
            &["--format", "ndjson"],
            "`subject` and not `cidr`",
        ),
        (domain.origin(), "hosts.txt", b"0.0.0.0 bad.example.com\n", &[], "a hosts file"),
        (domain.origin(), "dots.txt", b".dotted.example.com\n", &[], "*.dotted.example.com"),
        (ip.origin(), "rows.txt", b"192.0.2.1\nnonsense/\n", &["--strict"], "--strict allows none"),
    ];
    for (zone, name, bytes, more, says) in cases {
        let file = dir.path().join(name);
        fs::write(&file, bytes).unwrap();
        let words = [&["import", zone, file.to_str().unwrap()][..], more].concat();
        let run = ctl(&server, &words);
        assert_eq!(run.code, Some(1), "{name}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says), "{name}: {says:?} is not in {}", run.stderr);
        assert!(run.stderr.contains("added "), "{name}: {}", run.stderr);
    }
    for zone in [&ip, &domain] {
        let export = server.admin().get(&format!("{}/export", zone.path())).expect(200).text;
        assert_eq!(export, "");
    }
}

/// Newcomer A1, field case 25.
#[test]
fn a_packed_file_is_known_by_its_first_bytes() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("rows"), "192.0.2.1\n").unwrap();
    let pack = |from: &str, to: &str| {
        let run = Command::new("gzip").args(["-c", &path(from)]).output().unwrap();
        fs::write(path(to), run.stdout).unwrap();
    };
    pack("rows", "wrong-name.txt");
    pack("wrong-name.txt", "twice.txt.gz");
    fs::copy(path("rows"), path("not-packed.gz")).unwrap();
    fs::write(path("rows.bz2"), b"BZh91AY&SY\x00\x00").unwrap();
    for name in ["wrong-name.txt", "not-packed.gz"] {
        let run = ctl(&server, &["import", zone.origin(), &path(name)]);
        assert_eq!(run.code, Some(0), "{name}: {}", run.stderr);
    }
    let twice = ctl(&server, &["import", zone.origin(), &path("twice.txt.gz")]);
    assert_eq!(twice.code, Some(1));
    assert!(twice.stderr.contains("gzip data (once too often"), "{}", twice.stderr);
    let bzip2 = ctl(&server, &["import", zone.origin(), &path("rows.bz2")]);
    assert_eq!(bzip2.code, Some(1));
    assert!(bzip2.stderr.contains("bzip2 data"), "{}", bzip2.stderr);
    zone.check([("1.2.0.192", A, Answer::listed())]);
}

/// Newcomer A6.
#[test]
fn an_export_of_one_source_comes_back_as_that_source() {
    let server = server();
    let (from, to) = (server.ip_zone(json!({})), server.ip_zone(json!({})));
    from.put("192.0.2.1", "?source=a", &json!({"reason": "by a", "tags": ["t"]}));
    from.put("192.0.2.1", "?source=b", &json!({"reason": "by b"}));
    from.put("192.0.2.2", "?source=a", &json!({}));
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("out.ndjson");
    let file = file.to_str().unwrap();
    let lines = |words: &[&str]| {
        let words = [&["export", from.origin(), "--output", file], words].concat();
        let run = ctl(&server, &words);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        fs::read_to_string(file).unwrap().lines().count()
    };
    assert_eq!(lines(&["--source", "a"]), 2);
    assert_eq!(lines(&["--source", "a", "--tag", "t"]), 1);
    assert_eq!(lines(&["--tag", "none"]), 0);
    assert_eq!(lines(&[]), 3);
    assert_eq!(ctl(&server, &["import", to.origin(), file]).code, Some(0));
    let shown = |zone: &str| {
        let run = ctl(&server, &["listing", "show", zone, "192.0.2.1", "--json"]);
        let shown: Value = serde_json::from_str(&run.stdout).unwrap();
        let listings = shown["listings"].as_array().unwrap().clone();
        let fields = ["source", "reason", "tags", "listed_at"];
        listings
            .iter()
            .map(|listing| fields.map(|field| listing[field].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(to.origin()), shown(from.origin()));
}

/// Newcomer A1, A2: the help offered what the server refuses, and advice was API speak.
#[test]
fn help_and_advice_are_in_the_words_of_the_command() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let help = ctl(&server, &["export", "--help"]).stdout;
    assert!(help.contains("plain, ndjson, csv, rbldnsd, bind, rpz"), "{help}");
    let acl = ["--format", "rbldnsd", "--dataset", "acl"];
    let refused = ctl(&server, &[&["import", zone.origin(), "/dev/null"][..], &acl].concat());
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("--dataset acl says who may ask"), "{}", refused.stderr);
    let refused = ctl(&server, &["listing", "put", zone.origin(), "10.1.2.3"]);
    assert!(refused.stderr.contains("--override special-use"), "{}", refused.stderr);
    let help = ctl(&server, &["listing", "put", "--help"]).stdout;
    assert!(help.contains("not www.example.com"), "{help}");
    let long = format!("{} https://bl.example.org/$", "x".repeat(250));
    let put = ctl(&server, &["listing", "put", zone.origin(), "192.0.2.1", "--reason", &long]);
    assert_eq!(put.code, Some(0));
    assert!(put.stderr.contains("warning: the reason takes"), "{}", put.stderr);
}

/// A real list that counts how often an address was seen.
#[test]
fn counts_behind_addresses_are_no_bits() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ipsum.txt");
    let run = ctl(&server, &["import", zone.origin(), list.to_str().unwrap(), "--strict"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("rejected 0"), "{}", run.stdout);
}
