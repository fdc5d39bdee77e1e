//! What pages of others would have the browser of an operator do in the console.

use std::net::Ipv4Addr;

use dnsbl_tests::{Browser, HttpReply, Look, PATIENCE, eventually, mta::unique_host};
use serde_json::json;

use super::{
    console::is_listed,
    elsewhere::Elsewhere,
    flows::expect_heading,
    site::{Site, cookie_of, form_secret},
};

/// Forms that would change something: where, and what is in them. `{token}` is that of somebody else, `{id}` its id.
const FORMS: [(&str, &[(&str, &str)]); 8] = [
    ("listings/add", &[("zone", "relays.example.org"), ("subject", "203.0.113.9")]),
    (
        "listings/remove",
        &[("zone", "relays.example.org"), ("subject", "192.0.2.1"), ("source", "admin")],
    ),
    ("undo", &[("seq", "{listing}")]),
    ("allow", &[("subject", "203.0.113.9"), ("why", "x")]),
    ("opt-outs", &[("network", "203.0.113.0/24")]),
    ("tokens/revoke", &[("id", "{id}")]),
    ("sign-out", &[]),
    ("sign-in", &[("token", "{token}")]),
];

const KINDS: [&str; 3] = ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"];

/// A site on another port of the same host, to which browsers show the same cookies, and one of another host.
fn others() -> [Elsewhere; 2] {
    [Ipv4Addr::LOCALHOST, unique_host()].map(Elsewhere::at)
}

/// A form that a page sends by itself.
fn form(action: &str, kind: &str, fields: &[(&str, String)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=hidden name={name} value='{value}'>"))
        .collect();
    format!(
        "<form method=post enctype={kind} action={action}>{fields}</form><script>document.forms[0].submit()</script>"
    )
}

/// Waits until a page has led the browser to the site.
#[track_caller]
fn expect_led(site: &Site, browser: &Browser) {
    eventually(PATIENCE, || match browser.url() {
        url if url.starts_with(&site.url("/")) => Ok(()),
        other => Err(other),
    });
}

/// All that was ever done.
#[track_caller]
fn audit(site: &Site) -> String {
    site.server.admin().get("/v1/audit").expect(200).text
}

/// Somebody else who may sign in: his token, and its id.
#[track_caller]
fn somebody_else(site: &Site) -> (String, String) {
    let token = json!({"name": "mallory", "role": "reader"});
    let token = site.server.admin().post("/v1/tokens", &token).expect(201).json();
    let text = |name: &str| token[name].as_str().expect("a token has it").to_owned();
    (text("token"), text("id"))
}

#[test]
fn forms_of_other_sites_change_nothing_and_end_no_session() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    let listing = site.relays.put("192.0.2.1", "", &json!({})).seq().to_string();
    let (token, id) = somebody_else(&site);
    browser.look(Look::WIDE);
    site.sign_in(&browser);
    let (before, cookies) = (audit(&site), browser.cookies());
    for other in others() {
        for (place, fields) in FORMS {
            let filled = |text: &str| {
                text.replace("{listing}", &listing).replace("{id}", &id).replace("{token}", &token)
            };
            let fields: Vec<(&str, String)> =
                fields.iter().map(|(name, value)| (*name, filled(value))).collect();
            for kind in KINDS {
                let action = site.url(&format!("/en/admin/{place}"));
                other.show(&browser, &form(&action, kind, &fields));
                expect_led(&site, &browser);
                let told = browser.text("main");
                assert!(told.contains("This form is not from your session"), "{place}: {told}");
            }
        }
        // Scripts send it, too, and read nothing.
        other.show(&browser, "");
        let read = browser.run(&format!(
            "const [add, page] = [{}, {}];
             const body = new URLSearchParams({{zone: 'relays.example.org', subject: '203.0.113.9'}});
             return fetch(add, {{method: 'POST', mode: 'no-cors', credentials: 'include', body}})
                 .then(() => fetch(page, {{credentials: 'include'}}))
                 .then(reply => reply.text(), () => 'nothing');",
            json!(site.url("/en/admin/listings/add")),
            json!(site.url("/en/admin/listings/add")),
        ));
        assert_eq!(read, "nothing");
        // What they are led to by a link, they see as if they had typed it.
        other.show(&browser, &format!("<a href='{}'>go</a>", site.url("/en/admin/audit")));
        browser.click("a");
        expect_heading(&browser, "Audit");
    }
    assert_eq!(audit(&site), before);
    assert_eq!(browser.cookies(), cookies);
    assert!(is_listed(&site.relays, "192.0.2.1") && !is_listed(&site.relays, "203.0.113.9"));
}

