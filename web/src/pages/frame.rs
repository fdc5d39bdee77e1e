//! What is around every page.

use dnsbl_types::UnixTime;
use maud::{DOCTYPE, Markup, html};

use crate::{
    OperatorFiles, Settings, Site,
    catalogue::Texts,
    shown::{distance, minute, rfc3339},
};

/// Where the stylesheet is.
pub(crate) const STYLE_PATH: &str = "/style.css";

/// Where the logo is, if there is one.
pub(crate) const LOGO_PATH: &str = "/logo.svg";

/// Where browsers look for an icon without being told to.
pub(crate) const ICON_PATH: &str = "/favicon.ico";

/// The stylesheet.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The pages beside the first one, as they stand in URLs and in the menu.
pub(crate) const NAMES: [&str; 8] =
    ["policy", "use", "remove", "nominate", "faq", "glossary", "stats", "status"];

/// What is around every page beside the settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Whether anybody may nominate hosts.
    pub(crate) offers_nominations: bool,
    /// Whether anybody may ask for a removal.
    pub(crate) offers_removals: bool,
    /// The stylesheet, with the operator's colours.
    pub(crate) style: String,
    /// Another for each stylesheet and logo, so that they can be kept for long.
    pub(crate) version: String,
    pub(crate) files: OperatorFiles,
}

impl Surroundings {
    pub(crate) fn of(site: &Site) -> Self {
        let style = format!("{STYLE}{}", site.settings.colors.rules());
        let logo = site.files.logo.as_deref().unwrap_or_default();
        let digest = blake3::hash(format!("{style}{logo}").as_bytes());
        Self {
            offers_nominations: site.nominations.is_some(),
            offers_removals: site.removals.is_some(),
            style,
            version: digest.to_hex()[..8].to_owned(),
            files: site.files.clone(),
        }
    }

    /// The pages that are in the menu.
    fn menu(&self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(|name| match *name {
            "nominate" => self.offers_nominations,
            "remove" => self.offers_removals,
            _ => true,
        })
    }
}

/// How pages look: in a language, for a list.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) texts: Texts<'a>,
    pub(crate) surroundings: &'a Surroundings,
}

/// A page's place and title.
pub(super) struct Frame<'a> {
    pub(super) view: View<'a>,
    /// Below that of the language, such as `lookup/192.0.2.1`.
    pub(super) place: &'a str,
    pub(super) title: String,
    /// Search engines leave it alone.
    pub(super) is_private: bool,
}

impl View<'_> {
    /// A text.
    pub(super) fn text(&self, key: &str) -> String {
        self.texts.text(key)
    }

    /// The path of a page in this language.
    pub(super) fn path(&self, place: &str) -> String {
        format!("/{}/{place}", self.texts.language.code())
    }

    /// A link to a page in this language.
    pub(super) fn link(&self, place: &str, text: &str) -> Markup {
        html! { a href=(self.path(place)) { (text) } }
    }

    /// A time, and how far away it is.
    pub(super) fn time(&self, at: UnixTime, now: UnixTime) -> Markup {
        html! {
            time datetime=(rfc3339(at)) { (minute(at)) }
            " (" (distance(self.texts, at, now)) ")"
        }
    }

    /// The paragraphs of a text.
    pub(super) fn paragraphs(&self, key: &str) -> Markup {
        html! { @for text in self.texts.paragraphs(key) { p { (text) } } }
    }

    /// The box to look something up.
    pub(super) fn search(&self, value: &str) -> Markup {
        html! {
            form.search role="search" action=(self.path("lookup")) method="get" {
                label for="q" { (self.text("search-label")) }
                div {
                    input #q type="text" name="q" value=(value) maxlength="255" required
                        autocomplete="off" autocapitalize="none" spellcheck="false"
                        aria-describedby="q-hint";
                    button type="submit" { (self.text("search-button")) }
                }
                p.hint #q-hint { (self.text("search-hint")) }
            }
        }
    }

    /// How the operator can be reached, if that is told.
    pub(super) fn contact(&self) -> Markup {
        html! {
            @if let Some(contact) = &self.settings.contact {
                a href=(contact.href()) { (contact) }
            }
        }
    }
}

impl Frame<'_> {
    /// The whole page.
    pub(super) fn around(&self, main: &Markup) -> Markup {
        let Self { view, place, title, is_private } = self;
        let View { settings, texts, surroundings } = view;
        let language = texts.language;
        let is_home = place.is_empty();
        let whole_title = match is_home {
            true => settings.name.clone(),
            false => texts.fill(
                "page-title",
                [("page", title.as_str().into()), ("name", settings.name.as_str().into())],
            ),
        };
        let elsewhere = |code: &str| settings.link(&format!("/{code}/{place}"));
        html! {
            (DOCTYPE)
            html lang=(language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if *is_private { meta name="robots" content="noindex"; }
                    title { (whole_title) }
                    link rel="stylesheet" href={ (STYLE_PATH) "?v=" (surroundings.version) };
                    @for other in settings.languages.iter() {
                        link rel="alternate" hreflang=(other.code()) href=(elsewhere(other.code()));
                    }
                    @if is_home { link rel="alternate" hreflang="x-default" href=(settings.link("/")); }
                    link rel="alternate" type="application/atom+xml"
                        title=(texts.text("feed-link")) href=(view.path("status.atom"));
                }
                body {
                    a.skip href="#main" { (texts.text("skip")) }
                    header {
                        a.name href=(view.path("")) {
                            @if surroundings.files.logo.is_some() {
                                img src={ (LOGO_PATH) "?v=" (surroundings.version) } alt=""; " "
                            }
                            (settings.name)
                        }
                        nav aria-label=(texts.text("menu")) {
                            ul {
                                @for name in surroundings.menu() {
                                    li {
                                        a href=(view.path(name))
                                            aria-current=[(name == *place).then_some("page")] {
                                            (texts.of("menu", name))
                                        }
                                    }
                                }
                            }
                        }
                        @if settings.languages.iter().count() > 1 {
                            nav aria-label=(texts.text("languages")) {
                                ul {
                                    @for other in settings.languages.iter() {
                                        li {
                                            a href={ "/" (other.code()) "/" (place) }
                                                lang=(other.code()) hreflang=(other.code())
                                                aria-current=[(other == language).then_some("true")] {
                                                (other.own_name())
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    main #main { (main) }
                    footer {
                        @if let Some(operator) = &settings.operator {
                            p { (texts.fill("operated-by", [("operator", operator.as_str().into())])) }
                        }
                        @if settings.contact.is_some() {
                            p { (texts.text("contact")) " " (view.contact()) }
                        }
                        @if settings.imprint.is_some() || !surroundings.files.pages.is_empty() {
                            ul.own {
                                @if let Some(imprint) = &settings.imprint {
                                    li { a href=(imprint) { (texts.text("imprint")) } }
                                }
                                @for page in &surroundings.files.pages {
                                    @let (of, text) = page.text(language);
                                    li {
                                        a href=(view.path(&format!("pages/{}", page.name)))
                                            lang=[(of != language).then_some(of.code())] {
                                            (text.title)
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
