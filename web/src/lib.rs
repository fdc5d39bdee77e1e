//! The pages of the list: what people see who are listed, who wonder why their mail comes back, and who
//! want to use the list.
//!
//! It stands beside the HTTP API and shares nothing with it but what both are made from. It reads, and never
//! writes: a [`Site`] has the store and the tester's records as readers only. What visitors may ask for by a
//! form goes to the service that decides about it, as it does from the API. The one exception is the operator's
//! console (`admin/`), where there is one: a [`Console`] has the services that change things, and hands them only what
//! `dnsbl-rights` has permitted to the token that was signed in with.
//!
//! # What is shown
//!
//! Whatever is not public stays out unless it is let in by name. Shown are zones that anybody may ask, and those
//! that the operator names; of a listing what DNS tells anyhow (codes, texts, what covers it) and its times; of
//! a relay test when the host was found open and by which forms of address. Notes, tags, sources, reporters,
//! tokens, transcripts and headers are never read into what pages are made of: `lookup/findings.rs` is
//! the one place where facts are taken.
//!
//! # How a page is made
//!
//! Routes are in `router`. A handler reads facts (`lookup/findings.rs`, `status.rs`, `stats.rs`), pure code
//! decides what to make of them (`lookup/advice.rs`), and templates that `rustc` checks and that escape
//! by themselves (`pages/`) put it into words of the catalogue (`catalogue/*.ftl`).

mod admin;
mod app;
mod catalogue;
mod client;
mod color;
mod fault;
mod feed;
mod forms;
mod incidents;
mod language;
mod layers;
mod lookup;
mod nomination;
mod operator_files;
mod pages;
mod plain_text;
mod rates;
mod reading;
mod relay_test;
mod removal;
mod router;
mod serve;
mod settings;
mod shown;
mod site;
mod stats;
mod status;
#[cfg(test)]
mod tests;
mod zones;

pub use color::{Color, ColorError, Colors};
pub use language::{Language, Languages};
pub use operator_files::{FileError, OperatorFiles};
pub use plain_text::TextError;
pub use serve::serve;
pub use settings::{Contact, ContactError, Limits, Settings, ShownZones};
pub use site::{Console, Host, Site, State};
