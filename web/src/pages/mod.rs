//! The pages, as templates over what was found. They escape what they show by themselves, and `rustc` checks
//! them.

mod chart;
mod form;
mod frame;
mod home;
mod how_to_use;
mod lookup;
mod nominate;
mod own;
mod plain_text;
mod policy;
mod relay_test;
mod remove;
mod stats;
mod status;
mod texts;
mod trouble;

#[cfg(test)]
pub(crate) use frame::STYLE;
pub(crate) use frame::{ICON_PATH, LOGO_PATH, NAMES, STYLE_PATH, Surroundings, View};
pub(crate) use home::home;
pub(crate) use how_to_use::how_to_use;
pub(crate) use lookup::{lookup_form, lookup_mistake, lookup_result};
pub(crate) use nominate::nominate;
pub(crate) use own::own;
pub(crate) use policy::policy;
pub(crate) use relay_test::relay_test;
pub(crate) use remove::{confirm_removal, removal, remove};
pub(crate) use stats::stats;
pub(crate) use status::{incident_times, state_word, status};
#[cfg(test)]
pub(crate) use texts::{QUESTIONS, TERMS};
pub(crate) use texts::{faq, glossary};
pub(crate) use trouble::{Trouble, trouble};
