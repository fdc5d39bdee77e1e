//! Requests for removal on the pages.

use dnsbl_types::ListingBody;

use super::{Pages, furnished_with_removals, settings, well_formed};
use crate::{Language, forms::Form};

/// The fields of a good request.
fn request<'a>(seal: &'a str, subject: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("q", subject),
        ("comment", "undisclosed comment"),
        ("contact", "undisclosed@example.org"),
        ("seal", seal),
    ]
}

async fn pages() -> Pages {
    furnished_with_removals(settings()).await
}

#[tokio::test]
async fn a_request_leads_to_the_page_of_its_ticket_which_tells_how_it_stands() {
    let pages = pages().await;
    let seal = pages.seal(Form::Remove);
    for (language, told) in [("en", "Waits for a reviewer"), ("ja", "担当者の確認待ち")] {
        let path = format!("/{language}/remove");
        let form = pages.get(&format!("{path}?q=192.0.2.1")).await;
        well_formed(&form.text);
        assert!(form.text.contains("value=\"192.0.2.1\""), "{}", form.text);
        let sent = pages.post(&path, &request(&seal, "192.0.2.1"), &[]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let place = sent.header("location").to_owned();
        let page = pages.get(&place).await;
        well_formed(&page.text);
        assert!(page.status == 200 && page.text.contains(told), "{}", page.text);
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(!page.text.contains("undisclosed"), "{}", page.text);
        let (begin, _) = place.split_at(place.len() - 1);
        for wrong in
            [begin.to_owned(), format!("{begin}{}", if place.ends_with('a') { 'b' } else { 'a' })]
        {
            assert_eq!(pages.get(&wrong).await.status, 404, "{wrong}");
        }
    }
}

#[tokio::test]
async fn what_goes_without_a_reviewer_is_gone_when_the_page_says_so() {
    let pages = pages().await;
    pages.zone("self.example.org", dnsbl_types::ZoneKind::Ip, |spec| {
        spec.removal.self_service = true;
    });
    pages.list("self.example.org", "203.0.113.5", ListingBody::default());
    let seal = pages.seal(Form::Remove);
    let fields = [("q", "203.0.113.5"), ("seal", &*seal)];
    let sent = pages.post("/en/remove", &fields, &[]).await;
    let page = pages.get(sent.header("location")).await.text;
    assert!(page.contains("Removed") && page.contains("may remember the listing until"), "{page}");
    let lookup = pages.get("/en/lookup/203.0.113.5").await.text;
    assert!(lookup.contains("is not listed"), "{lookup}");
    let again = pages.post("/en/remove", &fields, &[]).await;
    assert_eq!(again.status, 422);
    assert!(again.text.contains("nothing to be removed"), "{}", again.text);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_and_zones_that_are_not_shown_are_not_told_of() {
    let pages = pages().await;
    pages.zone("second.example.org", dnsbl_types::ZoneKind::Ip, |_| {});
    pages.list("second.example.org", "192.0.2.1", ListingBody::default());
    pages.list("undisclosed-paid.example", "203.0.113.77", ListingBody::default());
    let seal = pages.seal(Form::Remove);
    for (subject, told) in [
        ("", "no address, prefix or domain"),
        ("a b", "no address, prefix or domain"),
        ("203.0.113.77", "nothing to be removed"),
        ("192.0.2.1", "Several lists"),
    ] {
        let page = pages.post("/en/remove", &request(&seal, subject), &[]).await;
        well_formed(&page.text);
        assert_eq!(page.status, 422, "{subject}: {}", page.text);
        assert!(page.text.contains(told), "{subject}: {}", page.text);
        assert!(!page.text.contains("undisclosed-paid"), "{subject}: {}", page.text);
    }
    for (zone, status) in
        [("second.example.org", 303), ("undisclosed-paid.example", 422), ("x", 422)]
    {
        let fields = [request(&seal, "192.0.2.1"), vec![("zone", zone)]].concat();
        assert_eq!(pages.post("/en/remove", &fields, &[]).await.status, status, "{zone}");
    }
    let mut fields = request(&seal, "192.0.2.2");
    fields[2].1 = "not a mailbox";
    let page = pages.post("/ja/remove", &fields, &[]).await;
    well_formed(&page.text);
    assert!(page.status == 422 && page.text.contains("形式が正しくありません"), "{}", page.text);
}

#[tokio::test]
async fn a_link_in_a_mail_shows_a_button_and_does_nothing_by_itself() {
    let pages = pages().await;
    let token = "a".repeat(39);
    for language in Language::ALL.map(Language::code) {
        let path = format!("/{language}/remove/confirm/{token}");
        let page = pages.get(&path).await;
        well_formed(&page.text);
        assert!(page.status == 200 && page.text.contains("<button"), "{}", page.text);
        assert_eq!(pages.post(&path, &[], &[]).await.status, 404, "nobody has such a token");
        let elsewhere = [("sec-fetch-site", "cross-site")];
        assert_eq!(pages.post(&path, &[], &elsewhere).await.status, 403);
    }
    assert_eq!(pages.get("/en/remove/confirm/x").await.status, 404);
}
