//! What others write and type is shown, and never run, followed or obeyed.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
};

use anyhow::{Context as _, Result};
use dnsbl_tests::{
    Browser, Look, eventually,
    mta::{Heard, Message, ScriptedServer, SmtpAnswer, SmtpClient, unique_host},
    segment,
};
use serde_json::{Value, json};

use super::{
    looks::expect_fits,
    site::{LANGUAGES, Site, TEST},
};

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
            .flatMap(element => ['href', 'action', 'src'].map(name => element.getAttribute(name)))
            .filter(url => url !== null)
            .map(url => new URL(url, location).href)
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

/// Everything that somebody may write whom nobody has asked to.
#[test]
fn nothing_that_others_wrote_is_obeyed_in_the_console_or_on_a_ticket() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    let unbroken = "Unbroken".repeat(12);
    let texts: Vec<&str> = HOSTILE.into_iter().chain([&*unbroken]).collect();
    let zone = json!({"reports": {"categories": {"spam": {}}}});
    let zone = site.server.ip_zone_at("spam.example.org", zone);
    let mut pages: Vec<(String, &str)> = Vec::new();
    for (at, text) in texts.iter().copied().enumerate() {
        let written = write_everywhere(&site, at, text);
        pages.push((format!("admin/reports/{}", written.report), text));
        pages.push((format!("remove/{}", written.ticket), text));
        pages.push((format!("admin/listings?q={}", written.listed), text));
    }
    assert_eq!(zone.origin(), "spam.example.org");
    browser.look(Look::NARROW);
    site.sign_in(&browser);
    for (at, (place, text)) in pages.into_iter().enumerate() {
        browser.open(&site.url(&format!("/{}/{place}", LANGUAGES[at % 2])));
        expect_nothing_obeyed(&site, &browser, &format!("{place}: {text}"), false);
        expect_fits(&browser, &place);
        let shown = browser.text("main");
        let seen: String = text.chars().map(seen).collect();
        assert!(shown.contains(&seen), "{place}: {seen}: {shown}");
    }
    for place in [
        "admin",
        "admin/review?kind=removal",
        "admin/review?kind=report",
        "admin/reports",
        "admin/allow",
        "admin/subscribers",
        "admin/sources?zone=spam.example.org",
        "admin/tokens",
        "admin/audit",
    ] {
        for language in LANGUAGES {
            browser.open(&site.url(&format!("/{language}/{place}")));
            expect_nothing_obeyed(&site, &browser, place, false);
            expect_fits(&browser, place);
        }
    }
    // What whoever has signed in types, or follows a link with.
    for text in texts {
        let typed = segment(text);
        for place in [
            format!("listings?q={typed}"),
            format!("audit?actor={typed}&subject={typed}&action={typed}"),
            format!("undo?seq={typed}"),
            format!("listings/add?subject={typed}"),
            format!("reports/{typed}"),
        ] {
            browser.open(&site.url(&format!("/en/admin/{place}")));
            expect_nothing_obeyed(&site, &browser, &place, true);
            expect_fits(&browser, &place);
        }
    }
}

/// Where a text can be read.
struct Written {
    report: String,
    ticket: String,
    listed: String,
}

/// Writes a text wherever others can.
#[track_caller]
fn write_everywhere(site: &Site, at: usize, text: &str) -> Written {
    let (admin, zone) = (site.server.admin(), "spam.example.org");
    let word = |value: &Value| value.as_str().expect("it is told").to_owned();
    let report = json!({
        "subject": format!("203.0.113.{at}"), "category": "spam", "zone": zone,
        "comment": text, "evidence": format!("X-Evil: {text}\n{text}"),
    });
    let report = word(&admin.post("/v1/reports", &report).expect(201).json()["id"]);
    let listed = format!("192.0.2.{at}");
    let listing = json!({"note": text, "tags": [text.chars().take(16).collect::<String>()]});
    admin.put(&format!("/v1/zones/{zone}/listings/{listed}"), &listing).expect(201);
    let request = json!({"subject": listed, "zone": zone, "comment": text});
    let request = admin.post("/v1/removal-requests", &request).expect(201).json();
    let refusal = json!({"decision": "refuse", "note": text});
    let decide = format!("/v1/review/removal-{}/decide", word(&request["id"]));
    admin.post(&decide, &refusal).expect(200);
    // It is asked for once more, so that it waits with what was written.
    let again = json!({"subject": listed, "zone": zone, "comment": text});
    admin.post("/v1/removal-requests", &again).expect(201);
    let entry = json!({"reason": text, "owner": text});
    admin.put(&format!("/v1/allowlist/198.51.100.{at}"), &entry).expect(201);
    let subscriber = json!({"name": text, "note": text, "zones": [zone]});
    admin.post("/v1/subscribers", &subscriber).expect(201);
    let freeze = json!({"frozen": true, "why": text});
    admin.put(&format!("/v1/zones/{zone}/sources/source{at}"), &freeze).expect(200);
    Written { report, ticket: word(&request["ticket"]), listed }
}

