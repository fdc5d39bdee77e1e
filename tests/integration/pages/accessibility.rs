//! Pages for everybody: what axe finds (rules of WCAG 2.2 A and AA, and good practice).

use std::fs;

use dnsbl_tests::{Browser, Look, unpacked};
use serde_json::json;

use super::site::Site;

#[test]
fn axe_finds_nothing_on_any_page_in_any_language() {
    let axe = unpacked().join("npm/axe-core/axe.min.js");
    let axe = fs::read_to_string(&axe).unwrap_or_else(|err| panic!("{}: {err}", axe.display()));
    let script = format!(
        "{axe};
         return axe.run({{resultTypes: ['violations']}}).then(found => found.violations.map(
             rule => ({{rule: rule.id, help: rule.help, at: rule.nodes.map(node => node.html + ' ' + node.failureSummary)}})));"
    );
    let (site, browser) = (Site::furnished(), Browser::start());
    for look in [Look::NARROW.dark(), Look::WIDE] {
        browser.look(look);
        for page in site.pages() {
            browser.open(&page.url);
            let found = browser.run(&script);
            assert_eq!(found, json!([]), "{} {look:?}: {found:#}", page.name);
        }
    }
}
