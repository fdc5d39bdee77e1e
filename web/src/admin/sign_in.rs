//! The form to sign in.

use maud::{Markup, html};

use super::{
    frame::{FORM_SECRET, hidden, text},
    refused::Refused,
};
use crate::catalogue::Texts;

/// The form, and why the last try failed.
pub(super) fn form(
    texts: Texts<'_>,
    place: &str,
    form_secret: &str,
    refused: Option<&Refused>,
) -> Markup {
    html! {
        @if let Some(refused) = refused {
            p role="alert" {
                b { (texts.text("admin-not-signed-in")) }
                @if matches!(refused, Refused::Forged) { " " (texts.text("admin-forged")) }
            }
            @if let Some(detail) = refused.detail() { p lang="en" { (text(&detail)) } }
        }
        p { (texts.text("admin-sign-in-text")) }
        form.act action=(place) method="post" {
            (hidden(FORM_SECRET, form_secret))
            label for="token" { (texts.text("admin-token")) }
            input #token type="password" name="token" required autocomplete="off" maxlength="200";
            button type="submit" { (texts.text("admin-sign-in")) }
        }
    }
}
