//! Pages without a mouse.

use dnsbl_tests::{Browser, Look};
use serde_json::json;

use super::site::Site;

/// Tab, as WebDriver names it (section 15.4.2).
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Numbers what can be reached; gives how many that are.
const NUMBER: &str = "
    const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
        .filter(element => element.type !== 'hidden' && element.getClientRects().length)
        .filter((element, _, all) => {
            // Of buttons of which one is chosen, one is a stop: the chosen one, or the first.
            const group = all.filter(other => other.type === 'radio' && other.name === element.name);
            return element.type !== 'radio' || element === (group.find(other => other.checked) ?? group[0]);
        });
    all.forEach((element, at) => element.dataset.at = at);
    return all.length;";

/// What has the focus, and how that shows.
const FOCUS: &str = "
    const element = document.activeElement;
    if (element === document.body) return null;
    const {outlineStyle, outlineWidth} = getComputedStyle(element);
    const {top, left, bottom, right, width, height} = element.getBoundingClientRect();
    return {
        at: element.dataset.at === undefined ? null : Number(element.dataset.at),
        outline: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
        inside: width > 0 && height > 0 && top < innerHeight && bottom > 0 && left < innerWidth && right > 0,
        element: element.outerHTML.slice(0, 120),
    };";

#[test]
fn everything_is_reached_by_the_keyboard_in_the_order_of_the_page_and_shows_that_it_is() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::NARROW);
    site.sign_in(&browser);
    for page in site.pages_in("en") {
        browser.open(&page.url);
        let count = browser.run(NUMBER).as_u64().expect("a number");
        let mut reached = 0;
        while reached < count {
            browser.press(TAB);
            let focus = browser.run(FOCUS);
            assert!(!focus.is_null(), "{}: {reached} of {count} are reached", page.name);
            assert_eq!(
                (&focus["outline"], &focus["inside"]),
                (&json!(true), &json!(true)),
                "{}: {focus:#}",
                page.name
            );
            // Boxes that scroll are stops of their own.
            if !focus["at"].is_null() {
                assert_eq!(focus["at"], reached, "{}: {focus:#}", page.name);
                reached += 1;
            }
        }
    }
}

#[test]
fn the_first_stop_leads_past_the_menus_and_a_lookup_needs_no_mouse() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::NARROW.without_scripts());
    browser.open(&site.url("/ja/"));
    browser.press(TAB);
    assert_eq!(browser.text(":focus"), "本文へ移動");
    browser.press(ENTER);
    assert!(browser.url().ends_with("/ja/#main"), "{}", browser.url());
    browser.press(TAB);
    assert_eq!(browser.run("return document.activeElement.id"), "q");
    browser.fill("#q", "192.0.2.99");
    browser.press(ENTER);
    let told = "192.0.2.99 は掲載されています";
    dnsbl_tests::eventually(dnsbl_tests::PATIENCE, || {
        match browser.run("return document.querySelector('h1').innerText") {
            heading if heading == told => Ok(()),
            other => Err(other),
        }
    });
}
