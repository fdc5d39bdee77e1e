//! Pages for everybody: what axe finds (rules of WCAG 2.2 A and AA, and good practice).

use std::fs;

use dnsbl_tests::{Browser, Look, unpacked};
use serde_json::json;

use super::site::Site;

/// Panics where axe has something against the page that is shown.
#[track_caller]
pub(super) fn expect_accessible(browser: &Browser, what: &str) {
    let found = browser.run(&script());
    assert_eq!(found, json!([]), "{what}: {found:#}");
}

fn script() -> String {
    let axe = unpacked().join("npm/axe-core/axe.min.js");
    let axe = fs::read_to_string(&axe).unwrap_or_else(|err| panic!("{}: {err}", axe.display()));
    format!(
        "{axe};
         return axe.run({{resultTypes: ['violations']}}).then(found => found.violations.map(
             rule => ({{rule: rule.id, help: rule.help, at: rule.nodes.map(node => node.html + ' ' + node.failureSummary)}})));"
    )
}

#[test]
fn axe_finds_nothing_on_any_page_in_any_language() {
    let (site, browser) = (Site::furnished(), Browser::start());
    site.sign_in(&browser);
    for (turn, look) in [Look::NARROW.dark(), Look::WIDE].into_iter().enumerate() {
        browser.look(look);
        for page in site.pages_in_turn(turn) {
            browser.open(&page.url);
            expect_accessible(&browser, &format!("{} {look:?}", page.name));
        }
    }
}
