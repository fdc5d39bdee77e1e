//! `dnsbl policy` and `dnsbl check-config`.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use listenfd::ListenFd;
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::policy_service::{self, Config};

/// Runs the policy service for Postfix and Exim in the foreground, until SIGTERM.
#[derive(Args)]
pub(super) struct Policy {
    /// The configuration file (TOML); deploy/dnsbl-policy.toml explains every key
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Checks the configuration of the policy service: exit 0 if it is good, 1 if not.
#[derive(Args)]
pub(super) struct CheckConfig {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Policy {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        // Before there are threads: it takes variables out of the environment.
        let sockets = ListenFd::from_env();
        let config = Config::load(&self.config)?;
        log_to_stderr(&config.log)?;
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(policy_service::run(config, sockets))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl CheckConfig {
    pub(super) fn run(self) -> ExitCode {
        match Config::load(&self.config) {
            Ok(config) => {
                for warning in &config.warnings {
                    eprintln!("dnsbl: warning: {warning}");
                }
                println!("{}: good", self.config.display());
                ExitCode::SUCCESS
            }
            Err(err) => {
                eprintln!("dnsbl: {err}");
                ExitCode::FAILURE
            }
        }
    }
}

fn log_to_stderr(filter: &str) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(filter).context("log: not a filter such as info or dnsbl=debug")?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    subscriber.try_init().map_err(|err| anyhow::anyhow!("logging: {err}"))
}
