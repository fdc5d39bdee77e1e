//! The client and the command against a scripted DNS server on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod aliases;
mod cli;
mod fake;
mod policy;
mod resolvers;
mod server;
mod status;
mod wire;
mod zones;
