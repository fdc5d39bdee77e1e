//! `dnsbl policy` and `dnsbl check-config`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use dnsbl_daemon::log::{Log, say};
use listenfd::ListenFd;
use tokio::runtime::Builder;

use crate::policy_service::{self, Config, Reload};

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
        let log = Log::start(&config.log, false);
        let filter = config.log.as_str().to_owned();
        let reload = Reload { file: self.config, log, filter };
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(policy_service::run(config, reload, sockets))?;
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
                println!("{}: ok", self.config.display());
                ExitCode::SUCCESS
            }
            Err(err) => {
                say(&format!("dnsbl: {err}"));
                ExitCode::FAILURE
            }
        }
    }
}
