//! What is listed, for how long, and how to get off: from the settings of the zones.

use dnsbl_types::{AccessRules, Name, RemovalRules, SubscriberMode, Zone, ZoneKind, ZoneQuotas};
use maud::{Markup, html};
use relay_tester::life::{Host, Patience};

use super::frame::{Frame, View};
use crate::shown::{Shown, duration};

/// Zones that are told of.
const MAX_ZONES: usize = 6;

/// The page. `relays`: the zone of the tester of open relays, and its times.
pub(crate) fn policy(view: View<'_>, zones: &[&Zone], relays: Option<(&Name, Patience)>) -> Markup {
    let title = view.text("menu-policy");
    let main = html! {
        h1 { (title) }
        (view.paragraphs("policy-intro"))
        @if zones.is_empty() { p { (view.text("policy-no-zones")) } }
        @for zone in zones.iter().take(MAX_ZONES) {
            @let tested = relays.filter(|(of, _)| **of == zone.origin);
            (one(view, zone, tested.map(|(_, patience)| patience)))
        }
        @if zones.len() > MAX_ZONES {
            ul { @for zone in zones.iter().skip(MAX_ZONES).take(60) { li { (zone.origin) } } }
        }
        h2 { (view.text("policy-removal")) }
        (view.paragraphs("policy-removal-text"))
        @if view.surroundings.offers_removals {
            p { (view.text("policy-removal-form")) " " (view.link("remove", &view.text("menu-remove"))) }
        }
        @if view.settings.contact.is_some() {
            p { (view.text("policy-removal-contact")) " " (view.contact()) }
        }
        h2 { (view.text("policy-shown")) }
        (view.paragraphs("policy-shown-text"))
    };
    Frame { view, place: "policy", title, is_private: false }.around(&main)
}

fn one(view: View<'_>, zone: &Zone, relays: Option<Patience>) -> Markup {
    let codes: Vec<String> = zone.return_codes.iter().map(ToString::to_string).collect();
    let time = |seconds: u32| duration(view.texts, seconds.into());
    html! {
        section.zone {
            h2 { (zone.origin) }
            dl {
                dt { (view.text("policy-lists")) }
                dd { (view.text(kind(zone.kind))) }
                dt { (view.text("policy-reason")) }
                dd { (Shown::new(&zone.reason.render(&view.text("policy-address")))) }
                dt { (view.text("codes")) }
                dd { code { (codes.join(" ")) } }
                @if !zone.includes.is_empty() {
                    dt { (view.text("policy-combined")) }
                    dd { (view.text("policy-combined-text")) }
                }
                dt { (view.text("policy-access")) }
                dd { (view.text(access(zone))) }
                dt { (view.text("policy-ttl")) }
                dd {
                    (view.texts.fill("policy-ttl-text", [
                        ("positive", time(zone.ttl).into()),
                        ("negative", time(zone.negative_ttl).into()),
                    ]))
                }
                dt { (view.text("policy-test-points")) }
                dd {
                    @match zone.kind {
                        ZoneKind::Domain => (view.text("policy-test-points-domain")),
                        _ => (view.text("policy-test-points-ip")),
                    }
                }
            }
            @if view.surroundings.offers_removals && zone.includes.is_empty() {
                p { (removal_policy(view, &zone.removal)) }
            }
            @if let Some(patience) = relays { (relay_policy(view, patience)) }
        }
    }
}

/// What becomes of requests for removal.
fn removal_policy(view: View<'_>, rules: &RemovalRules) -> String {
    let promise = duration(view.texts, rules.promise.into());
    if rules.self_service {
        let wait = duration(view.texts, rules.wait.into());
        view.texts.fill("policy-removal-self", [("wait", wait.into()), ("promise", promise.into())])
    } else {
        view.texts.fill("policy-removal-review", [("promise", promise.into())])
    }
}

/// How open relays are tested, listed and removed.
fn relay_policy(view: View<'_>, patience: Patience) -> Markup {
    let days = Host::RETESTS.map(|day| day.to_string());
    html! {
        h3 { (view.text("policy-relays")) }
        (view.paragraphs("policy-relays-text"))
        p {
            (view.texts.fill("policy-relays-retests", [
                ("days", days.join(", ").into()),
                ("keep", Host::KEEP.into()),
            ]))
        }
        p {
            (view.texts.fill("policy-relays-removal", [
                ("apart", duration(view.texts, patience.second_test_after).into()),
            ]))
        }
    }
}

fn kind(kind: ZoneKind) -> &'static str {
    match kind {
        ZoneKind::Domain => "policy-lists-domains",
        ZoneKind::Ip | ZoneKind::Allow(_) => "policy-lists-addresses",
    }
}

/// Who may ask, without telling whom.
fn access(zone: &Zone) -> &'static str {
    let access = &zone.access;
    if access.subscribers == SubscriberMode::Required {
        "policy-access-subscribers"
    } else if access.rules != AccessRules::default() {
        "policy-access-rules"
    } else if access.quotas != ZoneQuotas::default() {
        "policy-access-quotas"
    } else {
        "policy-access-open"
    }
}
