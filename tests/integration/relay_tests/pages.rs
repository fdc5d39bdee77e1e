//! What the pages of the list tell of a host that was found open.

use dnsbl_tests::{Admin, HttpReply, mta::ScriptedServer};
use reqwest::Method;
use serde_json::json;

use super::{Tester, plain_probe};

#[test]
fn a_page_has_the_findings_of_a_test_and_neither_token_nor_submitter_nor_their_words() {
    let tester = Tester::with("", "[web]\nlisten = \"127.0.0.1:0\"\n");
    let ready = tester.server.stderr();
    let (_, address) = ready.split_once(" web=").expect("the pages are served");
    let address = address.split_whitespace().next().and_then(|address| address.parse().ok());
    let visitor = Admin::new(address.expect("an address"), "none");
    let host = ScriptedServer::accepting();
    let addr = host.addr();
    let id = tester.submit(&json!({
        "address": addr.ip(),
        "port": addr.port(),
        "ground": "owner",
        "note": "undisclosed words",
    }));
    let probe = plain_probe(&host);
    tester.send_back(addr.ip(), &probe);
    tester.wait(&id, |test| test["verdict"] == "open");
    tester.expect_listed(addr.ip());
    let token = probe.recipients.last().expect("a recipient").trim_start_matches('<');
    let token = token.split('@').next().unwrap_or_default();
    assert!(token.len() > 20, "{token}");
    for (path, accept, told) in [
        (format!("/en/lookup/{}", addr.ip()), "text/html", "What the test found"),
        (format!("/ja/lookup/{}", addr.ip()), "text/html", "第三者中継テストの結果"),
        (format!("/lookup/{}", addr.ip()), "application/json", "\"relay_test\":{\"confirmed_at\""),
    ] {
        let request = visitor.bare(Method::GET, &path).header("accept", accept);
        let page = HttpReply::of(request).expect(200).text;
        assert!(page.contains(told) && page.contains("plain"), "{path}: {page}");
        for private in [token, &*id, "undisclosed", "relay-test"] {
            assert!(!page.contains(private), "{path} has {private}: {page}");
        }
    }
    let policy = HttpReply::of(visitor.bare(Method::GET, "/en/policy")).expect(200).text;
    assert!(policy.contains("after 7, 14, 30, 60, 90 days"), "{policy}");
}
