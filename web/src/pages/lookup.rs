//! What is known of an address, prefix or domain, in plain words.

use dnsbl_types::Subject;
use maud::{Markup, html};

use super::frame::{Frame, View};
use crate::{
    lookup::{
        Audience, DnsAnswer, Evidence, Findings, HostNames, Inside, ListedFacts, Mistake,
        MistakeKind, Standing, Step, ZoneFinding, advise, permalink,
    },
    shown::duration,
};

/// Zones of which all is told; of others only whether they list it. A page stays below 30 KB.
const MAX_WHOLE: usize = 6;

/// The page where nothing was asked.
pub(crate) fn lookup_form(view: View<'_>) -> Markup {
    let title = view.text("lookup-title");
    let main = html! {
        h1 { (title) }
        (view.search(""))
    };
    Frame { view, place: "lookup", title, is_private: false }.around(&main)
}

/// The page where what was typed is no subject.
pub(crate) fn lookup_mistake(view: View<'_>, mistake: &Mistake) -> Markup {
    let title = view.text("mistake-title");
    let explanation = view.text(match mistake.kind {
        MistakeKind::TooLong => "mistake-too-long",
        MistakeKind::Notation => "mistake-notation",
        MistakeKind::NoSubject => "mistake-no-subject",
    });
    let main = html! {
        h1 { (title) }
        p { (view.text("mistake-typed")) " " code { (mistake.typed) } }
        p { (explanation) }
        @if !mistake.instead.is_empty() {
            p { (view.text("mistake-instead")) }
            ul { @for subject in &mistake.instead { li { (subject_link(view, subject)) } } }
        }
        (view.search(""))
    };
    Frame { view, place: "lookup", title, is_private: true }.around(&main)
}

/// What was found.
pub(crate) fn lookup_result(view: View<'_>, findings: &Findings) -> Markup {
    let subject = || [("subject", findings.subject.to_string().into())];
    let is_test = findings.zones.iter().any(|finding| finding.standing == Standing::Test);
    let title = match findings.is_listed() {
        true => view.texts.fill("result-listed", subject()),
        false if is_test => view.texts.fill("result-test", subject()),
        false => view.texts.fill("result-not-listed", subject()),
    };
    let place = permalink(&findings.subject);
    // Listings first: they are why somebody looks.
    let mut zones: Vec<&ZoneFinding> = findings.zones.iter().collect();
    zones.sort_by_key(|finding| !matches!(finding.standing, Standing::Listed(_)));
    let (whole, brief) = zones.split_at(zones.len().min(MAX_WHOLE));
    let main = html! {
        h1 { (title) }
        @if findings.zones.is_empty() { p { (view.text("result-no-zones")) } }
        @for finding in whole { (zone(view, findings, finding)) }
        @if !brief.is_empty() { (others(view, brief)) }
        (host_names(view, &findings.names))
        h2 { (view.text("todo")) }
        h3 { (view.text("todo-administrator")) }
        (steps(view, findings, Audience::Administrator))
        h3 { (view.text("todo-sender")) }
        (steps(view, findings, Audience::Sender))
        p {
            (view.text("permalink")) " "
            a href=(place) { (view.settings.link(&place)) }
        }
        p.quiet { (view.text("result-at")) " " (view.time(findings.now, findings.now)) }
        (view.search(""))
    };
    Frame { view, place: place.trim_start_matches('/'), title, is_private: true }.around(&main)
}

/// What a zone says.
fn zone(view: View<'_>, findings: &Findings, finding: &ZoneFinding) -> Markup {
    let (class, state) = state(finding);
    html! {
        section.zone {
            h2 { (finding.zone) }
            p { span class=(class) { (view.text(state)) } }
            @match &finding.standing {
                Standing::Listed(facts) => (listing(view, findings, facts)),
                Standing::NotListed { removed: Some(removed) } => {
                    p { (view.text("removed-at")) " " (view.time(removed.at, findings.now)) }
                    p {
                        (view.text("remembered-until")) " "
                        (view.time(removed.remembered_until, findings.now))
                    }
                }
                Standing::NotListed { removed: None } => {}
                Standing::Excluded => p { (view.text("excluded-text")) },
                Standing::Test => p { (view.text("test-text")) },
            }
            (inside(view, &finding.inside))
            @if let Some(answer) = &finding.answer { (dns(view, answer)) }
        }
    }
}

