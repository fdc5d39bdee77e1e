//! The command line.

mod check;
mod convert;
mod exit;
mod explain;
mod follow;
mod health;
mod input;
mod judge;
mod lint;
mod lists;
mod logins;
mod mail_server;
mod output;
mod policy;
mod presets;
mod progress;
mod report;
mod subject;

use std::{io, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use dnsbl_manual::{Manual, Section};
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::exit::UNKNOWN;

const NOTES: &str = "\
Exit status:
  0  done; of check and health: nothing is listed, every list is well
  1  check: something is listed; health, lint: something is wrong, as their help says
  2  bad usage, or something could not be told

Example: dnsbl check 192.0.2.99 --zone bl.example.org";

/// Asks DNS block lists.
#[derive(Parser)]
#[command(name = "dnsbl", version, after_help = NOTES)]
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
    Logins(logins::Logins),
    Report(report::Report),
    CheckConfig(policy::CheckConfig),
    #[command(flatten)]
    Manual(Manual),
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
            Command::Logins(logins) => logins.run(),
            Command::Report(report) => report.run(),
            Command::CheckConfig(check) => Ok(check.run()),
            Command::Manual(manual) => {
                manual.run(Self::command(), Section::User)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// One thread does: what takes time is the network.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
