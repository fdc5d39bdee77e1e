//! Every page, in every language.

use dnsbl_types::{ListingBody, ZoneKind};
use serde_json::Value;

use super::{Pages, furnished, settings, well_formed, well_formed_xml};
use crate::{Language, Settings, pages::NAMES};

/// The largest page, in bytes.
const MAX_PAGE: usize = 30_000;

/// What somebody may look up in a furnished server.
const SUBJECTS: [&str; 12] = [
    "192.0.2.1",
    "192.0.2.2",
    "198.51.100.1",
    "198.51.100.7",
    "203.0.113.1",
    "127.0.0.2",
    "2001:db8::1",
    "2002:c000:201::1",
    "192.0.2.0/24",
    "10.0.0.0/8",
    "www.bad.example",
    "good.example",
];

#[tokio::test]
async fn every_page_is_well_formed_and_small_in_both_languages() {
    let pages = furnished(settings());
    for language in Language::ALL.map(Language::code) {
        let mut paths = vec![format!("/{language}/"), format!("/{language}/lookup")];
        let in_menu = NAMES.into_iter().filter(|name| !["nominate", "remove"].contains(name));
        paths.extend(in_menu.map(|name| format!("/{language}/{name}")));
        paths.extend(SUBJECTS.map(|subject| format!("/{language}/lookup?q={subject}")));
        paths.extend(SUBJECTS.map(|subject| format!("/{language}/lookup/{subject}")));
        for path in paths {
            let page = pages.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            well_formed(&page.text);
            assert!(page.text.len() < MAX_PAGE, "{path}: {} bytes", page.text.len());
            assert!(page.text.contains(&format!("<html lang=\"{language}\">")), "{path}");
            for other in Language::ALL.map(Language::code) {
                assert!(page.text.contains(&format!("hreflang=\"{other}\"")), "{path}");
            }
        }
        for (path, status) in [
            ("nothing", 404),
            ("lookup?q=%3Cscript%3E", 400),
            ("lookup/a%20b", 400),
            ("lookup?q=192.0.2.7/24", 400),
        ] {
            let page = pages.get(&format!("/{language}/{path}")).await;
            assert_eq!(page.status, status, "{path}");
            well_formed(&page.text);
        }
        let feed = pages.get(&format!("/{language}/status.atom")).await;
        assert_eq!(feed.header("content-type"), "application/atom+xml; charset=utf-8");
        well_formed_xml(&feed.text);
    }
}

/// A reason is the operator's, and may be of a feed; it may be as long and as odd as it is allowed to be.
#[tokio::test]
async fn a_page_stays_small_whatever_the_zones_and_their_texts_are() {
    let pages = Pages::new(settings());
    for number in 0..60 {
        let origin = format!("{}.list{number}.example", "a".repeat(60));
        pages.zone(&origin, ZoneKind::Ip, |spec| {
            spec.reason = "&<\"".repeat(333).parse().unwrap();
        });
        pages.list(&origin, "192.0.2.1", ListingBody::default());
    }
    for path in ["lookup/192.0.2.1", "policy", "status", "stats", "use"] {
        let page = pages.get(&format!("/en/{path}")).await;
        assert_eq!(page.status, 200);
        well_formed(&page.text);
        assert!(page.text.len() < MAX_PAGE, "{path}: {} bytes", page.text.len());
    }
}

