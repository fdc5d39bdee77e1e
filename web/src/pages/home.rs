//! The first page.

use std::net::IpAddr;

use maud::{Markup, html};

use super::{
    frame::{Frame, View},
    state_word,
};
use crate::{incidents::Incident, status::Status};

/// The first page: one box, in which the visitor's own address stands, and how the list is.
pub(crate) fn home(
    view: View<'_>,
    visitor: Option<IpAddr>,
    status: &Status,
    incidents: &[Incident],
) -> Markup {
    let now = incidents.iter().filter(|incident| incident.ended.is_none());
    let own = visitor.map(|visitor| visitor.to_canonical().to_string()).unwrap_or_default();
    let main = html! {
        h1 { (view.settings.name) }
        (view.paragraphs("home-intro"))
        (view.search(&own))
        @if !own.is_empty() { p.quiet { (view.text("home-own-address")) } }
        p {
            (state_word(view.texts, status.state)) " "
            (view.link("status", &view.text("home-more-status")))
        }
        @for incident in now.take(3) {
            @let (language, text) = incident.text(view.texts.language);
            p {
                span class="state bad" { (view.text("incident-now")) } " "
                a href={ (view.path("status")) "#incidents" } lang=(language.code()) { (text.title) }
            }
        }
        h2 { (view.text("home-who")) }
        ul {
            li { (view.text("home-rejected")) " " (view.link("faq", &view.text("menu-faq"))) }
            li { (view.text("home-listed")) " " (view.link("policy", &view.text("menu-policy"))) }
            li { (view.text("home-administrator")) " " (view.link("use", &view.text("menu-use"))) }
        }
    };
    let title = view.settings.name.clone();
    Frame { view, place: "", title, is_private: false }.around(&main)
}
