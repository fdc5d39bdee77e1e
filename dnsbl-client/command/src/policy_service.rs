//! The policy service: tells mail servers what to do with a client (`dnsbl policy`).

mod codec;
mod config;
mod connection;
mod decider;
mod listen;
mod memo;
mod metrics;
mod reply;
mod request;
mod server;
mod service;
mod template;

pub(crate) use config::Config;
pub(crate) use decider::Decider;
pub(crate) use request::Request;
pub(crate) use server::{Reload, run};
