//! `dnsbl`, the mail administrator's command.

mod api;
mod cli;
mod following;
mod logins;
mod mail_log;
mod policy_service;
mod report;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(err) => {
            complain(&err);
            ExitCode::from(cli::UNKNOWN)
        }
    }
}

/// Says what went wrong, unless it is that nobody reads the output any more.
fn complain(err: &anyhow::Error) {
    let cause = err.downcast_ref::<io::Error>().map(io::Error::kind);
    if cause != Some(io::ErrorKind::BrokenPipe) {
        let _ = writeln!(io::stderr(), "dnsbl: {err:#}");
    }
}
