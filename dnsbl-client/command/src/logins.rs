//! Logins from a mail log, posted to the server (`dnsbl logins`), for mail servers that can't post themselves.
//!
//! A login goes one way: `mail_log/` finds lines, `parse/` understands them, `reader.rs` gives them their time,
//! `poster.rs` puts them into an outbox (`api/`), which posts them. Whatever fails, nothing is granted.

mod parse;
mod poster;
mod reader;
mod service;
mod waiting;

pub(crate) use self::{
    parse::Format,
    service::{Settings, run},
};
