//! What others write and type is shown, and never run, followed or obeyed.

use dnsbl_tests::{Browser, Look, segment};
use serde_json::json;

use super::site::{LANGUAGES, Site};

/// Texts that would set `window.ran`, lead elsewhere, end an element, or turn the line around, where they were taken for
/// more than texts.
const HOSTILE: [&str; 24] = [
    "<script>window.ran=1</script>",
    "</title><script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "\"><img src=x onerror=window.ran=1>",
    "'><svg/onload=window.ran=1>",
    "\" autofocus onfocus=window.ran=1 x=\"",
    "' onmouseover='window.ran=1",
    "<svg><script>window.ran=1</script></svg>",
    "<a href=javascript:window.ran=1 id=lure>here</a>",
    "javascript:window.ran=1",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "<form action=//evil.example><button>go</button></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<math><mtext></mtext><script>window.ran=1</script></math>",
    "--><script>window.ran=1</script><!--",
    "]]><script>window.ran=1</script>",
    "{{constructor.constructor('window.ran=1')()}}",
    "$${window.ran=1}",
    "&lt;script&gt;window.ran=1&lt;/script&gt;",
    "a\u{202e}txet desrever\u{202c} b \u{2066}c\u{2069} \u{200b}d\u{feff}",
    "//evil.example/%0d%0aSet-Cookie:a=b",
];

/// What would show that something was obeyed.
const OBEYED: &str = "
    return {
        ran: typeof window.ran,
        place: location.host,
        foreign: [...document.querySelectorAll('[href], [action], [src]')]
            .map(element => element.href || element.action || element.src)
            .filter(url => !url.startsWith(location.origin) && !url.startsWith('mailto:abuse@example.org')),
        elements: document.querySelectorAll('script, iframe, img, base, style, math, object, svg:not([aria-label]), [http-equiv], #lure').length,
        handlers: [...document.querySelectorAll('*')]
            .filter(element => element.getAttributeNames().some(name => name.startsWith('on'))).length,
        shown: getComputedStyle(document.body).display,
        cookie: document.cookie,
        turned: /[\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]/.test(document.documentElement.outerHTML),
    };";

#[track_caller]
fn expect_nothing_obeyed(site: &Site, browser: &Browser, what: &str, is_error: bool) {
    let found = browser.run(OBEYED);
    let host = site.url("").replacen("http://", "", 1);
    let expected = json!({
        "ran": "undefined", "place": host, "foreign": [], "elements": 0, "handlers": 0, "shown": "block",
        "cookie": "", "turned": false,
    });
    assert_eq!(found, expected, "{what}: {found:#}");
    let mut log = browser.log();
    log.retain(|line| !(is_error && line.contains("Failed to load resource")));
    assert!(log.is_empty(), "{what}: {log:?}");
}

#[test]
fn nothing_that_a_visitor_types_is_obeyed() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::WIDE);
    for text in HOSTILE {
        browser.open(&site.url("/en/"));
        browser.run(&format!("document.querySelector('#q').value = {}", json!(text)));
        browser.click(".search button");
        expect_nothing_obeyed(&site, &browser, text, true);
        for path in [
            "/ja/lookup/{}",
            "/lookup/{}",
            "/en/{}",
            "/{}",
            "/en/lookup?q={}&q=x",
            "/en/stats?{}#{}",
        ] {
            let path = path.replace("{}", &segment(text));
            browser.open(&site.url(&path));
            expect_nothing_obeyed(&site, &browser, &path, true);
        }
    }
}

#[test]
fn nothing_that_stands_in_a_reason_is_obeyed() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    browser.look(Look::WIDE);
    for (at, text) in HOSTILE.into_iter().enumerate() {
        let address = format!("192.0.2.{}", at + 1);
        let zone =
            site.server.ip_zone_at(&format!("zone{at}.example.org"), json!({"reason": text}));
        zone.put(
            &address,
            "",
            &json!({"reason": text, "note": text, "tags": [format!("tag{at}")]}),
        );
        for language in LANGUAGES {
            browser.open(&site.url(&format!("/{language}/lookup/{address}")));
            expect_nothing_obeyed(&site, &browser, text, false);
            // It is shown as it stands, and what nobody would see by its number.
            let seen: String = text.replace("$$", "$").chars().map(seen).collect();
            let shown = browser.text("main");
            assert!(shown.contains(&seen), "{seen}: {shown}");
        }
    }
    for language in LANGUAGES {
        for page in ["", "policy", "use", "stats", "status"] {
            browser.open(&site.url(&format!("/{language}/{page}")));
            expect_nothing_obeyed(&site, &browser, page, false);
        }
    }
}

fn seen(c: char) -> String {
    if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }
}
