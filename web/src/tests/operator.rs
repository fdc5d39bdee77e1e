//! What the operator adds: incidents, pages of his own, a logo, colours. And figures, as the server keeps them.

use std::{fs, path::Path};

use dnsbl_store::{Figures, FiguresRow, Span, Stock};
use dnsbl_types::UnixTime;
use tempfile::TempDir;

use super::{Pages, furnished, settings, well_formed, well_formed_xml};
use crate::{Color, Language, Settings};

/// The largest page, in bytes.
const MAX_PAGE: usize = 30_000;

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

#[tokio::test]
async fn incidents_are_on_the_first_page_while_they_go_on_and_on_that_of_the_state_and_in_a_feed() {
    let dir = TempDir::new().unwrap();
    let began = "began: 2026-11-30T10:00:00Z\n";
    write(dir.path(), "slow.en.txt", &format!("title: Slow <b>answers\n{began}\nIt is slow.\n"));
    write(dir.path(), "slow.ja.txt", &format!("title: 応答の遅延\n{began}\n遅れています。\n"));
    for at in 0..30 {
        let text = format!(
            "title: Old {at}\nbegan: 2020-01-01T00:00:{at:02}Z\nended: 2020-01-02T00:00:00Z\n\n{}\n",
            "A long story about nothing.\n".repeat(150)
        );
        write(dir.path(), &format!("old-{at}.en.txt"), &text);
    }
    let settings = Settings { incidents: Some(dir.path().into()), ..settings() };
    let pages = furnished(settings);
    for (language, told) in [("en", "Slow &lt;b&gt;answers"), ("ja", "応答の遅延")] {
        let first = pages.get(&format!("/{language}/")).await;
        well_formed(&first.text);
        assert!(first.text.contains(told), "{}", first.text);
        let status = pages.get(&format!("/{language}/status")).await;
        well_formed(&status.text);
        assert!(status.text.contains(told) && status.text.contains("Old 29"), "{}", status.text);
        assert!(status.text.len() < MAX_PAGE, "{} bytes", status.text.len());
        let feed = pages.get(&format!("/{language}/incidents.atom")).await;
        assert_eq!(feed.header("content-type"), "application/atom+xml; charset=utf-8");
        well_formed_xml(&feed.text);
        assert!(feed.text.contains("2026-11-30T10:00:00Z"), "{}", feed.text);
    }
    assert_eq!(furnished(super::settings()).get("/en/incidents.atom").await.status, 404);
}

#[tokio::test]
async fn the_operators_logo_colours_imprint_and_pages_are_on_every_page_and_run_nothing() {
    let dir = TempDir::new().unwrap();
    let svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"><path d=\"M0 0h1\"/></svg>";
    write(dir.path(), "logo.svg", svg);
    write(
        dir.path(),
        "terms.en.txt",
        "title: Terms\n\n# One\n\n- be <kind>\n- or not\n\nhttps://example.org/ .\n",
    );
    let mut settings = Settings {
        logo: Some(dir.path().join("logo.svg")),
        pages: Some(dir.path().into()),
        imprint: Some("https://example.org/imprint".parse().unwrap()),
        ..settings()
    };
    settings.colors.set_accent("#7a1f5c".parse::<Color>().unwrap()).unwrap();
    let pages = furnished(settings);
    for language in Language::ALL.map(Language::code) {
        let page = pages.get(&format!("/{language}/faq")).await;
        well_formed(&page.text);
        for told in ["<img src=\"/logo.svg?v=", "https://example.org/imprint", "/pages/terms"] {
            assert!(page.text.contains(told), "{told}: {}", page.text);
        }
        let terms = pages.get(&format!("/{language}/pages/terms")).await;
        well_formed(&terms.text);
        assert!(terms.text.contains("be &lt;kind&gt;"), "{}", terms.text);
        assert!(terms.text.contains("href=\"https://example.org/\""), "{}", terms.text);
        assert_eq!(pages.get(&format!("/{language}/pages/other")).await.status, 404);
    }
    let logo = pages.get("/logo.svg").await;
    assert_eq!((logo.text.as_str(), logo.header("content-type")), (svg, "image/svg+xml"));
    assert!(logo.header("content-security-policy").ends_with("sandbox"));
    assert!(pages.get("/style.css").await.text.contains("#7a1f5c"));
    let plain = furnished(super::settings());
    assert_eq!(plain.get("/logo.svg").await.status, 404);
}

/// A month of figures of several zones with several codes.
fn keep_a_month(pages: &Pages) {
    let now = UnixTime::now();
    let zones = ["bl.example.org", "dbl.example.org", "undisclosed-paid.example"];
    let mut rows = Vec::new();
    for (span, count) in [(Span::Day, 40), (Span::Hour, 40)] {
        for back in 0..count {
            for zone in zones {
                let codes = (2..8).map(|code| {
                    let code = format!("127.0.0.{code}").parse().unwrap();
                    (code, 12_345_678 + u64::from(back))
                });
                let stock = Stock { listings: 9_999_999, exclusions: 3, codes: codes.collect() };
                let figures = Figures {
                    questions: 123_456_789,
                    listed: 23_456_789,
                    added: 1_234_567,
                    removed: 234_567,
                    expired: 34_567,
                    ages: [1, 20, 300, 4_000, 50_000, 600_000, 7],
                    stock: Some(stock),
                };
                let number = span.of(now) - back;
                rows.push(FiguresRow { span, number, zone: zone.parse().unwrap(), figures });
            }
        }
    }
    pages.store.add_figures(&rows, 0).unwrap();
}

#[tokio::test]
async fn figures_of_a_month_fit_on_a_page_and_a_chart_has_a_table_below_it() {
    let pages = furnished(settings());
    keep_a_month(&pages);
    for (language, told) in [("en", "Time to removal"), ("ja", "解除までの期間")] {
        let page = pages.get(&format!("/{language}/stats")).await;
        well_formed(&page.text);
        assert!(page.text.contains(told), "{}", page.text);
        assert!(page.text.len() < MAX_PAGE, "{} bytes", page.text.len());
        assert_eq!(page.text.matches("<svg").count(), 4, "{}", page.text);
        assert_eq!(page.text.matches("<table").count(), 5, "{}", page.text);
        assert!(!page.text.contains("undisclosed"), "{}", page.text);
        assert!(page.text.contains("bl.example.org 127.0.0."), "{}", page.text);
    }
}
