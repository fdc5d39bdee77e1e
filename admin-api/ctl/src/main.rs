//! `dnsblctl`, the operator's command: zones, listings, imports, tokens and relay tests over the HTTP API.

mod access;
mod allow;
mod args;
mod audit;
mod backup;
mod changes;
mod check;
mod cli;
mod client;
mod color;
mod document;
mod export;
mod failure;
mod feed;
mod format;
mod grant;
mod import;
mod listing;
mod output;
mod pages;
mod part;
mod path;
mod progress;
mod purge;
mod relay_test;
mod reload;
mod removal;
mod report;
mod reporter;
mod review;
mod search;
mod source;
mod standing;
mod status;
mod subject;
mod subscriber;
mod text;
mod token;
mod undo;
mod usage;
mod webhook;
mod zone;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;

use crate::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => return output::report(&err.into()),
    };
    let code = runtime.block_on(cli.run());
    // Not awaited: a read from a pipe that stays silent would never let go.
    runtime.shutdown_background();
    code
}
