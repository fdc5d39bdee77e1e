//! Reports of abuse from the log of an SMTP server (`dnsbl report`).
//!
//! What is seen goes one way: `mail_log/` finds lines, `parse/` understands them, `reader.rs` gives them their time and
//! takes the recipients away, `recognizer.rs` decides, `reporter.rs` puts reports into an outbox (`api/`), which
//! posts them.

mod body;
mod client;
mod exempt;
mod parse;
mod reader;
mod recognizer;
mod reporter;
mod service;
mod sighting;

pub(crate) use self::{
    body::Category,
    exempt::Exempt,
    parse::{Format, UnknownReasons},
    recognizer::{Limits, Memory, Thresholds},
    service::{Settings, run},
};
