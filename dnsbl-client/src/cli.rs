//! The command line.

mod check;
mod output;
mod policy;

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

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
    Policy(policy::Policy),
    CheckConfig(policy::CheckConfig),
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Check(check) => runtime()?.block_on(check.run()),
            Command::Policy(policy) => policy.run(),
            Command::CheckConfig(check) => Ok(check.run()),
        }
    }
}

/// One thread does: what takes time is the network.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
