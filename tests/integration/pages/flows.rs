//! What visitors do, from the first page on.

use dnsbl_tests::{Browser, Look, PATIENCE, eventually};

use super::site::Site;

/// Waits for a page with this heading.
#[track_caller]
pub(super) fn expect_heading(browser: &Browser, heading: &str) {
    eventually(PATIENCE, || {
        match browser.run("return document.querySelector('h1')?.innerText ?? ''") {
            shown if shown == heading => Ok(()),
            other => Err(other),
        }
    });
}

/// Looks something up in the box.
#[track_caller]
fn look_up(browser: &Browser, subject: &str) {
    browser.fill("#q", subject);
    browser.click(".search button");
}

const LOOKS: [Look; 4] = [
    Look::NARROW,
    Look::NARROW.dark().without_scripts(),
    Look::WIDE.without_scripts(),
    Look::WIDE.dark(),
];

#[test]
fn a_visitor_looks_up_what_is_listed_and_what_is_not_and_reads_it_in_the_other_language() {
    let (site, browser) = (Site::furnished(), Browser::start());
    for look in LOOKS {
        browser.look(look);
        browser.open(&site.url("/"));
        expect_heading(&browser, "Example Block List");
        assert_eq!(browser.run("return document.querySelector('#q').value"), "127.0.0.1");
        look_up(&browser, " 192.0.2.99 ");
        expect_heading(&browser, "192.0.2.99 is listed");
        for told in
            ["Open relay 192.0.2.99", "relays.example.org", "mail.example.net", "What to do now"]
        {
            assert!(browser.text("main").contains(told), "{told}: {}", browser.text("main"));
        }
        browser.click("header a[hreflang=ja]");
        expect_heading(&browser, "192.0.2.99 は掲載されています");
        look_up(&browser, "192.0.2.98");
        expect_heading(&browser, "192.0.2.98 は掲載されていません");
        browser.click("header a[hreflang=en]");
        expect_heading(&browser, "192.0.2.98 is not listed");
        look_up(&browser, "192.0.2.7/24");
        expect_heading(&browser, "That cannot be looked up");
        browser.click("main ul a");
        expect_heading(&browser, "192.0.2.0/24 is not listed");
    }
}

/// It is what TXT records and tickets name.
#[test]
fn a_permanent_link_shows_the_same_as_the_lookup_and_what_is_inside_leads_on() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::WIDE.without_scripts());
    browser.open(&site.url("/lookup/192.0.2.99"));
    expect_heading(&browser, "192.0.2.99 is listed");
    browser.open(&site.url("/lookup/198.51.100.0/24"));
    expect_heading(&browser, "198.51.100.0/24 is listed");
    browser.click("main .zone ul a");
    expect_heading(&browser, "198.51.100.101 is listed");
    site.relays.remove("192.0.2.99");
    browser.open(&site.url("/lookup/192.0.2.99"));
    expect_heading(&browser, "192.0.2.99 is not listed");
    assert!(browser.text("main").contains("It was listed, and was removed"));
}

#[test]
fn the_menu_leads_to_every_page_and_each_has_its_other_language() {
    let (site, browser) = (Site::furnished(), Browser::start());
    for look in [Look::NARROW.without_scripts(), Look::WIDE.dark()] {
        browser.look(look);
        browser.open(&site.url("/en/"));
        let links = browser.run(
            "return [...document.querySelectorAll('header nav:first-of-type a')].map(link => link.getAttribute('href'))",
        );
        let links: Vec<String> = serde_json::from_value(links).unwrap();
        assert!(links.len() >= 6, "{links:?}");
        for link in links {
            browser.click(&format!("header a[href='{link}']"));
            eventually(PATIENCE, || {
                if browser.url().ends_with(&link) { Ok(()) } else { Err(browser.url()) }
            });
            let current = browser.text("header nav:first-of-type [aria-current]");
            browser.click("header a[hreflang=ja]");
            let other = link.replacen("/en/", "/ja/", 1);
            eventually(PATIENCE, || {
                if browser.url().ends_with(&other) { Ok(()) } else { Err(browser.url()) }
            });
            assert_ne!(browser.text("header nav:first-of-type [aria-current]"), current);
            assert_eq!(browser.run("return document.documentElement.lang"), "ja");
            browser.click("header a[hreflang=en]");
            eventually(PATIENCE, || {
                if browser.url().ends_with(&link) { Ok(()) } else { Err(browser.url()) }
            });
        }
        browser.click("header a.name");
        eventually(PATIENCE, || {
            if browser.url().ends_with("/en/") { Ok(()) } else { Err(browser.url()) }
        });
    }
}
