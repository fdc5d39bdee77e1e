//! The command line.

mod check;
mod convert;
mod explain;
mod health;
mod input;
mod judge;
mod lint;
mod lists;
mod mail_server;
mod output;
mod policy;
mod presets;
mod progress;
mod subject;

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};
use dnsbl_client::Target;
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
    Health(health::Health),
    Explain(explain::Explain),
    Lint(lint::Lint),
    Convert(convert::Convert),
    Presets(presets::Presets),
    Policy(policy::Policy),
    CheckConfig(policy::CheckConfig),
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Check(check) => runtime()?.block_on(check.run()),
            Command::Health(health) => runtime()?.block_on(health.run()),
            Command::Explain(explain) => runtime()?.block_on(explain.run()),
            Command::Lint(lint) => lint.run(),
            Command::Convert(convert) => convert.run(),
            Command::Presets(presets) => presets.run(),
            Command::Policy(policy) => policy.run(),
            Command::CheckConfig(check) => Ok(check.run()),
        }
    }
}

/// A target as a person writes it.
fn shown(target: &Target) -> String {
    match target {
        Target::Domain(domain) => domain.to_string().trim_end_matches('.').to_owned(),
        Target::Email(email) => email.to_string().trim_end_matches('.').to_owned(),
        Target::RawAddress(addr) => addr.to_string(),
        Target::Verbatim(name) => name.to_string().trim_end_matches('.').to_owned(),
        address => address.addr().map(|addr| addr.to_string()).unwrap_or_default(),
    }
}

/// One thread does: what takes time is the network.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
