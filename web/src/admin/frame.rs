//! What is around every page of the console, and what its forms are made of.

use std::fmt::Display;

use dnsbl_rights::Holder;
use maud::{DOCTYPE, Markup, html};

use super::asked::{Asked, path};
use crate::{Language, app::App, pages::STYLE_PATH, shown::Shown};

/// The most characters of a text of others that the console shows.
const MOST_CHARS: usize = 5_000;

/// The name of the field in which each form says which browser it was made for.
pub(super) const FORM_SECRET: &str = "form";

/// The places in the menu, and the scope that each needs.
const MENU: [(&str, &str, Option<&str>); 12] = [
    ("", "admin-menu-overview", None),
    ("listings", "admin-menu-listings", Some("listings:read")),
    ("review", "admin-menu-review", Some("review")),
    ("reports", "admin-menu-reports", Some("reports:read")),
    ("tests", "admin-menu-tests", Some("relay-tests:read")),
    ("allow", "admin-menu-allow", Some("allowlist:read")),
    ("feeds", "admin-menu-feeds", Some("feeds:read")),
    ("sources", "admin-menu-sources", Some("zones:read")),
    ("subscribers", "admin-menu-subscribers", Some("subscribers:read")),
    ("audit", "admin-menu-audit", Some("audit:read")),
    ("tokens", "admin-menu-tokens", Some("tokens:admin")),
    ("undo", "admin-menu-undo", Some("undo")),
];

/// A page of the console.
pub(super) struct Frame<'a> {
    pub(super) app: &'a App,
    pub(super) language: Language,
    /// Who has signed in, and what his forms carry.
    pub(super) signed_in: Option<(&'a Holder, &'a str)>,
    /// Where it is, below the console.
    pub(super) place: &'a str,
    /// What it is about, which may be a text of others.
    pub(super) title: &'a str,
    /// What was done before.
    pub(super) notice: Option<String>,
}

impl Frame<'_> {
    /// The whole page.
    pub(super) fn around(&self, main: &Markup) -> Markup {
        let Self { app, language, signed_in, place, title, notice } = self;
        let texts = app.texts(*language);
        let first = place.split('/').next().unwrap_or_default();
        let title = text(title);
        html! {
            (DOCTYPE)
            html lang=(language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (title) " – " (app.settings.name) " – " (texts.text("admin-title")) }
                    link rel="stylesheet" href={ (STYLE_PATH) "?v=" (app.surroundings.version) };
                }
                body {
                    a.skip href="#main" { (texts.text("skip")) }
                    header {
                        a.name href=(path(*language, "")) { (app.settings.name) " – " (texts.text("admin-title")) }
                        @if let Some((holder, _)) = signed_in {
                            nav aria-label=(texts.text("menu")) {
                                ul {
                                    @for (at, key, scope) in MENU {
                                        @if scope.is_none_or(|scope| holder.rights().has(scope)) {
                                            li {
                                                a href=(path(*language, at))
                                                    aria-current=[(at == first).then_some("page")] {
                                                    (texts.text(key))
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        @if app.settings.languages.iter().count() > 1 {
                            nav aria-label=(texts.text("languages")) {
                                ul {
                                    @for other in app.settings.languages.iter() {
                                        li {
                                            a href=(path(other, place))
                                                lang=(other.code()) hreflang=(other.code())
                                                aria-current=[(other == *language).then_some("true")] {
                                                (other.own_name())
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    main #main {
                        @if let Some(notice) = notice { p.notice role="status" { (notice) } }
                        h1 { (title) }
                        (main)
                    }
                    footer {
                        @if let Some((holder, secret)) = signed_in {
                            p { (texts.text("admin-signed-in-as")) " " b { (holder.token().name) } }
                            form action=(path(*language, "sign-out")) method="post" {
                                (hidden(FORM_SECRET, secret))
                                button type="submit" { (texts.text("admin-sign-out")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A form that does something.
pub(super) fn form(asked: &Asked, place: &str, button: &str, fields: &Markup) -> Markup {
    html! {
        form.act action=(asked.path(place)) method="post" {
            (hidden(FORM_SECRET, &asked.form_secret))
            (fields)
            button type="submit" { (asked.text(button)) }
        }
    }
}

/// A form that only looks.
pub(super) fn look(asked: &Asked, place: &str, fields: &Markup) -> Markup {
    html! {
        form.act action=(asked.path(place)) method="get" {
            (fields)
            button type="submit" { (asked.text("admin-show")) }
        }
    }
}

/// A value that is sent along.
pub(super) fn hidden(name: &str, value: impl Display) -> Markup {
    html! { input type="hidden" name=(name) value=(value.to_string()); }
}

/// A line to type into; `id` is another for each on a page.
pub(super) fn line(id: &str, name: &str, label: &str, value: &str) -> Markup {
    html! {
        label for=(id) { (label) }
        input id=(id) type="text" name=(name) value=(text(value)) autocomplete="off" autocapitalize="none"
            spellcheck="false";
    }
}

/// Lines to type into.
pub(super) fn lines(id: &str, name: &str, label: &str) -> Markup {
    html! {
        label for=(id) { (label) }
        textarea id=(id) name=(name) rows="4" {}
    }
}

/// A box to tick.
pub(super) fn tick(id: &str, name: &str, label: &str) -> Markup {
    html! {
        span.tick {
            input id=(id) type="checkbox" name=(name) value="1";
            label for=(id) { (label) }
        }
    }
}

/// A choice of values, each with its words.
pub(super) fn choice(
    id: &str,
    name: &str,
    label: &str,
    values: &[(String, String)],
    chosen: Option<&str>,
) -> Markup {
    html! {
        label for=(id) { (label) }
        select id=(id) name=(name) {
            @for (value, words) in values {
                option value=(value) selected[chosen == Some(value.as_str())] { (words) }
            }
        }
    }
}

/// Values that are their own words.
pub(super) fn same(values: impl IntoIterator<Item = impl Display>) -> Vec<(String, String)> {
    values.into_iter().map(|value| (value.to_string(), value.to_string())).collect()
}

/// A name and what it is of, where there is anything.
pub(super) fn fact(asked: &Asked, key: &str, value: Option<impl Display>) -> Markup {
    html! {
        @if let Some(value) = value {
            dt { (asked.text(key)) }
            dd { (text(&value.to_string())) }
        }
    }
}

/// The same of a time.
pub(super) fn fact_time(asked: &Asked, key: &str, at: Option<dnsbl_types::UnixTime>) -> Markup {
    html! {
        @if let Some(at) = at {
            dt { (asked.text(key)) }
            dd { (asked.time(at)) }
        }
    }
}

/// A text of others, on one line.
pub(super) fn text(text: &str) -> Shown {
    Shown::cut(text, MOST_CHARS)
}

/// A text of others as its lines stand.
pub(super) fn block(lines: &str) -> Markup {
    let shown: Vec<String> =
        lines.lines().map(|line| Shown::cut(line, MOST_CHARS).to_string()).collect();
    html! { pre { (shown.join("\n")) } }
}

/// A link to where a list goes on.
pub(super) fn next(asked: &Asked, place: &str, query: &[(&str, &str)]) -> Markup {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()))
        .finish();
    html! { p { a href={ (asked.path(place)) "?" (query) } { (asked.text("admin-next")) } } }
}
