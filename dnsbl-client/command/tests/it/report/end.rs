//! What it does without a server, and what it does not take.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{bounces, harvest, refused_at};
use crate::cli::{dnsbl, stdout, with_input};

#[tokio::test]
async fn a_dry_run_prints_what_would_be_posted_of_a_whole_log() {
    // Of yesterday: two harvests of one client an hour apart, and backscatter.
    let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
    let at = |second: i64| yesterday + SignedDuration::from_secs(second);
    let refused = |second, n| refused_at(at(second), "192.0.2.55", "a@b.example", n);
    let first: String = (0..50).map(|n| refused(n, n as u32)).collect();
    let second: String = (0..30).map(|n| refused(3600 + n, n as u32)).collect();
    let input = first + &second + &bounces("2001:db8::1", 20) + "no line end: x";
    let output = with_input("report", &["--dry-run", "--zone", "bl.example.org"], input).await;
    assert!(output.status.success());
    let lines: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {} {}", line["subject"], line["category"], line["count"]))
        .collect();
    told.sort();
    let expected = [
        r#""192.0.2.55" "directory-harvest" 30"#,
        r#""192.0.2.55" "directory-harvest" 50"#,
        r#""2001:db8::1" "backscatter" 20"#,
    ];
    assert_eq!(told, expected);
    assert!(lines.iter().all(|line| line["zone"] == "bl.example.org"));
    assert!(lines[0]["first_seen"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

async fn reported(words: &'static [&'static str], input: String) -> usize {
    stdout(&with_input("report", words, input).await).lines().count()
}

#[tokio::test]
async fn settings_say_what_is_reported() {
    let log = || harvest("127.0.0.2", 0..25);
    assert_eq!(reported(&["--dry-run"], log()).await, 0);
    assert_eq!(reported(&["--dry-run", "--private"], log()).await, 1);
    assert_eq!(reported(&["--dry-run", "--private", "--harvest-threshold", "26"], log()).await, 0);
    assert_eq!(reported(&["--dry-run", "--private", "--category", "backscatter"], log()).await, 0);
    assert_eq!(reported(&["--dry-run", "--private", "--format", "exim"], log()).await, 0);
    let odd = || log().replace("User unknown in local recipient table", "Moved away");
    assert_eq!(reported(&["--dry-run", "--private"], odd()).await, 0);
    assert_eq!(reported(&["--dry-run", "--private", "--unknown-reason", "moved"], odd()).await, 1);
    let half = || {
        let end =
            "postfix/smtpd[4711]: disconnect from x[127.0.0.2] ehlo=1 mail=9 rcpt=9/34 commands=9";
        format!("{}{} mail {end}\n", log(), Timestamp::now())
    };
    assert_eq!(reported(&["--dry-run", "--private"], half()).await, 0);
    assert_eq!(reported(&["--dry-run", "--private", "--failure-share", "70"], half()).await, 1);
}

#[tokio::test]
async fn what_can_not_work_is_told_at_once() {
    for (words, complaint) in [
        (&["--log", "mail.log"][..], "--token-file"),
        (&["--log", "-", "--dry-run", "--state-file", "state"][..], "--state-file"),
        (&["--log", "mail.log", "--token-file", "/nowhere/token"][..], "/nowhere/token"),
        (&["--log", "mail.log", "--dry-run", "--format", "dovecot"][..], "postfix"),
        (&["--log", "mail.log", "--dry-run", "--category", "spam"][..], "backscatter"),
        (
            &["--log", "mail.log", "--dry-run", "--exempt", "hash:/etc/networks"][..],
            "a table is not read",
        ),
        (&["--log", "mail.log", "--dry-run", "--window", "1"][..], "window"),
        (&["--token-file", "/etc/hostname"][..], "--log"),
    ] {
        let output = dnsbl(["report"].iter().chain(words).copied()).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {told}");
        assert!(told.contains(complaint), "{words:?}: {told}");
    }
}