/// The class and the words of a standing. Classes have shapes beside colours.
fn state(finding: &ZoneFinding) -> (&'static str, &'static str) {
    match finding.standing {
        Standing::Listed(_) => ("state bad", "state-listed"),
        Standing::NotListed { .. } => ("state good", "state-not-listed"),
        Standing::Excluded => ("state good", "state-excluded"),
        Standing::Test => ("state other", "state-test"),
    }
}

/// The facts of a listing.
fn listing(view: View<'_>, findings: &Findings, facts: &ListedFacts) -> Markup {
    let now = findings.now;
    html! {
        dl {
            @if let Some(by) = facts.by.as_ref().filter(|by| **by != findings.subject) {
                dt { (view.text("covered-by")) }
                dd { (subject_link(view, by)) " " (view.text("covered-by-note")) }
            }
            @if !facts.included.is_empty() {
                dt { (view.text("included")) }
                dd {
                    @for (at, zone) in facts.included.iter().take(16).enumerate() {
                        @if at > 0 { ", " }
                        (zone)
                    }
                }
            }
            dt { (view.text("reason")) }
            dd { @for reason in &facts.reasons { p { (reason) } } }
            dt { (view.text("codes")) }
            dd { code { (facts.codes.join(" ")) } }
            @if let Some(at) = facts.first_seen {
                dt { (view.text("first-seen")) }
                dd { (view.time(at, now)) }
            }
            @if let Some(at) = facts.last_changed {
                dt { (view.text("last-changed")) }
                dd { (view.time(at, now)) }
            }
            @if facts.by.is_some() {
                dt { (view.text("expires")) }
                dd {
                    @if let Some(at) = facts.expires_at { (view.time(at, now)) }
                    @else { (view.text("expires-never")) }
                }
            }
        }
        @if let Some(evidence) = &facts.evidence { (relay_test(view, findings, evidence)) }
    }
}

/// What a relay test found.
fn relay_test(view: View<'_>, findings: &Findings, evidence: &Evidence) -> Markup {
    html! {
        h3 { (view.text("evidence")) }
        p { (view.text("evidence-text")) }
        dl {
            dt { (view.text("evidence-confirmed")) }
            dd { (view.time(evidence.confirmed_at, findings.now)) }
            @if let Some(port) = evidence.port {
                dt { (view.text("evidence-port")) }
                dd { (port) }
            }
            dt { (view.text("evidence-probes")) }
            dd { code { (evidence.probes.join(", ")) } }
            @if evidence.through_another {
                dt { (view.text("evidence-way")) }
                dd { (view.text("evidence-through-another")) }
            }
            dt { (view.text("evidence-next")) }
            dd { (view.time(evidence.next_test_at, findings.now)) }
        }
        p.quiet { (view.text("evidence-cut")) }
    }
}

/// What is listed inside a prefix.
fn inside(view: View<'_>, inside: &Inside) -> Markup {
    html! {
        @match inside {
            Inside::None => {}
            Inside::TooWide => p.quiet { (view.text("inside-too-wide")) },
            Inside::Some { subjects, more } => {
                @if subjects.is_empty() && !*more {
                    p { (view.text("inside-nothing")) }
                } @else {
                    p { (view.text("inside-some")) }
                    ul {
                        @for subject in subjects { li { (subject_link(view, subject)) } }
                        @if *more { li { (view.text("inside-more")) } }
                    }
                }
            }
        }
    }
}

/// The line to ask DNS with, and what it answers.
fn dns(view: View<'_>, answer: &DnsAnswer) -> Markup {
    let ttl = duration(view.texts, answer.ttl.into());
    html! {
        h3 { (view.text("dns")) }
        pre { "dig +short " (answer.name) " A" }
        p {
            @if answer.a.is_empty() {
                (view.texts.fill("dns-nothing", [("ttl", ttl.into())]))
            } @else {
                (view.texts.fill("dns-codes", [
                    ("codes", answer.a.join(" ").into()),
                    ("ttl", ttl.into()),
                ]))
            }
        }
    }
}