#[tokio::test]
async fn a_listing_is_told_in_plain_words() {
    let pages = furnished(settings());
    let page = pages.get("/en/lookup?q=192.0.2.1").await.text;
    for told in [
        "192.0.2.1 is listed",
        "Sent spam to a trap",
        "127.0.0.2",
        "Listed since",
        "Expires",
        "dig +short 1.2.0.192.bl.example.org A",
        "If you run the mail server",
        "If you only want to send mail",
        "https://bl.example.org/lookup/192.0.2.1",
        "abuse@example.org",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let page = pages.get("/ja/lookup?q=192.0.2.1").await.text;
    for told in ["192.0.2.1 は掲載されています", "掲載理由", "掲載期限", "Sent spam to a trap"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    let page = pages.get("/en/lookup/198.51.100.1").await.text;
    assert!(page.contains("198.51.100.0/24") && page.contains("Network 198.51.100.1"), "{page}");
    let page = pages.get("/en/lookup/198.51.100.7").await.text;
    assert!(page.contains("198.51.100.7 is not listed") && page.contains("kept out"), "{page}");
    let page = pages.get("/en/lookup/203.0.113.1").await.text;
    assert!(page.contains("is not listed") && page.contains("NXDOMAIN"), "{page}");
    let page = pages.get("/en/lookup/192.0.2.0/24").await.text;
    assert!(page.contains("/en/lookup/192.0.2.2"), "{page}");
    let page = pages.get("/en/lookup/192.0.0.0/16").await.text;
    assert!(!page.contains("/en/lookup/192.0.2.2"), "{page}");
}

#[tokio::test]
async fn a_removal_is_told_with_the_time_for_which_it_is_remembered() {
    let pages = furnished(settings());
    pages.remove("bl.example.org", "192.0.2.2");
    let page = pages.get("/en/lookup/192.0.2.2").await.text;
    for told in
        ["is not listed", "It was listed, and was removed", "may remember the listing until"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    // An exclusion that went was no listing.
    pages.remove("bl.example.org", "198.51.100.0/24");
    pages.remove("bl.example.org", "198.51.100.7");
    let json = json(&pages, "/lookup/198.51.100.7").await;
    assert!(json["zones"][0]["removed"]["at"].is_string(), "{json}");
    let json = self::json(&pages, "/lookup/203.0.113.1").await;
    assert!(json["zones"][0]["removed"].is_null(), "{json}");
}

async fn json(pages: &Pages, path: &str) -> Value {
    let page = pages.ask("GET", path, &[("accept", "application/json")]).await;
    assert_eq!(page.header("content-type"), "application/json", "{}", page.text);
    assert_eq!(page.header("vary"), "accept");
    serde_json::from_str(&page.text).unwrap()
}

#[tokio::test]
async fn programs_get_the_same_as_json() {
    let pages = furnished(settings());
    for path in ["/lookup/192.0.2.1", "/lookup?q=192.0.2.1", "/ja/lookup/192.0.2.1"] {
        let found = json(&pages, path).await;
        assert_eq!(found["subject"], "192.0.2.1");
        assert_eq!(found["listed"], true);
        let zone = &found["zones"][0];
        assert_eq!(zone["zone"], "bl.example.org");
        assert_eq!(zone["standing"], "listed");
        assert_eq!(zone["by"], "192.0.2.1");
        assert_eq!(zone["return_codes"], serde_json::json!(["127.0.0.2"]));
        assert_eq!(zone["reasons"], serde_json::json!(["Sent spam to a trap"]));
        assert_eq!(zone["dns"]["name"], "1.2.0.192.bl.example.org");
        assert!(zone["expires_at"].is_string() && zone["first_seen"].is_string(), "{zone}");
        assert_eq!(found["zones"].as_array().unwrap().len(), 1, "{found}");
    }
    let domain = json(&pages, "/lookup/www.bad.example").await;
    assert_eq!(domain["zones"][0]["by"], "*.bad.example");
    let accept = [("accept", "application/json")];
    let wrong = pages.ask("GET", "/lookup?q=192.0.2.7/24", &accept).await;
    assert_eq!((wrong.status, wrong.header("content-type")), (400, "application/problem+json"));
    let problem: Value = serde_json::from_str(&wrong.text).unwrap();
    assert_eq!(problem["instead"], serde_json::json!(["192.0.2.0/24"]));
}

#[tokio::test]
async fn only_the_first_page_chooses_a_language_and_others_are_where_they_are() {
    let pages = furnished(settings());
    let japanese = [("accept-language", "ja,en;q=0.5")];
    let first = pages.ask("GET", "/", &japanese).await;
    assert_eq!((first.status, first.header("location")), (302, "/ja/"));
    assert_eq!(first.header("vary"), "accept-language");
    assert_eq!(pages.get("/").await.header("location"), "/en/");
    let permalink = pages.ask("GET", "/lookup/192.0.2.1", &japanese).await;
    assert!(permalink.text.contains("<html lang=\"en\">"));
    let page = pages.ask("GET", "/use", &japanese).await;
    assert_eq!((page.status, page.header("location")), (302, "/en/use"));
    let only = Settings {
        languages: crate::Languages::new(vec![Language::Japanese]).unwrap(),
        ..settings()
    };
    let pages = furnished(only);
    assert_eq!(pages.get("/").await.header("location"), "/ja/");
    assert_eq!(pages.get("/en/faq").await.status, 404);
    assert!(pages.get("/lookup/192.0.2.1").await.text.contains("<html lang=\"ja\">"));
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let pages = furnished(settings());
    for path in ["/", "/en/", "/style.css", "/nothing", "/lookup/192.0.2.1", "/en/status.atom"] {
        let page = pages.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert!(!page.header("cache-control").is_empty(), "{path}");
        assert!(page.header("set-cookie").is_empty() && page.header("server").is_empty());
    }
    assert_eq!(pages.get("/lookup/192.0.2.1").await.header("x-robots-tag"), "noindex");
    assert_eq!(pages.get("/lookup/192.0.2.1").await.header("cache-control"), "no-store");
    for method in ["POST", "PUT", "DELETE", "TRACE"] {
        assert_eq!(pages.ask(method, "/en/", &[]).await.status, 405, "{method}");
    }
    assert_eq!(pages.ask("HEAD", "/en/", &[]).await.text, "");
}

#[tokio::test]
async fn nothing_that_somebody_sends_comes_back_as_it_is() {
    let pages = furnished(settings());
    let table = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'-alert(1)-'",
        "javascript:alert(1)",
        "{{7*7}}",
        "${7*7}",
        "</title><script>",
        "&lt;script&gt;",
        "\r\nSet-Cookie: a=b",
        "//evil.example",
        "\\\\evil.example",
        "a\u{202e}b\u{2066}c\u{200b}d",
        "\u{0}\u{7}\u{1b}[31m",
        "../../etc/passwd",
        "192.0.2.1<b>",
        "%252e%252e%252f",
        "--><svg/onload=alert(1)>",
        "]]>",
    ];
    for typed in table {
        let encoded: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
        let in_path = encoded.replace('+', "%20");
        for path in [
            format!("/en/lookup?q={encoded}"),
            format!("/ja/lookup?q={encoded}"),
            format!("/lookup/{in_path}"),
            format!("/en/lookup/{in_path}"),
            format!("/{in_path}"),
            format!("/en/{in_path}"),
            format!("/en/?{encoded}"),
        ] {
            let page = pages.get(&path).await;
            assert!([200, 400, 404].contains(&page.status), "{path}: {}", page.status);
            well_formed(&page.text);
            assert!(page.header("location").is_empty() && page.header("set-cookie").is_empty());
        }
        let accept = [("accept", "application/json")];
        let page = pages.ask("GET", &format!("/lookup?q={encoded}"), &accept).await;
        serde_json::from_str::<Value>(&page.text).unwrap();
        assert!(page.header("content-type").ends_with("json"), "{typed:?}");
    }
}

#[tokio::test]
async fn a_visitors_address_is_filled_in_as_proxies_tell_it() {
    let pages = furnished(settings());
    let page = pages.get("/en/").await.text;
    assert!(page.contains("value=\"192.0.2.77\""), "{page}");
    let proxy = "10.0.0.1:4000".parse().unwrap();
    let told = [("x-forwarded-for", "<b>, 203.0.113.9")];
    let page = pages.ask_from(proxy, "GET", "/en/", &told).await.text;
    assert!(page.contains("value=\"203.0.113.9\"") && !page.contains("<b>"), "{page}");
    let page = pages.ask_from(proxy, "GET", "/en/", &[]).await.text;
    assert!(page.contains("value=\"\""), "{page}");
}

#[tokio::test]
async fn a_network_that_asks_too_much_is_told_to_wait_and_keeps_its_looks() {
    let mut limited = settings();
    limited.limits.requests_per_second = 1;
    let pages = furnished(limited);
    let mut refused = None;
    for _ in 0..40 {
        let page = pages.get("/ja/faq").await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
    }
    let refused = refused.expect("the limit is 20 at once");
    well_formed(&refused.text);
    assert!(refused.text.contains("<html lang=\"ja\">"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(pages.get("/style.css").await.status, 200);
    let other = "203.0.113.200:4000".parse().unwrap();
    assert_eq!(pages.ask_from(other, "GET", "/ja/faq", &[]).await.status, 200);
    assert!(!pages.host.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn pages_lead_only_to_pages_that_there_are() {
    let pages = furnished(settings());
    let mut seen = std::collections::BTreeSet::new();
    let mut next = vec!["/en/".to_owned(), "/ja/".to_owned(), "/en/lookup/192.0.2.1".to_owned()];
    while let Some(path) = next.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        assert!(seen.len() < 500, "{seen:?}");
        let page = pages.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        let links = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        next.extend(links.filter(|link| link.starts_with('/')).map(str::to_owned));
    }
    assert!(seen.len() >= 20, "{seen:?}");
}
