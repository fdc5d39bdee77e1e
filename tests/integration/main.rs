//! Tests from outside: the real programs, real sockets, real peers. The list of modules is the table of
//! contents; what they share is the harness, the library of this package.

#![cfg(test)]

// The standards.
mod edns;
mod rfc5782;
mod tcp;

// What is answered.
mod answer_table;
mod between_zones;
mod combined;
mod expiry;

// The HTTP API, by its URLs, and the command for it.
mod changes;
mod delisting;
mod feed_runs;
mod feeds;
mod followers;
mod imports;
mod listings;
mod metrics;
mod moving;
mod operator;
mod removals;
mod reports;
mod request_log;
mod requests;
mod tokens;
mod webhooks;
mod zones;

// Promises about writes.
mod backup;
mod crash;
mod read_your_writes;
mod store_failure;
mod undo;

// Starting, listening and stopping.
mod bad_start;
mod daemons;
mod loading;
mod places;
mod protection;
mod reload;
mod subscribers;
mod tls;
mod usage;
mod web;
mod wildcard;

// The pages in a real browser.
mod pages;

// Real lists and real peers.
mod client;
mod client_mta;
mod dig;
mod grants_out;
mod mirrors;
mod real_lists;
mod unbound;

// Mail servers, and for whom they relay.
mod mta;
mod pop_before_smtp;
mod relay_tests;
mod report_logs;

// What comes before the build, and what packages ship besides.
mod manual;
mod scripts;

// Hostile input.
mod fuzz_smoke;

// What the documentation says.
mod docs;

use dnsbl_tests::{Lease, SharedServer};

/// One server for all tests that need no other: each has zones of its own.
static SERVER: SharedServer = SharedServer::new();

/// A share in it.
#[track_caller]
fn server() -> Lease {
    SERVER.lease()
}