/// Whether the host has a name.
fn host_names(view: View<'_>, names: &HostNames) -> Markup {
    let text = match names {
        HostNames::NotAsked => return html! {},
        HostNames::Unknown => view.text("names-unknown"),
        HostNames::Nameless => view.text("names-none"),
        HostNames::Unconfirmed(name) => {
            view.texts.fill("names-unconfirmed", [("host", name.as_str().into())])
        }
        HostNames::Confirmed(name) => {
            view.texts.fill("names-confirmed", [("host", name.as_str().into())])
        }
    };
    html! {
        h2 { (view.text("names")) }
        p { (text) }
    }
}

/// Zones of which only the standing is told.
fn others(view: View<'_>, findings: &[&ZoneFinding]) -> Markup {
    html! {
        h2 { (view.text("other-zones")) }
        ul {
            @for finding in findings.iter().take(60) {
                li { (finding.zone) ": " (view.text(state(finding).1)) }
            }
        }
    }
}

fn steps(view: View<'_>, findings: &Findings, audience: Audience) -> Markup {
    let can_ask = view.settings.contact.is_some() || view.surroundings.offers_removals;
    let steps = advise(findings, audience, can_ask);
    html! { ol { @for next in &steps { li { (step(view, findings, next)) } } } }
}

fn step(view: View<'_>, findings: &Findings, step: &Step) -> Markup {
    let text = |key: &str| html! { (view.text(key)) };
    let until = |key: &str, at| html! { (view.text(key)) " " (view.time(at, findings.now)) };
    match step {
        Step::ReadReason => text("step-read-reason"),
        Step::CloseRelay => text("step-close-relay"),
        Step::AwaitSecondTest(at) => until("step-await-second-test", *at),
        Step::AwaitRetest(at) => until("step-await-retest", *at),
        Step::AskNetworkOwner(by) => html! {
            (view.texts.fill("step-ask-network-owner", [("prefix", by.to_string().into())]))
        },
        Step::AskDomainOwner(by) => html! {
            (view.texts.fill("step-ask-domain-owner", [("domain", by.to_string().into())]))
        },
        Step::EndCause => text("step-end-cause"),
        Step::AskOperator if view.surroundings.offers_removals => html! {
            (view.text("step-ask-removal")) " "
            a href=(removal_form(view, &findings.subject)) { (view.text("menu-remove")) }
        },
        Step::AskOperator => html! { (view.text("step-ask-operator")) " " (view.contact()) },
        Step::AwaitExpiry(at) => until("step-await-expiry", *at),
        Step::NoExpiry => text("step-no-expiry"),
        Step::AwaitCaches(ttl) => html! {
            (view.texts.fill("step-await-caches", [
                ("ttl", duration(view.texts, (*ttl).into()).into()),
            ]))
        },
        Step::AwaitCachesUntil(at) => until("step-await-caches-until", *at),
        Step::ReadBounce => text("step-read-bounce"),
        Step::MailServerRemembers => text("step-mail-server-remembers"),
        Step::CheckNames => text("step-check-names"),
        Step::NothingHere => text("step-nothing-here"),
        Step::NotYourDoing => text("step-not-your-doing"),
        Step::LeaveOutDomain => text("step-leave-out-domain"),
        Step::TellAdministrator => text("step-tell-administrator"),
        Step::UseSubmission => text("step-use-submission"),
        Step::SharedAddress => text("step-shared-address"),
    }
}

/// The form to ask for a removal, with the subject filled in.
fn removal_form(view: View<'_>, subject: &Subject) -> String {
    let subject = subject.to_string();
    let typed: String = url::form_urlencoded::byte_serialize(subject.as_bytes()).collect();
    format!("{}?q={typed}", view.path("remove"))
}

fn subject_link(view: View<'_>, subject: &Subject) -> Markup {
    view.link(permalink(subject).trim_start_matches('/'), &subject.to_string())
}
