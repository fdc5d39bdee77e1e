//! The form to ask for removal, and the page of such a request.

use dnsbl_types::Name;
use maud::{Markup, html};

use super::{
    form::{explained, shown_lines},
    frame::{Frame, View},
};
use crate::{
    fault::{Fault, Field},
    lookup::permalink,
    removal::{RemovalFacts, RemovalStage, TypedRemoval},
    shown::Shown,
};

/// Characters of what is typed.
const MAX_NAME: u32 = 255;
const MAX_COMMENT: usize = 1_000;

/// The form, with what was typed, and what is wrong with it.
///
/// `zones`: those that list the subject, where they are known; `wants_contact`: one of them has requests confirmed by
/// mail.
pub(crate) fn remove(
    view: View<'_>,
    typed: &TypedRemoval,
    zones: &[&Name],
    wants_contact: bool,
    fault: Option<Fault>,
    seal: &str,
) -> Markup {
    let title = view.text("menu-remove");
    let describes = |field: Field| fault.filter(|fault| fault.field == field).map(|_| "fault");
    let invalid = |field: Field| describes(field).map(|_| "true");
    let main = html! {
        h1 { (title) }
        @if let Some(fault) = fault { (explained(view, fault)) }
        (view.paragraphs("remove-intro"))
        form.form method="post" action=(view.path("remove")) {
            p {
                label for="subject" { (view.text("search-label")) }
                input #subject type="text" name="q" value=(Shown::new(&typed.subject))
                    maxlength=(MAX_NAME) required autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-describedby=[describes(Field::Subject)]
                    aria-invalid=[invalid(Field::Subject)];
            }
            @if zones.len() > 1 {
                fieldset #zone aria-describedby=[describes(Field::Zone)] {
                    legend { (view.text("remove-zone")) }
                    @for zone in zones.iter().take(16) {
                        @let name = zone.to_string();
                        p {
                            label {
                                input type="radio" name="zone" value=(name) required
                                    checked[typed.zone == name];
                                " " (name)
                            }
                        }
                    }
                }
            }
            p {
                label for="comment" { (view.text("remove-comment")) }
                textarea #comment name="comment" rows="5" maxlength=(MAX_COMMENT)
                    aria-describedby="comment-hint" {
                    "\n" (shown_lines(&typed.comment, MAX_COMMENT))
                }
            }
            p.hint #comment-hint { (view.text("remove-comment-hint")) }
            p {
                label for="contact" {
                    @if wants_contact { (view.text("remove-contact-needed")) }
                    @else { (view.text("remove-contact")) }
                }
                input #contact type="email" name="contact" value=(Shown::new(&typed.contact))
                    maxlength="254" autocomplete="email" required[wants_contact]
                    aria-describedby=(format!("contact-hint {}", describes(Field::Contact).unwrap_or_default()).trim_end())
                    aria-invalid=[invalid(Field::Contact)];
            }
            p.hint #contact-hint { (view.text("remove-contact-hint")) }
            input type="hidden" name="seal" value=(seal);
            p { button type="submit" { (view.text("remove-button")) } }
        }
        h2 { (view.text("remove-who")) }
        (view.paragraphs("remove-who-text"))
        p { (view.text("nominate-more")) " " (view.link("policy", &view.text("menu-policy"))) }
    };
    Frame { view, place: "remove", title, is_private: false }.around(&main)
}

/// The page of a request. `place` is below that of the language, and holds the ticket.
pub(crate) fn removal(view: View<'_>, place: &str, facts: &RemovalFacts) -> Markup {
    let subject = facts.subject.to_string();
    let title = view.texts.fill("removal-title", [("subject", subject.as_str().into())]);
    let (class, state) = state(&facts.stage);
    let lookup = permalink(&facts.subject);
    let main = html! {
        h1 { (title) }
        p role="status" { span class=(class) { (view.text(state)) } }
        h2 { (view.text("test-follows")) }
        ul { (follows(view, facts)) }
        @if let Some(note) = &facts.note {
            h2 { (view.text("removal-note")) }
            p { (note) }
        }
        h2 { (view.text("removal-about")) }
        dl {
            dt { (view.text("zone")) }
            dd { (facts.zone) }
            dt { (view.text("removal-subject")) }
            dd { (view.link(lookup.trim_start_matches('/'), &subject)) }
            dt { (view.text("test-asked")) }
            dd { (view.time(facts.at, facts.now)) }
            dt { (view.text("removal-now")) }
            dd { (view.text(if facts.is_listed { "state-listed" } else { "state-not-listed" })) }
        }
        p.quiet { (view.text("removal-keep")) }
    };
    Frame { view, place, title, is_private: true }.around(&main)
}

/// The page to confirm a request with, which a program that follows links in mails does not press.
pub(crate) fn confirm_removal(view: View<'_>, place: &str) -> Markup {
    let title = view.text("confirm-title");
    let main = html! {
        h1 { (title) }
        p { (view.text("confirm-text")) }
        form.form method="post" action=(view.path(place)) {
            p { button type="submit" { (view.text("confirm-button")) } }
        }
    };
    Frame { view, place, title, is_private: true }.around(&main)
}

/// The class and the words of how a request stands.
fn state(stage: &RemovalStage) -> (&'static str, &'static str) {
    match stage {
        RemovalStage::Unconfirmed(_) => ("state other", "removal-unconfirmed"),
        RemovalStage::Review(_) => ("state other", "removal-review"),
        RemovalStage::Waits(_) => ("state other", "removal-waits"),
        RemovalStage::Retest(_) => ("state other", "removal-retest"),
        RemovalStage::Removed(..) => ("state good", "removal-removed"),
        RemovalStage::Refused | RemovalStage::TestedOpen => ("state bad", "removal-refused"),
    }
}

fn follows(view: View<'_>, facts: &RemovalFacts) -> Markup {
    let until = |key: &str, at| html! { li { (view.text(key)) " " (view.time(at, facts.now)) } };
    html! {
        @match &facts.stage {
            RemovalStage::Unconfirmed(at) => {
                li { (view.text("removal-follow-link")) }
                (until("removal-follow-until", *at))
            }
            RemovalStage::Review(wider) => {
                (until("removal-promised", facts.promised))
                @if let Some(wider) = wider {
                    li { (view.texts.fill("removal-wider", [("prefix", wider.to_string().into())])) }
                }
            }
            RemovalStage::Waits(at) => {
                (until("removal-waits-until", *at))
                li { (view.text("removal-waits-why")) }
            }
            RemovalStage::Retest(test) => {
                li {
                    (view.text("removal-tested")) " "
                    @if view.surroundings.offers_nominations {
                        (view.link(&format!("tests/{test}"), &view.text("removal-test-link")))
                    }
                }
                (until("removal-promised", facts.promised))
            }
            RemovalStage::Removed(at, cached) => {
                (until("removal-removed-at", *at))
                @if *cached > facts.now { (until("step-await-caches-until", *cached)) }
                li { (view.text("step-mail-server-remembers")) }
            }
            RemovalStage::Refused => li { (view.text("removal-refused-text")) " " (view.contact()) },
            RemovalStage::TestedOpen => li { (view.text("removal-open-text")) },
        }
        @if facts.has_contact && !matches!(facts.stage, RemovalStage::Removed(..)) {
            li { (view.text("removal-by-mail")) }
        }
    }
}
