//! The state of the list.

use maud::{Markup, html};

use super::frame::{Frame, View};
use crate::{State, catalogue::Texts, shown::duration, status::Status};

/// A state in one sentence.
pub(crate) fn state_word(texts: Texts<'_>, state: State) -> String {
    texts.text(match state {
        State::Serving => "state-serving",
        State::Loading => "state-loading",
        State::ReadOnly => "state-read-only",
    })
}

/// The page.
pub(crate) fn status(view: View<'_>, status: &Status) -> Markup {
    let title = view.text("menu-status");
    let class = if status.state == State::Serving { "state good" } else { "state bad" };
    let main = html! {
        h1 { (title) }
        p { span class=(class) { (state_word(view.texts, status.state)) } }
        dl {
            dt { (view.text("status-at")) }
            dd { (view.time(status.now, status.now)) }
            @if let Some(at) = status.last_change {
                dt { (view.text("status-last-change")) }
                dd { (view.time(at, status.now)) }
            }
            dt { (view.text("status-behind")) }
            dd {
                @if status.behind == 0 { (view.text("status-up-to-date")) }
                @else { (view.texts.fill("status-changes", [("count", status.behind.into())])) }
            }
        }
        @if !status.zones.is_empty() {
            table {
                caption { (view.text("status-zones")) }
                thead {
                    tr {
                        th scope="col" { (view.text("zone")) }
                        th.number scope="col" { (view.text("status-serial")) }
                        th scope="col" { (view.text("status-ttl")) }
                    }
                }
                tbody {
                    @for zone in status.zones.iter().take(60) {
                        tr {
                            th scope="row" { (zone.origin) }
                            td.number { (zone.serial) }
                            td { (duration(view.texts, zone.ttl.into())) }
                        }
                    }
                }
            }
            p.quiet { (view.text("status-serial-note")) }
        }
        h2 { (view.text("status-history")) }
        ol {
            @for change in &status.changes {
                li { (view.time(change.at, status.now)) ": " (state_word(view.texts, change.state)) }
            }
        }
        p { (view.text("status-history-note")) " " (view.link("status.atom", &view.text("feed-link"))) }
    };
    Frame { view, place: "status", title, is_private: false }.around(&main)
}
