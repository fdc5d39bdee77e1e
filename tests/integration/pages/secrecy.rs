//! What is nobody's business is on no page.

use dnsbl_tests::Random;
use serde_json::{Value, json};

use super::site::{LANGUAGES, Site};

/// How many rounds of other secrets are tried.
const ROUNDS: usize = 4;

/// What nobody sees, operators neither: with it somebody else could act in another's name.
const LIVE: [&str; 6] = [
    "the operator's token",
    "the operator's session",
    "a token",
    "a subscriber's key",
    "a ticket",
    "a mailbox",
];

/// Words that are made up and told to the server alone.
struct Secrets {
    random: Random,
    words: Vec<(&'static str, String)>,
}

impl Secrets {
    fn next(&mut self, what: &'static str) -> String {
        let word = format!("w{:016x}", self.random.number());
        self.words.push((what, word.clone()));
        word
    }

    /// Remembers one that the server has made up.
    fn made(&mut self, what: &'static str, text: &Value) -> String {
        let text = text.as_str().unwrap_or_else(|| panic!("{what}: {text}")).to_owned();
        self.words.push((what, text.clone()));
        text
    }
}

#[test]
fn no_page_has_a_note_a_reporter_a_subscribers_key_or_a_token_and_the_console_has_no_secret() {
    let site = Site::furnished();
    let admin = site.server.admin();
    let reported = site.server.ip_zone_at(
        "reported.example.org",
        json!({"reports": {"categories": {"spam": {"reporters": 1, "networks": 1}}}}),
    );
    let random = Random::from_env("DNSBL_SECRETS_SEED");
    let mut secrets =
        Secrets { random, words: vec![("the operator's token", admin.token().to_owned())] };
    let mut subjects = vec!["192.0.2.99".to_owned(), "203.0.113.0_24".to_owned()];
    for round in 0..ROUNDS {
        let subject = format!("203.0.113.{}", 10 + round);
        let token = json!({"name": secrets.next("a reporter"), "scopes": ["reports:write", "listings:write"]});
        let token = admin.post("/v1/tokens", &token).expect(201).json();
        secrets.made("a token's id", &token["id"]);
        let by = admin.with_token(&secrets.made("a token", &token["token"]));
        let report = json!({
            "subject": subject, "category": "spam", "zone": reported.origin(),
            "comment": secrets.next("a comment"),
            "evidence": format!("Received: from {}\n\n{}", secrets.next("a header"), secrets.next("a message")),
        });
        let report = by.post("/v1/reports", &report);
        assert!(matches!(report.status, 200 | 201), "{}", report.text);
        secrets.made("a report's id", &report.json()["id"]);
        let listing = json!({"note": secrets.next("a note"), "tags": [secrets.next("a tag")]});
        site.relays.put(&subject, &format!("?source={}", secrets.next("a source")), &listing);
        let by =
            by.put(&site.relays.listing_path(&subject), &json!({"note": secrets.next("a note")}));
        assert!(matches!(by.status, 200 | 201), "{}", by.text);
        let subscriber =
            json!({"name": secrets.next("a subscriber"), "zones": [reported.origin()]});
        let subscriber = admin.post("/v1/subscribers", &subscriber).expect(201).json();
        secrets.made("a subscriber's key", &subscriber["key"]);
        secrets.made("a subscriber's id", &subscriber["id"]);
        subjects.push(subject);
        let gone = format!("203.0.113.{}", 100 + round);
        site.relays.put(&gone, "", &json!({"note": secrets.next("a note")}));
        site.relays.remove(&gone);
        subjects.push(gone);
        let asked_about = format!("203.0.113.{}", 150 + round);
        site.relays.list(&asked_about);
        let request = json!({
            "subject": asked_about, "comment": secrets.next("a comment"),
            "contact": format!("{}@example.jp", secrets.next("a mailbox")),
        });
        let request = admin.post("/v1/removal-requests", &request).expect(201).json();
        secrets.made("a ticket", &request["ticket"]);
        subjects.push(asked_about);
    }
    let public = LANGUAGES.into_iter().flat_map(|language| site.public_pages_in(language));
    let mut paths: Vec<String> =
        public.map(|page| page.url[site.url("").len()..].to_owned()).collect();
    for language in LANGUAGES {
        paths.push(format!("/{language}/status.atom"));
        paths.extend(subjects.iter().map(|subject| format!("/{language}/lookup/{subject}")));
    }
    paths.extend(subjects.iter().map(|subject| format!("/lookup/{subject}")));
    for path in paths {
        for accept in ["text/html", "application/json"] {
            let page = site.get_as(&path, accept);
            let all = format!("{:?} {}", page.headers, page.text);
            for (what, word) in &secrets.words {
                assert!(!all.contains(word), "{path} as {accept} has {what}: {word}");
            }
        }
    }
    let cookie = site.cookie();
    secrets.words.push(("the operator's session", cookie.replace("dnsbl-console=", "")));
    let mut paths: Vec<String> = LANGUAGES
        .into_iter()
        .flat_map(|language| site.console_pages_in(language))
        .map(|page| page.url[site.url("").len()..].to_owned())
        .collect();
    paths.extend(subjects.iter().map(|subject| format!("/en/admin/listings?q={subject}")));
    let mut seen = String::new();
    for path in paths {
        let page = site.get_with(&path, &cookie);
        let all = format!("{:?} {}", page.headers, page.text);
        for (what, word) in secrets.words.iter().filter(|(what, _)| LIVE.contains(what)) {
            assert!(!all.contains(word), "{path} has {what}: {word}");
        }
        seen += &page.text;
    }
    // It is the console of these.
    for (what, word) in secrets.words.iter().filter(|(what, _)| *what == "a reporter") {
        assert!(seen.contains(word), "no page has {what}");
    }
}
