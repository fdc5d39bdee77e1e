//! The command `dnsbl`.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    fake::{Fake, Says, World},
    server::Server,
    zones,
};

/// Runs `dnsbl check` with these words and a resolver.
async fn check(words: &str) -> Output {
    let server = Server::start(zones::script).await;
    let resolver = format!("--resolver={}", server.addr);
    let command = ["check", &resolver].into_iter();
    dnsbl(command.chain(words.split(' '))).await
}

pub(crate) async fn dnsbl(words: impl IntoIterator<Item = impl Into<String>>) -> Output {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_dnsbl")).args(words).output();
    tokio::task::spawn_blocking(run).await.unwrap().unwrap()
}

/// Runs the command that follows a log, with this on standard input.
pub(crate) async fn with_input(
    command: &'static str,
    words: &'static [&'static str],
    input: String,
) -> Output {
    let run = move || {
        let mut run = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
        run.args([command, "--log", "-"]).args(words);
        run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = run.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn code(words: &str) -> Option<i32> {
    check(words).await.status.code()
}

pub(crate) fn stdout(output: &Output) -> &str {
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

/// Runs `dnsbl` with this on standard input.
async fn dnsbl_reading(words: &[&str], input: &str) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_dnsbl"));
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
    child.wait_with_output().await.unwrap()
}

/// A list of addresses and one of domains, both good.
async fn world() -> Fake {
    let world = World::default();
    world.good("bl.example", &["99.2.0.192"]).good("dbl.example", &["spam.example.net"]);
    world.set("world.example", |_| Says::Codes(vec!["127.0.0.2"]));
    world.set("dead.example", crate::fake::fail);
    world.serve().await
}

#[tokio::test]
async fn subjects_come_from_standard_input_one_a_line_and_in_order() {
    let fake = world().await;
    let resolver = format!("--resolver={}", fake.addr);
    let words = ["check", "--zone", "bl.example", &resolver];
    let many: String = (0..5000).map(|i| format!("198.51.{}.{}\n", i / 250, i % 250)).collect();
    let output = dnsbl_reading(&words, &format!("# ours\n\n192.0.2.99 seen\n{many}")).await;
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 5001);
    assert_eq!(lines[0], "192.0.2.99       bl.example  listed      127.0.0.2  listed");
    assert!(lines[5000].starts_with("198.51.19.249    bl.example  not-listed"));
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn json_from_standard_input_is_one_document_and_a_bad_line_is_named() {
    let fake = world().await;
    let resolver = format!("--resolver={}", fake.addr);
    let words = ["check", "-", "--json", "--zone", "bl.example", &resolver];
    let output = dnsbl_reading(&words, "198.51.100.1\n192.0.2.300\n198.51.100.2\n").await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["results"].as_array().unwrap().len(), 2);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("line 2: "));
}

#[tokio::test]
async fn domains_are_looked_up_as_domains() {
    let fake = world().await;
    let resolver = format!("--resolver={}", fake.addr);
    let output =
        dnsbl(["check", "spam.example.net", "ham.example.net", "--zone", "dbl.example", &resolver])
            .await;
    let expected = "spam.example.net  dbl.example  listed      127.0.0.2  listed\n\
                    ham.example.net   dbl.example  not-listed\n";
    assert_eq!(stdout(&output), expected);
    assert!(fake.asked().iter().any(|asked| asked.name == "spam.example.net.dbl.example."));
}

#[tokio::test]
async fn no_color_gets_into_a_file_or_pipe() {
    let output = check("192.0.2.99 --zone listed.example").await;
    assert!(!stdout(&output).contains('\u{1b}'));
}

