//! The pages of the list, as a browser and as a program see them.

use std::time::Duration;

use dnsbl_tests::{Admin, HttpReply, TestServer, eventually};
use reqwest::{Method, Url};
use serde_json::json;

/// A server with pages, and what asks them.
#[track_caller]
fn server_with_pages(lines: &str) -> (TestServer, Admin) {
    let server = TestServer::with_tables(&format!(
        "[web]\nlisten = \"127.0.0.1:0\"\nname = \"Example List\"\ncontact = \"abuse@example.org\"\n{lines}"
    ));
    let ready = server.stderr();
    let address = ready.split_once(" web=").and_then(|(_, rest)| rest.split_whitespace().next());
    let address = address.unwrap_or_else(|| panic!("{ready}")).parse().unwrap();
    // The token is never sent.
    let visitor = Admin::new(address, "none");
    (server, visitor)
}

#[track_caller]
fn page(visitor: &Admin, path: &str) -> HttpReply {
    HttpReply::of(visitor.bare(Method::GET, path)).expect(200)
}

#[test]
fn a_listing_is_found_in_both_languages_and_gone_when_it_is_removed() {
    let (server, visitor) = server_with_pages("");
    let zone =
        server.ip_zone(json!({"reason": "Open relay $, see https://bl.example.org/lookup/$"}));
    zone.put("192.0.2.99", "", &json!({"note": "a private note", "expires_in": 86_400}));
    let first = page(&visitor, "/en/");
    assert!(first.text.contains("value=\"127.0.0.1\""), "{}", first.text);
    let first = page(&visitor, "/ja/");
    assert!(first.text.contains("正常に応答しており"), "{}", first.text);
    for (path, told) in [
        ("/en/lookup?q=192.0.2.99", "192.0.2.99 is listed"),
        ("/ja/lookup?q=192.0.2.99", "192.0.2.99 は掲載されています"),
        ("/lookup/192.0.2.99", "192.0.2.99 is listed"),
        ("/lookup/192.0.2.98", "192.0.2.98 is not listed"),
        ("/ja/lookup/192.0.2.98", "192.0.2.98 は掲載されていません"),
        ("/lookup/192.0.2.0%2F24", "/en/lookup/192.0.2.99"),
    ] {
        let found = page(&visitor, path);
        assert!(found.text.contains(told), "{path}: {}", found.text);
        assert!(!found.text.contains("private"), "{path}: {}", found.text);
    }
    zone.remove("192.0.2.99");
    let found = page(&visitor, "/en/lookup/192.0.2.99");
    assert!(found.text.contains("It was listed, and was removed"), "{}", found.text);
}

#[test]
fn a_program_gets_what_dns_answers_as_json() {
    let (server, visitor) = server_with_pages("requests-per-second = 0\n");
    let zone = server.ip_zone(json!({"reason": "Listed $"}));
    zone.put("198.51.100.0/24", "", &json!({"return_codes": ["127.0.0.3", "127.0.0.5"]}));
    let request = visitor.bare(Method::GET, "/lookup/198.51.100.7");
    let found = HttpReply::of(request.header("accept", "application/json")).expect(200).json();
    assert_eq!(found["listed"], true);
    let told = &found["zones"][0];
    assert_eq!(told["by"], "198.51.100.0/24");
    assert_eq!(told["return_codes"], json!(["127.0.0.3", "127.0.0.5"]));
    assert_eq!(told["dns"]["a"], told["return_codes"]);
    assert_eq!(told["dns"]["name"], zone.below("7.100.51.198").trim_end_matches('.'));
    assert_eq!(told["reasons"], json!(["Listed 198.51.100.7"]));
}

#[test]
fn visitors_reach_the_pages_and_not_the_api_and_there_are_none_unless_they_are_asked_for() {
    let (_server, visitor) = server_with_pages("");
    for path in ["/v1/zones", "/metrics", "/healthz", "/openapi.json"] {
        let reply = HttpReply::of(visitor.bare(Method::GET, path)).expect(404);
        assert!(reply.text.contains("There is no such page"), "{path}: {}", reply.text);
    }
    assert!(!TestServer::start().stderr().contains(" web="));
}

/// Looks at a form, fills it in, and sends it once it may be; the page that it leads to.
#[track_caller]
fn send(visitor: &Admin, path: &str, fields: &[(&str, &str)]) -> HttpReply {
    let form = page(visitor, path).text;
    let (_, seal) = form.split_once("name=\"seal\" value=\"").expect("a form has a seal");
    let seal = seal.split('"').next().expect("a value ends");
    let fields = [fields, &[("seal", seal)]].concat();
    let body = Url::parse_with_params("http://form.example", fields).expect("a URL");
    let body = body.query().expect("fields").to_owned();
    let sent = eventually(Duration::from_secs(30), || {
        let request = visitor.bare(Method::POST, path).body(body.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let sent = HttpReply::of(request.header("sec-fetch-site", "same-origin"));
        if sent.status == 303 { Ok(sent) } else { Err(sent.text) }
    });
    page(visitor, sent.header("location"))
}

#[test]
fn who_asks_for_removal_on_a_page_is_removed_where_the_zone_says_so_and_sees_it_by_the_ticket() {
    let (server, visitor) = server_with_pages("requests-per-second = 0\nforms-per-hour = 0\n");
    let zone = server.ip_zone(json!({"removal": {"self_service": true}}));
    zone.put("198.51.100.7", "", &json!({}));
    let lookup = page(&visitor, "/en/lookup/198.51.100.7").text;
    assert!(lookup.contains("/en/remove?q=198.51.100.7"), "{lookup}");
    let done = send(&visitor, "/en/remove", &[("q", "198.51.100.7"), ("comment", "mended")]).text;
    assert!(done.contains("class=\"state good\">Removed<"), "{done}");
    assert!(!done.contains("mended"), "{done}");
    let lookup = page(&visitor, "/ja/lookup/198.51.100.7").text;
    assert!(lookup.contains("は掲載されていません"), "{lookup}");
}

#[test]
fn figures_are_told_after_a_restart_too() {
    let (mut server, _) = server_with_pages("requests-per-second = 0\n");
    let zone = server.ip_zone(json!({}));
    zone.put("198.51.100.7", "", &json!({}));
    zone.put("198.51.100.8", "", &json!({}));
    zone.remove("198.51.100.8");
    server.stop();
    server.start_again();
    let ready = server.stderr();
    let (_, address) = ready.rsplit_once(" web=").expect("the pages are served");
    let address = address.split_whitespace().next().expect("one").parse().expect("an address");
    let visitor = Admin::new(address, "none");
    let stats = page(&visitor, "/en/stats").text;
    assert!(stats.contains("Time to removal") && stats.contains("up to an hour"), "{stats}");
}
