//! Logins from a mail log, posted to the server (`dnsbl logins`), for mail servers that can't post themselves.
//!
//! A login goes one way: `follow/` finds lines, `parse/` understands them, `reader.rs` gives them their time,
//! `queue.rs` lets them wait, `poster.rs` has `server.rs` post them. Whatever fails, nothing is granted.

mod address;
mod follow;
mod pace;
mod parse;
mod poster;
mod queue;
mod reader;
mod server;
mod service;
mod source;
mod zone;

pub(crate) use self::{
    address::Address,
    parse::Format,
    server::Server,
    service::{Settings, Sink, run},
};
