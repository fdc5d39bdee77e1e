//! The pages, as templates over what was found. They escape what they show by themselves, and `rustc` checks
//! them.

mod frame;
mod home;
mod how_to_use;
mod lookup;
mod policy;
mod stats;
mod status;
mod texts;
mod trouble;

pub(crate) use frame::{NAMES, STYLE, STYLE_PATH, View, style_version};
pub(crate) use home::home;
pub(crate) use how_to_use::how_to_use;
pub(crate) use lookup::{lookup_form, lookup_mistake, lookup_result};
pub(crate) use policy::policy;
pub(crate) use stats::stats;
pub(crate) use status::{state_word, status};
#[cfg(test)]
pub(crate) use texts::{QUESTIONS, TERMS};
pub(crate) use texts::{faq, glossary};
pub(crate) use trouble::{Trouble, trouble};
