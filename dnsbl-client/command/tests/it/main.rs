//! The command and the policy service against a scripted DNS server on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod cli;
mod cli_judgement;
mod logins;
mod mail_log;
mod policy;
mod report;

/// The scripted servers of the client's own tests, which use more of them.
#[path = "../../../tests/it/fake/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the client's tests use the rest")]
mod fake;
#[path = "../../../tests/it/server.rs"]
#[expect(dead_code, reason = "the client's tests use the rest")]
mod server;
#[path = "../../../tests/it/zones.rs"]
#[expect(dead_code, reason = "the client's tests use the rest")]
mod zones;
