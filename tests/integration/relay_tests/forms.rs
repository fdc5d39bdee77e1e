//! What somebody without a token does on the pages alone: nominate a host, follow its test, look it up, have it tested
//! again and see it removed.

use std::net::{IpAddr, SocketAddr, SocketAddrV4};

use dnsbl_tests::{
    HttpReply, eventually,
    mta::{Exim, EximRelaying, unique_host},
};
use reqwest::{
    Url,
    blocking::{Client, ClientBuilder},
};

use super::{TEST, Tester};

/// The pages, for anybody who may nominate as often as a test does.
const PAGES: &str = "per-24-hour = 0
anonymous-day = 0
[relay-tester.anonymous]
enabled = true
[web]
listen = \"127.0.0.1:0\"
forms-per-hour = 0
requests-per-second = 0
";

/// Somebody with a browser, at an address.
struct Visitor {
    client: Client,
    url: String,
}

impl Visitor {
    #[track_caller]
    fn at(tester: &Tester, addr: IpAddr) -> Self {
        let ready = tester.server.stderr();
        let (_, address) = ready.split_once(" web=").expect("the pages are served");
        let address: SocketAddr =
            address.split_whitespace().next().expect("one").parse().expect("an address");
        let client = ClientBuilder::new().no_proxy().local_address(addr);
        let client = client.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.expect("an address of this machine");
        Self { client, url: format!("http://{address}") }
    }

    #[track_caller]
    fn get(&self, path: &str) -> HttpReply {
        HttpReply::of(self.client.get(format!("{}{path}", self.url)))
    }

    /// Looks at a form, fills it in, and sends it once it may be; the place that it leads to.
    #[track_caller]
    fn send(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let form = self.get(path).expect(200).text;
        let (_, seal) = form.split_once("name=\"seal\" value=\"").expect("a form has a seal");
        let seal = seal.split('"').next().expect("a value ends");
        let fields = [fields, &[("seal", seal)]].concat();
        let body = Url::parse_with_params(&self.url, fields).expect("a URL");
        let body = body.query().expect("fields").to_owned();
        eventually(TEST, || {
            let request = self.client.post(format!("{}{path}", self.url)).body(body.clone());
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let sent = HttpReply::of(request.header("sec-fetch-site", "same-origin"));
            if sent.status == 303 { Ok(sent.header("location").to_owned()) } else { Err(sent.text) }
        })
    }
}

#[test]
fn a_host_that_is_nominated_on_a_page_is_tested_listed_closed_and_removed() {
    let tester = Tester::with("settle-for = \"2s\"\n", PAGES);
    let visitor = Visitor::at(&tester, unique_host().into());
    // Nobody without a token has another port tested.
    let addr = SocketAddrV4::new(unique_host(), 25);
    let host = addr.ip().to_string();
    let open = Exim::start_at(addr, &EximRelaying::Open, tester.receiver);
    let nomination = [
        ("address", &*host),
        ("ground", "evidence"),
        ("evidence", "Received: from undisclosed.example by relay.example"),
        ("domain", ""),
    ];
    let test = visitor.send("/en/nominate", &nomination);
    tester.verdict(id(&test));
    let page = visitor.get(&test).expect(200);
    assert!(page.header("refresh").is_empty(), "nothing happens by itself");
    for told in [
        "class=\"state bad\">Open relay<",
        "came back: relayed",
        "S: 220",
        "C: RCPT TO:",
        "What came back",
    ] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    for private in ["undisclosed", "anonymous"] {
        assert!(!page.text.contains(private), "{private}: {}", page.text);
    }
    assert!(page.text.len() < 30_000, "{} bytes", page.text.len());
    tester.expect_listed(IpAddr::V4(*addr.ip()));
    let japanese = visitor.get(&format!("/ja/lookup/{host}")).expect(200).text;
    assert!(japanese.contains("は掲載されています"), "{japanese}");
    let japanese = visitor.get(&test.replace("/en/", "/ja/")).expect(200).text;
    assert!(japanese.contains("第三者中継あり"), "{japanese}");

    drop(open);
    let _closed = Exim::start_at(addr, &EximRelaying::Closed, tester.receiver);
    let retest = visitor.send("/ja/nominate", &[("address", &*host), ("ground", "delist")]);
    tester.verdict(id(&retest));
    let page = visitor.get(&retest).expect(200).text;
    assert!(page.contains("第三者中継なし"), "{page}");
    tester.wait_unlisted(IpAddr::V4(*addr.ip()));
    let gone = visitor.get(&format!("/en/lookup/{host}")).expect(200).text;
    assert!(gone.contains("is not listed") && gone.contains("and was removed"), "{gone}");
}

/// The id of a test, by the place of its page.
#[track_caller]
fn id(place: &str) -> &str {
    place.rsplit('/').next().expect("a place has an end")
}