#[tokio::test]
async fn health_tells_good_lists_from_those_that_list_the_world_and_the_dead() {
    let fake = world().await;
    let resolver = format!("--resolver={}", fake.addr);
    for (zone, code, said) in [
        ("bl.example", 0, "bl.example  good\n"),
        ("world.example", 1, "not to be believed"),
        ("dead.example", 2, "can't tell"),
    ] {
        let output = dnsbl(["health", zone, &resolver]).await;
        assert_eq!(output.status.code(), Some(code), "{zone}: {}", stdout(&output));
        assert!(stdout(&output).contains(said), "{}", stdout(&output));
    }
    let output = dnsbl(["health", "bl.example", "--json", &resolver]).await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["zones"][0]["verdict"], "good");
    let asked = |name: &str| {
        let points = json["zones"][0]["points"].as_array().unwrap().clone();
        points.into_iter().find(|point| point["asked"] == name).unwrap()["status"].clone()
    };
    assert_eq!((asked("127.0.0.2"), asked("127.0.0.1")), (json!("listed"), json!("not-listed")));
    assert_eq!(asked("::ffff:127.0.0.2"), json!("listed"));
    let output = dnsbl(["health", "--domains", "dbl.example", &resolver]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[tokio::test]
async fn explain_says_what_was_answered_what_it_counts_and_what_is_decided() {
    let fake = world().await;
    let resolver = format!("--resolver={}", fake.addr);
    let output = dnsbl(["explain", "192.0.2.99", "--zone", "bl.example", &resolver]).await;
    for part in [
        "answered  127.0.0.2",
        "reason    listed",
        "rule 1    matches, 1 points",
        "score 1: reject",
    ] {
        assert!(stdout(&output).contains(part), "{part}: {}", stdout(&output));
    }
    assert_eq!(output.status.code(), Some(1));
    let output = dnsbl(["explain", "192.0.2.99", "--zone", "world.example", &resolver]).await;
    assert!(stdout(&output).contains("counts nothing"), "{}", stdout(&output));
    assert!(stdout(&output).contains("score 0: pass"), "{}", stdout(&output));
}

#[tokio::test]
async fn explain_without_health_asks_only_what_it_explains() {
    let fake = world().await;
    let resolver = format!("--resolver={}", fake.addr);
    dnsbl(["explain", "192.0.2.8", "--no-health", "--zone", "bl.example", &resolver]).await;
    let names: Vec<String> = fake.asked().into_iter().map(|asked| asked.name).collect();
    assert_eq!(names, ["8.2.0.192.bl.example."]);
}

#[tokio::test]
async fn lint_finds_mistakes_and_exits_1() {
    let output = dnsbl(["lint", "postscreen_dnsbl_sites", "=", "bl.example*2"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).starts_with("line 1: error: bl.example: any answer is a listing"),
        "{}",
        stdout(&output)
    );
    let output = dnsbl(["lint", "bl.example=127.0.0.[2..254]"]).await;
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), ""));
    assert_eq!(dnsbl(["lint"]).await.status.code(), Some(2));
    let output = dnsbl(["lint", "--json", "dnslists = bl.example!=127.0.0.2"]).await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["findings"][0]["rule"], "negation-lists-the-world");
}

/// Newcomer B2: /etc/passwd was a clean file.
#[tokio::test]
async fn a_file_in_which_nothing_is_understood_is_no_clean_file() {
    for (text, said) in [
        (
            "root:x:0:0:root:/root:/bin/sh\nbin:x:2:2::/bin:/bin/sh\n",
            "no lists found; what is read: ",
        ),
        ("FEATURE(`dnsbl', `bl.example')dnl\n", "it seems to be for Sendmail"),
        ("[main]\nzones = bl.example\n", "it seems to be for Haraka"),
        ("myhostname = mx.example.org\nmydomain = example.org\n", "no lists found"),
    ] {
        let output = dnsbl_reading(&["lint", "-"], text).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{text}");
        assert!(stderr.contains(said), "{text}: {stderr}");
    }
}

/// Field cases 79 and 81.
#[tokio::test]
async fn lint_reads_macros_and_lines_without_blanks() {
    for (text, said) in [
        (
            "A_LISTS = zen.spamhaus.org : dnsbl.sorbs.net\n dnslists = A_LISTS\n",
            &[
                "line 1: error: zen.spamhaus.org: ",
                "line 1: error: dnsbl.sorbs.net: the list ended in 2024",
            ][..],
        ),
        (
            "a = b\nsmtpd_client_restrictions=reject_rbl_client zen.spamhaus.org\n",
            &["line 2: error: zen.spamhaus.org: any answer is a listing"],
        ),
    ] {
        let output = dnsbl_reading(&["lint", "-"], text).await;
        assert_eq!(output.status.code(), Some(1));
        for part in said {
            assert!(stdout(&output).contains(part), "{part}: {}", stdout(&output));
        }
        assert!(!stdout(&output).contains("A_LISTS"), "{}", stdout(&output));
    }
}

#[tokio::test]
async fn convert_writes_what_the_others_read() {
    let sites = "bl.example=127.0.0.[2..4]*3 wl.example=127.0.0.2*-2";
    let convert = async |from: &str, to: &str, text: &str| {
        let output = dnsbl(["convert", "--from", from, "--to", to, text]).await;
        assert!(output.status.success(), "{from} {to}: {output:?}");
        stdout(&output).to_owned()
    };
    let exim = convert("postscreen", "exim", "bl.example=127.0.0.[2..4]*3").await;
    assert_eq!(exim, "bl.example=127.0.0.2,127.0.0.3,127.0.0.4\n");
    assert!(convert("exim", "rspamd", exim.trim()).await.contains("rbl = \"bl.example\""));
    assert!(convert("exim", "spamassassin", exim.trim()).await.contains("check_rbl"));
    let toml = convert("postscreen", "toml", sites).await;
    let output = dnsbl_reading(&["convert", "--from", "toml", "--to", "postscreen"], &toml).await;
    assert_eq!(stdout(&output).trim(), sites);
}