#[test]
fn nothing_that_a_host_says_or_hands_back_is_obeyed() {
    let (site, browser) = (Site::empty("requests-per-second = 0\n"), Browser::start());
    let host = hostile_host(site.receiver);
    let admin = site.server.admin();
    let words = format!("Received: from {}\n\n{}", HOSTILE[0], HOSTILE.join("\n"));
    let body = json!({
        "address": host.addr().ip(), "port": host.addr().port(), "ground": "owner", "evidence": words, "note": HOSTILE[0],
    });
    let test = admin.post("/v1/relay-tests", &body).expect(202).json();
    let id = test["id"].as_str().expect("a test has an id");
    eventually(TEST, || {
        let test = admin.get(&format!("/v1/relay-tests/{id}")).expect(200).json();
        if test["verdict"] == "open" { Ok(()) } else { Err(test["verdict"].clone()) }
    });
    browser.look(Look::NARROW);
    site.sign_in(&browser);
    let parts = (1..=4).map(|part| format!("tests/{id}?part={part}"));
    let mut shown = String::new();
    for place in parts.chain([format!("admin/tests/{id}"), "admin/tests".into()]) {
        for language in LANGUAGES {
            browser.open(&site.url(&format!("/{language}/{place}")));
            expect_nothing_obeyed(&site, &browser, &place, false);
            expect_fits(&browser, &place);
            shown += &browser.text("main");
        }
    }
    for text in HOSTILE {
        // The tester keeps nothing that nobody sees.
        let kept = |c: char| if c.is_ascii() { c } else { char::REPLACEMENT_CHARACTER };
        let seen: String = text.chars().map(kept).collect();
        for told in [format!("-{seen}"), format!("X-Evil: {seen}")] {
            assert!(shown.contains(&told), "{told}: {shown}");
        }
    }
    // Whoever has the token of a probe can have a host listed.
    for message in host.messages() {
        let recipient = message.recipients.last().expect("a recipient");
        let words = recipient.split(|c: char| !c.is_ascii_alphanumeric());
        for token in words.filter(|word| word.len() > 20) {
            assert!(!shown.contains(token), "{token}: {shown}");
        }
    }
}

/// A host that says hostile things, and hands on what it takes with some in the header.
fn hostile_host(receiver: SocketAddr) -> ScriptedServer {
    let host = unique_host();
    ScriptedServer::start_at((host, 0).into(), move |heard| {
        if let Heard::Message(message) = heard {
            let message = message.clone();
            // The tester does not wait for it, nor does the host.
            thread::spawn(move || hand_on(host.into(), receiver, &message));
        }
        match SmtpAnswer::polite(heard) {
            SmtpAnswer::Bytes(bytes) => {
                let code = String::from_utf8_lossy(&bytes[..3]).into_owned();
                let lines = HOSTILE.map(|text| format!("{code}-{text}\r\n"));
                SmtpAnswer::Bytes(format!("{}{code} end\r\n", lines.concat()).into_bytes())
            }
            other => other,
        }
    })
}

fn hand_on(from: IpAddr, receiver: SocketAddr, message: &Message) -> Result<()> {
    let mut client = SmtpClient::connect_from(from, receiver)?;
    client.command("EHLO relay.example")?;
    let sender = message.sender.split(' ').next().context("a sender")?;
    let recipient = message.recipients.last().context("a recipient")?;
    let fields = HOSTILE.map(|text| format!("X-Evil: {text}\r\n"));
    client.transact(sender, recipient, &(fields.concat() + &message.data))?;
    Ok(())
}
