//! Driver and receiver over TCP, on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod driver;
mod peer;
mod receiver;
