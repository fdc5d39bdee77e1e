//! A spam listing from the report to the removal that is taken back, as those see it who report, review and are refused.

use std::{fs, process::Command};

use dnsbl_tests::{Browser, Look, PATIENCE, Process, eventually, program};
use serde_json::json;

use super::{
    accessibility::expect_accessible,
    console::{expect_notice, follow, is_listed, send},
    flows::expect_heading,
    site::Site,
    story,
};

const HOST: &str = "203.0.113.25";

/// What a reporter and a reviewer tell each other, and nobody else.
const PRIVATE: [&str; 5] =
    ["trap-7", "victim@example.jp", "Cheap watches", "fake invoices", "seen here too"];

#[test]
fn a_spam_listing_is_reported_reviewed_listed_appealed_removed_and_undone() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    let reports = json!({"reports": {"categories": {"spam": {}}}, "reason": "Sent spam: $"});
    let zone = site.server.ip_zone_at("spam.example.org", reports);
    let lookup = site.url(&format!("/ja/lookup/{HOST}"));
    browser.look(Look::NARROW);

    // A spam trap reports it, which lists nothing yet.
    report(&site);
    assert!(!is_listed(&zone, HOST));

    // A reviewer takes it, looks at the evidence, and finds it true.
    let token = json!({"name": "hanako", "role": "reviewer"});
    let token = site.server.admin().post("/v1/tokens", &token).expect(201).json();
    site.sign_in_with(&browser, token["token"].as_str().expect("a token"));
    follow(&browser, "reports");
    browser.click("main h2 a");
    expect_heading(&browser, &format!("{HOST} – spam"));
    let shown = browser.text("main");
    assert!(shown.contains("Cheap watches") && !shown.contains("victim@example.jp"), "{shown}");
    browser.keep_picture("story-report.en.320.light");
    decide(&browser, "report", "confirm", "seen here too");
    assert!(is_listed(&zone, HOST));

    // Whoever is refused reads why, and appeals.
    browser.open(&lookup);
    expect_heading(&browser, &format!("{HOST} は掲載されています"));
    expect_nothing_private(&browser);
    browser.click(&format!("main a[href='/ja/remove?q={HOST}']"));
    assert_eq!(browser.run("return document.querySelector('#subject').value"), HOST);
    browser.fill("#comment", "感染した PC を停止しました。");
    story::send(&browser, "/ja/remove/");
    let ticket = browser.url();
    assert_eq!(browser.text("main .state"), "担当者の確認待ち");
    expect_nothing_private(&browser);

    // The reviewer grants it, and it is gone from DNS.
    browser.open(&site.url("/en/admin"));
    decide(&browser, "removal", "grant", "ご対応ありがとうございます");
    assert!(!is_listed(&zone, HOST));
    browser.open(&ticket);
    assert_eq!(browser.text("main .state"), "解除済み");
    assert!(browser.text("main").contains("ご対応ありがとうございます"));
    expect_nothing_private(&browser);
    expect_accessible(&browser, "a request that was granted");
    browser.keep_picture("story-granted.ja.320.light");
    browser.open(&lookup);
    expect_heading(&browser, &format!("{HOST} は掲載されていません"));

    // It was no good: the removal is taken back, and the request waits again.
    browser.open(&site.url("/en/admin"));
    follow(&browser, "audit");
    browser.keep_picture("story-audit.en.320.light");
    send(&browser, "undo");
    expect_notice(&browser, "was undone");
    assert!(is_listed(&zone, HOST));
    browser.open(&ticket);
    assert_eq!(browser.text("main .state"), "担当者の確認待ち");
    browser.open(&lookup);
    expect_heading(&browser, &format!("{HOST} は掲載されています"));
    browser.open(&site.url("/en/admin/review"));
    assert!(browser.text("main").contains(HOST), "{}", browser.text("main"));
}

/// Reports it as spam traps do: by the command, with a token that can do nothing else.
#[track_caller]
fn report(site: &Site) {
    let token = json!({"name": "trap-7", "scopes": ["reports:write"]});
    let token = site.server.admin().post("/v1/tokens", &token).expect(201).json();
    let (token_file, evidence) =
        (site.server.data_dir().join("trap.token"), site.server.data_dir().join("spam.eml"));
    fs::write(&token_file, token["token"].as_str().expect("a token")).unwrap();
    let mail =
        format!("Received: from x ([{HOST}])\nTo: victim@example.jp\nSubject: Cheap watches\n");
    fs::write(&evidence, mail).unwrap();
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", site.server.admin().url()]).arg("--token-file").arg(token_file);
    command.args(["report", "add", HOST, "--category", "spam", "--comment", "fake invoices"]);
    let done = Process::run(command.arg("--evidence-file").arg(evidence)).unwrap();
    assert!(done.stdout.starts_with(&format!("reported  {HOST}  waiting")), "{}", done.stderr);
}

/// Takes the only thing of a kind that waits, and decides about it.
#[track_caller]
fn decide(browser: &Browser, kind: &str, decision: &str, note: &str) {
    follow(browser, "review");
    browser.click(&format!("#kind option[value={kind}]"));
    browser.click("main form[method=get] button");
    eventually(PATIENCE, || match browser.url() {
        url if url.ends_with(&format!("?kind={kind}")) => Ok(()),
        other => Err(other),
    });
    browser.click("main h2 a");
    expect_heading(browser, HOST);
    browser.click("main form[action$='/claim'] button");
    expect_notice(browser, "Others see for half an hour that you work on it.");
    assert!(browser.text("main").contains("hanako"), "{}", browser.text("main"));
    expect_accessible(browser, "something that is worked on");
    browser.keep_picture(&format!("story-claimed-{kind}.en.320.light"));
    browser.click(&format!("#decision option[value={decision}]"));
    browser.fill("#note", note);
    browser.click("main form:has(#decision) button");
    expect_notice(browser, "The decision is kept.");
}

#[track_caller]
fn expect_nothing_private(browser: &Browser) {
    let page = browser.run("return document.documentElement.outerHTML");
    for word in PRIVATE.into_iter().chain(["hanako"]) {
        assert!(!page.as_str().unwrap_or_default().contains(word), "{word}: {page}");
    }
}
