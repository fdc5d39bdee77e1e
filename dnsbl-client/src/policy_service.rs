//! The policy service: tells mail servers what to do with a client (`dnsbl policy`).

mod codec;
mod config;
mod connection;
mod listen;
mod memo;
mod metrics;
mod reply;
mod request;
mod server;
mod service;
mod template;

pub(crate) use config::Config;
pub(crate) use server::{Reload, run};
