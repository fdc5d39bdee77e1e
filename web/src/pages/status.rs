//! The state of the list.

use maud::{Markup, html};

use super::{
    frame::{Frame, View},
    plain_text::blocks,
};
use crate::{
    State,
    catalogue::Texts,
    incidents::Incident,
    shown::{duration, minute},
    status::Status,
};

/// A state in one sentence.
pub(crate) fn state_word(texts: Texts<'_>, state: State) -> String {
    texts.text(match state {
        State::Serving => "state-serving",
        State::Loading => "state-loading",
        State::ReadOnly => "state-read-only",
    })
}

/// Incidents that are told of, and bytes of text that there is room for.
const MAX_INCIDENTS: usize = 10;
const TEXT_ROOM: usize = 14_000;

/// The page. `incidents`: the newest first, where the operator keeps any.
pub(crate) fn status(view: View<'_>, status: &Status, incidents: Option<&[Incident]>) -> Markup {
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
        @if let Some(incidents) = incidents { (all_incidents(view, status, incidents)) }
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

/// When an incident was, in one sentence.
pub(crate) fn incident_times(texts: Texts<'_>, incident: &Incident) -> String {
    let began = || ("began", minute(incident.began).into());
    match incident.ended {
        Some(ended) => texts.fill("incident-ended", [began(), ("ended", minute(ended).into())]),
        None => texts.fill("incident-goes-on", [began()]),
    }
}

fn all_incidents(view: View<'_>, status: &Status, incidents: &[Incident]) -> Markup {
    let mut room = TEXT_ROOM;
    html! {
        h2 #incidents { (view.text("status-incidents")) }
        @if incidents.is_empty() { p { (view.text("status-no-incidents")) } }
        @for incident in incidents.iter().take(MAX_INCIDENTS) {
            @let whole = one_incident(view, status, incident);
            @let size = whole.0.len();
            @if size <= room { ({ room -= size; whole }) }
            @else { p { (incident.text(view.texts.language).1.title) } }
        }
        p { (view.link("incidents.atom", &view.text("feed-incidents-link"))) }
    }
}

fn one_incident(view: View<'_>, status: &Status, incident: &Incident) -> Markup {
    let (language, text) = incident.text(view.texts.language);
    let other = (language != view.texts.language).then_some(language.code());
    let goes_on = incident.ended.is_none_or(|ended| ended > status.now);
    html! {
        section.zone aria-labelledby={ "incident-" (incident.name) } {
            h3 id={ "incident-" (incident.name) } lang=[other] { (text.title) }
            p {
                @if goes_on { span class="state bad" { (view.text("incident-now")) } " " }
                (incident_times(view.texts, incident))
            }
            div lang=[other] { (blocks(&text.blocks, 4)) }
        }
    }
}
