//! An open relay from its nomination to its removal, as those see it who nominate it, who are refused, and who run it.

use std::{net::SocketAddrV4, time::SystemTime};

use dnsbl_tests::{
    Browser, Look, PATIENCE, eventually,
    mta::{Exim, EximRelaying, unique_host},
};

use super::{
    accessibility::expect_accessible,
    flows::expect_heading,
    site::{Site, TEST},
};

const BUTTON: &str = "form.form button[type=submit]";

#[test]
fn a_nominated_relay_is_tested_listed_looked_up_closed_tested_again_and_removed() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    let addr = SocketAddrV4::new(unique_host(), 25);
    let host = addr.ip().to_string();
    let open = Exim::start_at(addr, &EximRelaying::Open, site.receiver);
    browser.look(Look::NARROW);

    // Somebody got spam by way of it.
    browser.open(&site.url("/en/"));
    browser.click("header a[href='/en/nominate']");
    expect_heading(&browser, "Relay test");
    browser.fill("#address", &host);
    browser.click("input[name=ground][value=evidence]");
    browser.fill("#evidence", &format!("Received: from spammer.example by [{host}]\n\nBuy now"));
    browser.click(BUTTON);
    // Who is quicker than people are is asked to look once more; a busy machine is not quick.
    if !browser.url().contains("/tests/") {
        expect_to_be_asked_again(&browser);
        send(&browser, "/tests/");
    }
    expect_verdict(&browser, "bad");
    expect_accessible(&browser, "a test that found a relay");
    browser.keep_picture("story-open.en.320.light");
    assert!(!browser.text("main").contains("Buy now"), "{}", browser.text("main"));

    // Whoever is refused reads why, in Japanese, and that it is to be closed.
    browser.open(&site.url(&format!("/ja/lookup/{host}")));
    expect_heading(&browser, &format!("{host} は掲載されています"));
    assert!(browser.text("main").contains("第三者中継テストの結果"), "{}", browser.text("main"));
    expect_accessible(&browser, "the page of a relay");
    browser.keep_picture("story-listed.ja.320.light");

    // Whoever runs it closes it, and has it tested again.
    drop(open);
    let _closed = Exim::start_at(addr, &EximRelaying::Closed, site.receiver);
    browser.open(&site.url(&format!("/ja/nominate?ground=delist&address={host}")));
    let typed = browser.run(
        "return [document.querySelector('#address').value, document.querySelector('[name=ground]:checked').value]",
    );
    assert_eq!(typed, serde_json::json!([host, "delist"]));
    send(&browser, "/tests/");
    expect_verdict(&browser, "good");
    browser.keep_picture("story-clean.ja.320.light");

    // The second clean test comes by itself, and removes it.
    let removed = format!("{host} は掲載されていません");
    eventually(TEST, || {
        browser.open(&site.url(&format!("/ja/lookup/{host}")));
        let heading = browser.text("h1");
        if heading == removed { Ok(()) } else { Err(heading) }
    });
    browser.keep_picture("story-removed.ja.320.light");
}

#[test]
fn who_asks_for_removal_gets_a_page_that_says_how_that_stands() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::NARROW);
    browser.open(&site.url("/en/remove?q=192.0.2.99"));
    send(&browser, "/en/remove/");
    assert!(browser.text("main").contains("192.0.2.99"), "{}", browser.text("main"));
    expect_accessible(&browser, "a request for removal");
    browser.keep_picture("story-ticket.en.320.light");
    browser.click("header a[hreflang=ja]");
    eventually(PATIENCE, || match browser.url() {
        url if url.contains("/ja/remove/") => Ok(()),
        other => Err(other),
    });
    assert!(browser.text("main").contains("192.0.2.99"), "{}", browser.text("main"));
    browser.look_at_print();
    browser.keep_print("story-ticket.ja");
}

/// The form says what is wrong, and has what was typed.
#[track_caller]
fn expect_to_be_asked_again(browser: &Browser) {
    assert!(!browser.text(".fault").is_empty());
    assert!(browser.run("return document.querySelector('#evidence').value") != "");
    expect_accessible(browser, "a form with a mistake");
    browser.keep_picture("story-early.en.320.light");
}

/// Sends a form once it has been looked at for long enough; it leads to a page there.
#[track_caller]
pub(super) fn send(browser: &Browser, place: &str) {
    let seal = browser.run("return document.querySelector('[name=seal]').value");
    let shown =
        seal.as_str().and_then(|seal| seal.split_once('.')).map(|(at, _)| at.parse::<u64>());
    let shown = shown.expect("a seal has a time").expect("in seconds");
    eventually(PATIENCE, || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
        if now.as_secs() > shown + 3 { Ok(()) } else { Err(now) }
    });
    browser.click(BUTTON);
    eventually(PATIENCE, || match browser.url() {
        url if url.contains(place) => Ok(()),
        other => Err(other),
    });
}

/// Waits for the verdict on the page of a test, which looks again by itself.
#[track_caller]
fn expect_verdict(browser: &Browser, class: &str) {
    eventually(TEST, || {
        let state = browser.run("return document.querySelector('main .state')?.className ?? ''");
        if state == format!("state {class}") { Ok(()) } else { Err(state) }
    });
}
