//! Requests for removal that a mail confirms: from the form by way of a real mail server to the link in the mail.

use dnsbl_tests::{
    Browser, Look, PATIENCE,
    mta::{Message, Postfix, PostfixRelaying, ScriptedServer, unique_addr},
};
use serde_json::json;

use super::{
    accessibility::expect_accessible, console::is_listed, flows::expect_heading, site::Site, story,
};

/// How long mails may take through a real mail server on a busy machine.
const MAIL: std::time::Duration = std::time::Duration::from_secs(60);

/// A visitor's words: the language, who is listed, what the pages and the mail say.
struct Case {
    language: &'static str,
    subject: &'static str,
    unconfirmed: &'static str,
    confirm: &'static str,
    removed: &'static str,
    mail: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        language: "en",
        subject: "203.0.113.81",
        unconfirmed: "Waits for your confirmation",
        confirm: "Confirm a request for removal",
        removed: "Removed",
        mail: "is not listed in",
    },
    Case {
        language: "ja",
        subject: "203.0.113.82",
        unconfirmed: "メールによる確認待ち",
        confirm: "解除申請の確認",
        removed: "解除済み",
        mail: "に掲載されていません",
    },
];

#[test]
fn whoever_asks_follows_the_link_in_a_mail_and_is_removed() {
    let (inbox, listen) = (ScriptedServer::accepting(), unique_addr());
    let postfix = Postfix::start(&PostfixRelaying::Open, inbox.addr());
    let lines = format!(
        "url = \"http://{listen}/\"\nrequests-per-second = 0\n[mail]\nsmarthost = \"{}\"\nfrom = \"list@example.org\"\n",
        postfix.addr()
    );
    let (site, browser) = (Site::listening_on(&listen.to_string(), &lines), Browser::start());
    let removal = json!({"removal": {"self_service": true, "confirm_by_mail": true}});
    let zone = site.server.ip_zone_at("spam.example.org", removal);
    browser.look(Look::NARROW);
    for case in CASES {
        let Case { language, subject, .. } = case;
        zone.list(subject);
        let contact = format!("postmaster.{language}@example.jp");
        browser.open(&site.url(&format!("/{language}/remove?q={subject}")));
        // The browser itself wants to have a mailbox.
        assert_eq!(browser.run("return document.querySelector('#contact').required"), true);
        browser.fill("#contact", &contact);
        story::send(&browser, &format!("/{language}/remove/"));
        let ticket = browser.url();
        assert_eq!(browser.text("main .state"), case.unconfirmed);
        assert!(!browser.text("main").contains(&contact), "{}", browser.text("main"));
        browser.keep_picture(&format!("story-unconfirmed.{language}.320.light"));

        let to = format!("<{contact}>");
        let link = inbox.wait_for(MAIL, |message| link(message, &to));
        assert!(link.starts_with(&site.url(&format!("/{language}/remove/confirm/"))), "{link}");
        browser.open(&link);
        expect_heading(&browser, case.confirm);
        expect_accessible(&browser, "the page of the link in a mail");
        browser.keep_picture(&format!("story-confirm.{language}.320.light"));
        // To look is not to confirm: programs follow links, too.
        assert!(is_listed(&zone, subject));
        browser.click("main form button");
        dnsbl_tests::eventually(PATIENCE, || {
            let state = browser.run("return document.querySelector('main .state')?.innerText");
            if state == case.removed { Ok(()) } else { Err(state) }
        });
        assert!(!is_listed(&zone, subject));
        browser.open(&ticket);
        assert_eq!(browser.text("main .state"), case.removed);
        inbox.wait_for(MAIL, |message| {
            (message.recipients.contains(&to) && text(message).contains(case.mail)).then_some(())
        });
        // Once more changes nothing.
        browser.open(&link);
        browser.click("main form button");
        assert_eq!(browser.text("main .state"), case.removed);
    }
}

/// The link in a mail to somebody.
fn link(message: &Message, to: &str) -> Option<String> {
    let is_his = message.recipients.iter().any(|recipient| recipient == to);
    let text = text(message);
    let link = text.split_whitespace().find(|word| word.contains("/remove/confirm/"));
    link.filter(|_| is_his).map(ToOwned::to_owned)
}

/// The text of a message, quoted-printable undone (RFC 2045 section 6.7).
fn text(message: &Message) -> String {
    let lines = message.data.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), lines.as_str());
    while let Some((before, behind)) = rest.split_once('=') {
        bytes.extend(before.as_bytes());
        let code = behind.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(b'='));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    bytes.extend(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
