//! What operators do in the console, by clicks.

use dnsbl_tests::{Answer, Browser, Look, PATIENCE, TestZone, eventually};
use hickory_proto::rr::RecordType::A;
use serde_json::json;

use super::{flows::expect_heading, site::Site};

/// Whether DNS says that it is listed.
#[track_caller]
pub(super) fn is_listed(zone: &TestZone, subject: &str) -> bool {
    matches!(zone.ask_address(subject, A), Answer::Records(_))
}

/// Follows the menu.
#[track_caller]
pub(super) fn follow(browser: &Browser, place: &str) {
    browser.click(&format!("header a[href='/en/admin/{place}']"));
    eventually(PATIENCE, || match browser.url() {
        url if url.ends_with(&format!("/en/admin/{place}")) => Ok(()),
        other => Err(other),
    });
}

/// Sends the first form that does something at a place.
#[track_caller]
pub(super) fn send(browser: &Browser, place: &str) {
    browser.click(&format!("main form[method=post][action='/en/admin/{place}'] button"));
}

/// Waits for what the console says of what was done.
#[track_caller]
pub(super) fn expect_notice(browser: &Browser, told: &str) {
    eventually(PATIENCE, || {
        match browser.run("return document.querySelector('.notice')?.innerText ?? ''") {
            shown if shown.as_str().is_some_and(|shown| shown.contains(told)) => Ok(()),
            other => Err(other),
        }
    });
}

#[test]
fn an_operator_lists_removes_undoes_and_allows_and_signs_out() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    for (look, subject) in
        [(Look::NARROW.without_scripts(), "203.0.113.5"), (Look::WIDE.dark(), "203.0.113.6")]
    {
        browser.look(look);
        let is_listed = || is_listed(&site.relays, subject);
        site.sign_in(&browser);
        expect_heading(&browser, "Overview");
        follow(&browser, "listings");
        browser.click("main a[href='/en/admin/listings/add']");
        expect_heading(&browser, "Add a listing");
        browser.fill("#subject", subject);
        browser.fill("#note", "seen by the operator");
        send(&browser, "listings/add");
        expect_notice(&browser, "Added; DNS answers with it.");
        let main = browser.text("main");
        assert!(main.contains("DNS lists it") && main.contains("seen by the operator"), "{main}");
        assert!(is_listed());
        send(&browser, "listings/remove");
        expect_notice(&browser, "Removed; DNS answers without it.");
        assert!(!is_listed());
        follow(&browser, "audit");
        send(&browser, "undo");
        expect_notice(&browser, "was undone");
        assert!(is_listed());
        follow(&browser, "allow");
        browser.fill("#subject", subject);
        browser.fill("#why", "ours after all");
        send(&browser, "allow");
        expect_notice(&browser, "Added");
        assert!(!is_listed());
        send(&browser, "allow/remove");
        expect_notice(&browser, "Removed");
        assert!(is_listed());
        browser.click("header a[hreflang=ja]");
        expect_heading(&browser, "許可エントリ");
        browser.click("footer form button");
        expect_heading(&browser, "サインイン");
        // Nothing of it is kept by the browser.
        browser.back();
        expect_heading(&browser, "サインイン");
        browser.open(&site.url("/en/admin/listings"));
        expect_heading(&browser, "Sign in");
    }
}

#[test]
fn an_operator_freezes_runs_rotates_opts_out_and_revokes() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::NARROW.without_scripts());
    site.sign_in(&browser);
    browser.open(&site.url("/en/admin/sources?zone=spam.example.org"));
    let frozen = |source: &str| format!("main form:has([value='{source}'])");
    browser.fill(&format!("{} [name=why]", frozen("traps")), "lists customers");
    browser.click(&format!("{} button", frozen("traps")));
    expect_notice(&browser, "The source is frozen");
    let listing = format!("{}?source=traps", site.relays.listing_path("192.0.2.50"));
    let listing = listing.replace("relays.example.org", "spam.example.org");
    site.server.admin().put(&listing, &json!({})).expect_problem(409);
    browser.click(&format!("{} button", frozen("traps")));
    expect_notice(&browser, "The source writes again");
    site.server.admin().put(&listing, &json!({})).expect(201);

    follow(&browser, "feeds");
    send(&browser, "feeds/run");
    expect_notice(&browser, "The feed has run and failed.");

    follow(&browser, "subscribers");
    browser.click("main h2 a");
    expect_heading(&browser, "Example Mail");
    browser.click("main form[action$='/rotate'] button");
    expect_heading(&browser, "A new key");
    let key = browser.text("main code");
    browser.click("main a");
    expect_heading(&browser, "Example Mail");
    assert!(key.len() > 20 && !browser.text("body").contains(&key), "{key} is shown again");

    follow(&browser, "tests");
    browser.fill("#network", "192.0.2.64/26");
    send(&browser, "opt-outs");
    expect_notice(&browser, "The network is not tested any more.");
    browser.click("main form:has([value='192.0.2.64/26']) button");
    expect_notice(&browser, "The network may be tested again.");

    let tokens = site.server.admin().get("/v1/tokens").expect(200).json();
    let tokens = tokens["tokens"].as_array().expect("tokens").clone();
    let id = |name: &str| {
        let token = tokens.iter().find(|token| token["name"] == name);
        token.and_then(|token| token["id"].as_str()).expect("it is there").to_owned()
    };
    follow(&browser, "tokens");
    browser.click(&format!("main form:has([value='{}']) button", id("mx1.example.org")));
    expect_notice(&browser, "Revoked.");
    assert!(!browser.text("main").contains("mx1.example.org"));
}

#[test]
fn what_is_no_token_signs_nobody_in_and_whoever_may_do_less_sees_less() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::NARROW);
    browser.open(&site.url("/ja/admin"));
    expect_heading(&browser, "サインイン");
    browser.fill("#token", "dnsbl_nonsense");
    browser.click("main form button");
    eventually(PATIENCE, || {
        let alerts = browser.run("return document.querySelectorAll('[role=alert]').length");
        if alerts == 1 { Ok(()) } else { Err(alerts) }
    });
    assert_eq!(browser.run("return document.querySelector('#token').value"), "");
    assert!(!browser.text("body").contains("nonsense"));
    browser.open(&site.url("/en/admin"));
    expect_heading(&browser, "Sign in");

    let token = json!({"name": "reader", "role": "reader"});
    let token = site.server.admin().post("/v1/tokens", &token).expect(201).json();
    site.sign_in_with(&browser, token["token"].as_str().expect("a token"));
    for place in ["listings", "sources", "feeds"] {
        follow(&browser, place);
        let forms =
            browser.run("return document.querySelectorAll('main form[method=post]').length");
        assert_eq!(forms, 0, "{place}");
    }
    browser.open(&site.url("/en/admin/tokens"));
    expect_heading(&browser, "The token may not do this");
}
