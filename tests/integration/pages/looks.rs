//! How pages look: on a phone and in a wide window, light and dark, with scripts and without, on paper.

use dnsbl_tests::{Browser, Look};
use serde_json::json;

use super::site::{Shown, Site};

/// The most that a page and its stylesheet may weigh, in bytes.
const MAX_WEIGHT: u64 = 30_000;

/// By how much a page is wider than the window, and what in it is.
const TOO_WIDE: &str = "
    const root = document.documentElement;
    const wide = [...document.querySelectorAll('body *')].filter(element => {
        const {right, left, width} = element.getBoundingClientRect();
        const scrolls = element.closest('pre, .wide');
        return width > 0 && right > innerWidth + 1 && !(scrolls && scrolls !== element)
            && !element.classList.contains('skip');
    });
    return [root.scrollWidth - root.clientWidth, wide.map(element => element.outerHTML.slice(0, 120))];";

/// Everything else about a page that any look has to show.
const SHOWN: &str = "
    const root = document.documentElement;
    const [visit] = performance.getEntriesByType('navigation');
    const rest = performance.getEntriesByType('resource');
    const style = getComputedStyle(document.body);
    return {
        status: visit.responseStatus,
        weight: visit.decodedBodySize + rest.reduce((sum, entry) => sum + entry.decodedBodySize, 0),
        resources: rest.map(entry => new URL(entry.name).pathname).filter(path => path !== '/favicon.ico'),
        title: document.title,
        language: root.lang,
        heading: document.querySelectorAll('h1').length,
        ground: style.backgroundColor,
        scripts: document.scripts.length,
        storage: document.cookie + localStorage.length + sessionStorage.length,
    };";

#[test]
fn every_page_fits_a_phone_and_a_wide_window_light_and_dark_with_scripts_and_without() {
    let (site, browser) = (Site::furnished(), Browser::start());
    site.sign_in(&browser);
    let looks = [
        Look::NARROW,
        Look::NARROW.dark().without_scripts(),
        Look::WIDE.dark(),
        Look::WIDE.without_scripts(),
    ];
    for (turn, look) in looks.into_iter().enumerate() {
        browser.look(look);
        for page in site.pages_in_turn(turn) {
            browser.open(&page.url);
            looks_right(&browser, &page, look);
        }
    }
}

/// It takes no part of what visitors may ask that its looks come along.
#[test]
fn the_page_for_those_who_ask_too_often_looks_like_the_others() {
    let (site, browser) = (Site::exhausted(), Browser::start());
    for (look, language) in [(Look::NARROW, "en"), (Look::WIDE.dark(), "ja")] {
        browser.look(look);
        let page = Shown {
            name: format!("too-many.{language}"),
            language,
            // No browser keeps this page: what was allowed once would be seen again and again.
            url: site.url(&format!("/{language}/status")),
            status: 429,
        };
        // Now and then it is the browser that is allowed what a second gives.
        let ask = || {
            browser.open(&page.url);
            let status =
                browser.run("return performance.getEntriesByType('navigation')[0].responseStatus");
            if status == 429 { Ok(()) } else { Err(status) }
        };
        site.while_exhausted(|| dnsbl_tests::eventually(dnsbl_tests::PATIENCE, ask));
        looks_right(&browser, &page, look);
    }
}

#[track_caller]
fn looks_right(browser: &Browser, page: &Shown, look: Look) {
    let shown = browser.run(SHOWN);
    let at = format!("{} {look:?}: {shown:#}", page.name);
    assert_eq!(shown["status"], page.status, "{at}");
    assert_eq!(shown["language"], page.language, "{at}");
    assert_eq!(shown["heading"], 1, "{at}");
    assert_eq!((&shown["scripts"], &shown["storage"]), (&json!(0), &json!("00")), "{at}");
    assert_eq!(shown["resources"], json!(["/style.css"]), "{at}");
    assert!(shown["weight"].as_u64().is_some_and(|weight| weight <= MAX_WEIGHT), "{at}");
    assert!(
        shown["title"].as_str().is_some_and(|title| title.contains("Example Block List")),
        "{at}"
    );
    expect_fits(browser, &at);
    let is_dark = shown["ground"] != "rgb(255, 255, 255)";
    assert_eq!(is_dark, look.dark, "{at}");
    let scheme = if look.dark { "dark" } else { "light" };
    browser.keep_picture(&format!("{}.{}.{scheme}", page.name, look.width));
    expect_quiet(browser, page);
}

/// Panics where the page that is shown is wider than its window.
#[track_caller]
pub(super) fn expect_fits(browser: &Browser, what: &str) {
    assert_eq!(browser.run(TOO_WIDE), json!([0, []]), "{what}");
}

/// Nothing was logged but that the page itself is an error, where it is one.
#[track_caller]
fn expect_quiet(browser: &Browser, page: &Shown) {
    let log: Vec<String> = browser
        .log()
        .into_iter()
        .filter(|line| {
            !(page.status >= 400
                && line.contains("Failed to load resource")
                && line.contains(&page.url))
        })
        .collect();
    assert!(log.is_empty(), "{}: {log:#?}", page.name);
}

#[test]
fn every_page_prints_on_white_without_menus_and_boxes() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::WIDE.dark());
    site.sign_in(&browser);
    browser.look_at_print();
    for page in site.pages() {
        browser.open(&page.url);
        let shown = browser.run(
            "const hidden = selector => [...document.querySelectorAll(selector)]
                 .every(element => getComputedStyle(element).display === 'none');
             const {color, backgroundColor} = getComputedStyle(document.body);
             const channels = color => color.match(/[0-9.]+/g).map(Number);
             const pale = [...document.querySelectorAll('body *')].filter(element => {
                 const {color, backgroundColor} = getComputedStyle(element);
                 const [ground, alpha] = [channels(backgroundColor)[0], channels(backgroundColor)[3] ?? 1];
                 const isSeen = element.getClientRects().length > 0;
                 return isSeen && (Math.min(...channels(color)) > 100 || (alpha > 0 && ground < 200));
             });
             return [hidden('header nav'), hidden('.search, form'), color, backgroundColor, pale.map(element => element.outerHTML.slice(0, 120))];",
        );
        let expected = json!([true, true, "rgb(0, 0, 0)", "rgb(255, 255, 255)", []]);
        assert_eq!(shown, expected, "{}", page.name);
        let pdf = browser.keep_print(&page.name);
        assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 1000, "{}", page.name);
    }
}
