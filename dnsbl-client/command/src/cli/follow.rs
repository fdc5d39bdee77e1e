//! Options of the commands that follow a mail log and post what they find.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, ensure};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use dnsbl_daemon::log::{Filter, Log};
use tokio::runtime::Builder;

use crate::api::{Access, Address, Endpoint};

/// Which log is followed, and where what is found in it is posted.
#[derive(Args)]
pub(super) struct Follow {
    /// The mail log; - reads standard input
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// Where the server listens: an http or https URL, or unix:/path
    #[arg(
        long,
        env = "DNSBL_SERVER",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    server: Address,
    /// File that holds the access token
    #[arg(
        long,
        env = "DNSBL_TOKEN_FILE",
        hide_env_values = true,
        value_name = "FILE",
        required_unless_present = "dry_run"
    )]
    token_file: Option<PathBuf>,
    /// Certificates of further authorities (PEM), for a server that is reached by https
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// File that keeps the place in the log over restarts
    #[arg(long, value_name = "FILE")]
    pub(super) state_file: Option<PathBuf>,
    /// Begin at the first line unless a place is kept, not at the end
    #[arg(long)]
    pub(super) from_start: bool,
    /// Print what would be posted as JSON, a line each, and post nothing
    #[arg(long)]
    dry_run: bool,
}

impl Follow {
    /// The log; `None` is standard input.
    ///
    /// # Errors
    /// A place is to be kept of standard input.
    pub(super) fn log(&self) -> anyhow::Result<Option<PathBuf>> {
        let log = Some(self.log.clone()).filter(|log| log.as_os_str() != "-");
        ensure!(
            log.is_some() || self.state_file.is_none(),
            "--state-file is for a log that is a file: of standard input no place can be kept"
        );
        Ok(log)
    }

    /// Where it is posted; `None` is nowhere.
    ///
    /// # Errors
    /// The token or the certificates can't be read.
    pub(super) fn endpoint(&self, path: &str) -> anyhow::Result<Option<Endpoint>> {
        if self.dry_run {
            return Ok(None);
        }
        let token_file = self.token_file.clone().context("--token-file is missing")?;
        let access =
            Access { address: self.server.clone(), token_file, ca_file: self.ca_file.clone() };
        Endpoint::new(&access, path).map(Some)
    }
}

/// Runs a follower to its end; what happens is told on standard error.
///
/// # Errors
/// The follower's, and where the system gives no threads.
pub(super) fn run(follower: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    Log::start(&Filter::parse("info")?, false);
    Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(follower)?;
    Ok(ExitCode::SUCCESS)
}

/// One of these, by its name.
pub(super) fn named<const N: usize, T>(
    all: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.map(|(name, _)| name)).try_map(move |name| {
        let found = all.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value).ok_or("it is none of them")
    })
}
