//! The form to nominate a host for a relay test.

use std::net::IpAddr;

use maud::{Markup, html};
use relay_tester::{Ground, life::Limits};

use super::{
    form::{explained, shown_lines},
    frame::{Frame, View},
};
use crate::{
    fault::{Fault, Field},
    nomination::{GROUNDS, Nomination},
    shown::Shown,
};

/// Characters of a name or an address.
const MAX_NAME: u32 = 255;
/// Characters of evidence that a browser lets somebody type, and that are shown again.
const MAX_EVIDENCE: usize = 8_000;

/// The form, with what was typed, and what is wrong with it. `from`: where the visitor is.
pub(crate) fn nominate(
    view: View<'_>,
    from: Option<IpAddr>,
    limits: &Limits,
    typed: &Nomination,
    fault: Option<Fault>,
    seal: &str,
) -> Markup {
    let title = view.text("menu-nominate");
    let describes = |field: Field| fault.filter(|fault| fault.field == field).map(|_| "fault");
    let invalid = |field: Field| describes(field).map(|_| "true");
    let main = html! {
        h1 { (title) }
        @if let Some(fault) = fault { (explained(view, fault)) }
        (view.paragraphs("nominate-intro"))
        form.form method="post" action=(view.path("nominate")) {
            p {
                label for="address" { (view.text("nominate-address")) }
                input #address type="text" name="address" value=(Shown::new(&typed.address))
                    maxlength=(MAX_NAME) required autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-describedby=[describes(Field::Address)]
                    aria-invalid=[invalid(Field::Address)];
            }
            fieldset #ground aria-describedby=[describes(Field::Ground)] {
                legend { (view.text("nominate-ground")) }
                @for ground in GROUNDS {
                    p {
                        label {
                            input type="radio" name="ground" value=(ground.as_str()) required
                                checked[typed.ground == Some(ground)];
                            " " (ground_text(view, ground, from))
                        }
                    }
                }
            }
            p {
                label for="evidence" { (view.text("nominate-evidence")) }
                textarea #evidence name="evidence" rows="8" maxlength=(MAX_EVIDENCE)
                    spellcheck="false" aria-invalid=[invalid(Field::Evidence)]
                    aria-describedby=(format!("evidence-hint {}", describes(Field::Evidence).unwrap_or_default()).trim_end()) {
                    // A browser takes the first line feed away.
                    "\n" (shown_lines(&typed.evidence, MAX_EVIDENCE))
                }
            }
            p.hint #evidence-hint { (view.text("nominate-evidence-hint")) }
            p {
                label for="domain" { (view.text("nominate-domain")) }
                input #domain type="text" name="domain" value=(Shown::new(&typed.domain))
                    maxlength=(MAX_NAME) autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-describedby=[describes(Field::Domain)]
                    aria-invalid=[invalid(Field::Domain)];
            }
            input type="hidden" name="seal" value=(seal);
            p { button type="submit" { (view.text("nominate-button")) } }
        }
        h2 { (view.text("nominate-limits")) }
        ul {
            @if limits.per_address_days > 0 {
                li { (view.texts.fill("nominate-limit-address", [("days", limits.per_address_days.into())])) }
            }
            @if limits.anonymous_day > 0 {
                li { (view.texts.fill("nominate-limit-day", [("count", limits.anonymous_day.into())])) }
            }
            @if limits.per_24_hour > 0 {
                li { (view.texts.fill("nominate-limit-network", [("count", limits.per_24_hour.into())])) }
            }
            li { (view.text("nominate-limit-messages")) }
            li { (view.text("nominate-limit-opt-out")) }
        }
        p { (view.text("nominate-more")) " " (view.link("policy", &view.text("menu-policy"))) }
    };
    Frame { view, place: "nominate", title, is_private: false }.around(&main)
}

fn ground_text(view: View<'_>, ground: Ground, from: Option<IpAddr>) -> String {
    match (ground, from) {
        (Ground::Own, Some(from)) => {
            view.texts.fill("ground-own", [("address", from.to_string().into())])
        }
        (ground, _) => view.text(ground_key(ground)),
    }
}

/// The text of a ground.
pub(super) fn ground_key(ground: Ground) -> &'static str {
    match ground {
        Ground::Own => "ground-own-text",
        Ground::Owner => "ground-owner",
        Ground::Evidence => "ground-evidence",
        Ground::Retest => "ground-retest",
        Ground::Delist => "ground-delist",
    }
}
