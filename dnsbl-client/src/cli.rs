//! The command line.

mod check;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code: something is listed.
const LISTED: u8 = 1;
/// Exit code: something could not be told, or bad usage.
pub(crate) const UNKNOWN: u8 = 2;

const EXAMPLE: &str = "Example: dnsbl check 192.0.2.99 --zone bl.example.org";

/// Asks DNS block lists.
#[derive(Parser)]
#[command(name = "dnsbl", version, after_help = EXAMPLE)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
}

impl Cli {
    /// Does what the command line says.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Check(check) => check.run().await,
        }
    }
}
