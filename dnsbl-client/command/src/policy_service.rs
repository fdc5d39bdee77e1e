//! The policy service: tells mail servers what to do with a client (`dnsbl policy`).

mod codec;
mod config;
mod connection;
mod decider;
mod grants;
mod listen;
mod memo;
mod metrics;
mod netstring;
mod reply;
mod request;
mod server;
mod service;
mod socketmap;
mod template;
mod wire;

pub(crate) use config::Config;
pub(crate) use decider::{Basis, Decider};
pub(crate) use request::Request;
pub(crate) use server::{Reload, run};
