//! The client against a scripted DNS server on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod aliases;
mod case_addresses;
mod case_failures;
mod case_health;
mod case_judgement;
mod case_load;
mod case_names;
mod case_replies;
mod case_resolver;
mod case_transport;
mod client;
mod fake;
mod resolvers;
mod server;
mod status;
mod wire;
mod zones;
