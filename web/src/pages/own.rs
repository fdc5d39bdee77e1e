//! A page of the operator's own.

use maud::{Markup, html};

use super::{
    frame::{Frame, View},
    plain_text::blocks,
};
use crate::operator_files::OwnPage;

/// The page.
pub(crate) fn own(view: View<'_>, page: &OwnPage) -> Markup {
    let (language, text) = page.text(view.texts.language);
    let other = (language != view.texts.language).then_some(language.code());
    let place = format!("pages/{}", page.name);
    let main = html! {
        h1 lang=[other] { (text.title) }
        div lang=[other] { (blocks(&text.blocks, 2)) }
    };
    Frame { view, place: &place, title: text.title.to_string(), is_private: false }.around(&main)
}