/// Newcomer B2: what `--to toml` wrote was refused by check-config.
#[tokio::test]
async fn convert_to_toml_writes_a_whole_configuration_of_a_whole_file() {
    let main = "mydomain = example.org\npostscreen_dnsbl_sites =\n  bl.example=127.0.0.[2..11]*2\n  other.example=127.0.0.2\n  \
                wl.example=127.0.[0..255].[1..3]*-4\npostscreen_dnsbl_threshold = 3\n";
    let output = dnsbl_reading(&["convert", "--from", "postscreen", "--to", "toml"], main).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("reject = 3\n"), "{}", stdout(&output));
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("policy.toml");
    std::fs::write(&file, stdout(&output)).unwrap();
    let output = dnsbl(["check-config", "--config", file.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).ends_with("policy.toml: ok\n"), "{output:?}");
}

/// Newcomer B2: the first list of domains ended it, and allow lists vanished without a word.
#[tokio::test]
async fn convert_writes_what_can_be_said_and_names_what_can_not() {
    let config = "version = \"v1\"\n[score]\nreject = 3\n\
        [[zone]]\nname = \"bl.example\"\nrules = [{ filter = \"127.0.0.[2..254]\", weight = 3 }]\n\
        [[zone]]\nname = \"dbl.example\"\nasks = \"domains\"\nrules = [{ filter = \"127.0.1.[2..99]\", weight = 3 }]\n\
        [[zone]]\nname = \"wl.example\"\nkind = \"allow\"\nrules = [{ filter = \"127.0.0.2\", weight = 2 }]\n\
        [[zone]]\nname = \"log.example\"\nkind = \"informational\"\n";
    for (to, code, written, left_out) in [
        (
            "postscreen",
            1,
            &["bl.example=127.0.0.[2..254]*3", "wl.example=127.0.0.2*-2"][..],
            &["dbl.example", "log.example"][..],
        ),
        (
            "exim",
            1,
            &["bl.example=127.0.0.2,", "dbl.example=127.0.1.2,"],
            &["wl.example", "log.example"],
        ),
        (
            "spamassassin",
            0,
            &["'bl.example.'", "'dbl.example.'", "WL_EXAMPLE_0 -2", "LOG_EXAMPLE_0 0.001"],
            &[],
        ),
        ("rspamd", 0, &["\"bl.example\"", "\"dbl.example\"", "is_whitelist"], &[]),
    ] {
        let words = ["convert", "--from", "toml", "--to", to];
        let output = dnsbl_reading(&words, config).await;
        assert_eq!(output.status.code(), Some(code), "{to}: {output:?}");
        for part in written {
            assert!(stdout(&output).contains(part), "{to}: {part}: {}", stdout(&output));
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr.lines().count(), left_out.len(), "{to}: {stderr}");
        for zone in left_out {
            assert!(stderr.contains(&format!("dnsbl: {zone}: left out: ")), "{to}: {stderr}");
        }
    }
}

#[tokio::test]
async fn convert_says_that_weights_are_lost_and_where_an_entry_is_wrong() {
    let words = ["convert", "--from", "postscreen", "--to", "exim"];
    let main = "postscreen_dnsbl_threshold = 3\npostscreen_dnsbl_sites = a.example=127.0.0.2*2 b.example=127.0.0.2*2\n";
    let output = dnsbl_reading(&words, main).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr).matches("its weight is lost").count(), 2);
    let bad = "x = y\npostscreen_dnsbl_sites =\n a.example=127.0.0.2\n b.example=127.0.0.[2\n";
    let output = dnsbl_reading(&words, bad).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr, "dnsbl: line 4: b.example: at character 21: ';', '..' or ']' is missing\n");
    let output = dnsbl_reading(&words, "x = y\n").await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn case_45_no_command_prints_a_key() {
    let fake = world().await;
    let (resolver, zone) = (format!("--resolver={}", fake.addr), "s3cr3tk3y.zen.dq.spamhaus.net");
    for words in [
        &["check", "192.0.2.1", "--json", "--zone", zone, &resolver][..],
        &["check", "192.0.2.1", "--zone", zone, &resolver],
        &["health", zone, &resolver],
        &["explain", "192.0.2.1", "--zone", zone, &resolver],
        &["lint", zone],
        &["convert", "--from", "postscreen", "--to", "toml", zone],
        &["convert", "--from", "postscreen", "--to", "exim", zone],
    ] {
        let output = dnsbl(words.iter().copied()).await;
        let said = format!("{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
        assert!(
            said.contains("zen.dq.spamhaus.net") && !said.contains("s3cr3tk3y"),
            "{words:?}: {said}"
        );
    }
}
