//! What all forms have.

use maud::{Markup, html};

use super::frame::View;
use crate::{
    fault::Fault,
    shown::{Shown, duration},
};

/// What is wrong, first on the page, and with the way to where it is.
pub(super) fn explained(view: View<'_>, fault: Fault) -> Markup {
    html! {
        div.fault role="alert" {
            h2 { (view.text("form-fault")) }
            p #fault {
                @if let Some(id) = fault.field.id() { a href={ "#" (id) } { (view.text(fault.key)) } }
                @else { (view.text(fault.key)) }
                @if let Some(seconds) = fault.retry_after {
                    " " (view.texts.fill("form-retry", [
                        ("length", duration(view.texts, seconds).into()),
                    ]))
                }
            }
        }
    }
}

/// Several lines of at most so many characters, without what nobody sees.
pub(super) fn shown_lines(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    short.lines().map(|line| Shown::whole(line).to_string()).collect::<Vec<_>>().join("\n")
}