#[test]
fn a_cookie_that_another_site_sets_becomes_no_session_of_anybody() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    let (token, _) = somebody_else(&site);
    let other = Elsewhere::at(Ipv4Addr::LOCALHOST);
    let plant = |cookie: &str, path: &str| {
        other.show(&browser, "");
        browser.run(&format!("document.cookie = '{cookie}; path={path}'"));
    };
    browser.look(Look::WIDE);

    // Somebody has the browser take the cookie of his own form, and send that form with his token.
    let his = site.get("/en/admin/sign-in").expect(200);
    plant(&cookie_of(&his), "/");
    let fields = [("form", form_secret(&his)), ("token", token)];
    other.show(&browser, &form(&site.url("/en/admin/sign-in"), KINDS[0], &fields));
    expect_led(&site, &browser);
    assert!(browser.text("main").contains("You were not signed in."), "{}", browser.text("main"));
    browser.open(&site.url("/en/admin"));
    expect_heading(&browser, "Sign in");

    // Whoever signs in then gets another, and the first is good for nothing.
    let is_signed_in = |cookie: &str| {
        let reply: HttpReply = site.get_with("/en/admin", cookie);
        reply.status == 200
    };
    site.sign_in(&browser);
    let cookies = browser.cookies();
    let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    let own = cookie["value"].as_str().expect("a value");
    assert_ne!(format!("dnsbl-console={own}"), cookie_of(&his));
    assert!(!is_signed_in(&cookie_of(&his)) && is_signed_in(&format!("dnsbl-console={own}")));

    // One beside it takes its place for nobody.
    plant(&cookie_of(&his), "/en/admin");
    browser.open(&site.url("/en/admin"));
    expect_heading(&browser, "Sign in");
    assert_eq!(browser.cookies().len(), 2);
    browser.fill("#token", site.server.admin().token());
    browser.click("main form button");
    expect_heading(&browser, "Sign in");
    assert!(!is_signed_in(&cookie_of(&his)));
}

#[test]
fn the_cookie_of_a_session_is_kept_from_scripts_and_other_sites_and_goes_with_it() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    browser.look(Look::WIDE);
    // A place to go on to is taken from nobody.
    let place = "/en/admin/sign-in?next=//evil.example&return=https://evil.example/&url=/en/faq";
    browser.open(&site.url(place));
    browser.fill("#token", site.server.admin().token());
    browser.click("main form button");
    eventually(PATIENCE, || match browser.url() {
        url if url == site.url("/en/admin") => Ok(()),
        other => Err(other),
    });
    let cookies = browser.cookies();
    let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    for (attribute, value) in [
        ("name", json!("dnsbl-console")),
        ("httpOnly", json!(true)),
        ("sameSite", json!("Strict")),
        ("path", json!("/")),
        ("domain", json!("127.0.0.1")),
        // It ends with the browser.
        ("expiry", json!(null)),
    ] {
        assert_eq!(cookie[attribute], value, "{attribute}: {cookie}");
    }
    assert_eq!(browser.run("return document.cookie"), "");
    browser.click("footer form button");
    expect_heading(&browser, "Sign in");
    let session = cookie["value"].as_str().expect("a value");
    assert!(browser.cookies().iter().all(|left| left["value"] != session));
    assert_eq!(site.get_with("/en/admin", &format!("dnsbl-console={session}")).status, 303);
}

/// Who shows pages inside others, to have clicks stolen, shows an empty frame.
#[test]
fn no_other_page_embeds_one_of_ours() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    browser.look(Look::WIDE);
    site.sign_in(&browser);
    let places = ["/en/", "/en/remove", "/en/admin", "/en/admin/sign-in", "/en/admin/listings/add"];
    for other in others() {
        let frames: String = places
            .iter()
            .map(|place| format!("<iframe src='{}'></iframe>", site.url(place)))
            .collect();
        // What is left of a former page.
        browser.log();
        other.show(&browser, &frames);
        let log = browser.log();
        let refused = log.iter().filter(|line| line.contains("frame-ancestors 'none'")).count();
        assert_eq!(refused, places.len(), "{log:#?}");
    }
}
