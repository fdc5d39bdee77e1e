//! Pages that are texts of the catalogue: questions with their answers, and the glossary.

use maud::{Markup, html};

use super::frame::{Frame, View};
use crate::catalogue::Texts;

/// The questions: `faq-NAME` is one, `faq-NAME-answer` its answer. Those of people whose mail came back come
/// first.
pub(crate) const QUESTIONS: [&str; 14] = [
    "bounced",
    "blocked-by-whom",
    "who-decides",
    "still-rejected",
    "shared",
    "why-listed",
    "relay",
    "relay-tests",
    "get-off",
    "money",
    "wrong",
    "privacy",
    "gone",
    "history",
];

/// The terms: `glossary-NAME` is one in this language, `glossary-NAME-answer` what it means.
pub(crate) const TERMS: [&str; 26] = [
    "dnsbl",
    "listing",
    "removal",
    "expiry",
    "exclusion",
    "allowlist",
    "false-positive",
    "evidence",
    "return-code",
    "txt",
    "zone",
    "ttl",
    "negative-caching",
    "resolver",
    "reverse-dns",
    "relay",
    "open-relay-test",
    "bounce",
    "backscatter",
    "smtp-auth",
    "pop-before-smtp",
    "maps-rbl",
    "orbs",
    "ordb",
    "orbz",
    "rfc5782",
];

/// Questions and answers.
pub(crate) fn faq(view: View<'_>) -> Markup {
    let title = view.text("menu-faq");
    let main = html! {
        h1 { (title) }
        @for name in QUESTIONS {
            section aria-labelledby=(name) {
                h2 id=(name) { (view.texts.of("faq", name)) }
                (view.paragraphs(&format!("faq-{name}-answer")))
            }
        }
        p { (view.text("faq-more")) " " (view.link("glossary", &view.text("menu-glossary"))) }
    };
    Frame { view, place: "faq", title, is_private: false }.around(&main)
}

/// The glossary, with the terms of the `others` beside those of this language.
pub(crate) fn glossary(view: View<'_>, others: &[Texts<'_>]) -> Markup {
    let title = view.text("menu-glossary");
    let main = html! {
        h1 { (title) }
        (view.paragraphs("glossary-intro"))
        dl.terms {
            @for name in TERMS {
                dt id=(name) {
                    @let own = view.texts.of("glossary", name);
                    (own)
                    @for other in others {
                        @let term = other.of("glossary", name);
                        // Some go by one name everywhere.
                        @if term != own { " " span.quiet lang=(other.language.code()) { (term) } }
                    }
                }
                dd { (view.paragraphs(&format!("glossary-{name}-answer"))) }
            }
        }
    };
    Frame { view, place: "glossary", title, is_private: false }.around(&main)
}
