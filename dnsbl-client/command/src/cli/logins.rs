//! `dnsbl logins`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use dnsbl_daemon::log::{Filter, Log};
use tokio::runtime::Builder;

use crate::{
    api::{Access, Address, Endpoint},
    logins::{self, Format, Settings},
};

const NOTES: &str = "\
For POP before SMTP with a mail server that can't post logins itself: each IMAP or POP3 login that succeeds
is posted to the server (POST /v1/logins, scope logins:write), which lets its address relay for a while.

FILE is followed by its name, over its rotation, from its end or from where --state-file has it; - is
standard input. A line grants nothing if it leaves any doubt, as when the name of a user or host holds what
might be another field, nor if it is older than --max-age; times without a zone are local (TZ).

While the server is away, up to 10,000 logins wait, each until it is too old.

Examples:
  dnsbl logins --log /var/log/mail.log --token-file /etc/dnsbl/logins.token
  journalctl -fu dovecot -o short-iso | dnsbl logins --log - --format dovecot --token-file logins.token
  dnsbl logins --log /var/log/mail.log --from-start --max-age 3600 --dry-run";

/// Follows a mail log and posts logins to the server, until SIGTERM.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct Logins {
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
    /// The allow zone, where the server has several
    #[arg(long)]
    zone: Option<String>,
    /// The mail server that writes the log
    #[arg(long, default_value = "auto", value_parser = format())]
    format: Format,
    /// File that keeps the place in the log over restarts
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Begin at the first line unless a place is kept, not at the end
    #[arg(long)]
    from_start: bool,
    /// How old a login may be when it is posted
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    max_age: u64,
    /// Only logins that the log tells were over TLS
    #[arg(long)]
    tls_only: bool,
    /// Certificates of further authorities (PEM), for a server that is reached by https
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Print what would be posted as JSON, a line each, and post nothing
    #[arg(long)]
    dry_run: bool,
}

/// The names of formats.
fn format() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(|(name, _)| name)).map(|name| {
        let found = Format::ALL.into_iter().find(|(known, _)| *known == name);
        found.map_or(Format::Auto, |(_, format)| format)
    })
}

impl Logins {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        Log::start(&Filter::parse("info")?, false);
        let log = Some(self.log.clone()).filter(|log| log.as_os_str() != "-");
        ensure!(
            log.is_some() || self.state_file.is_none(),
            "--state-file is for a log that is a file: of standard input no place can be kept"
        );
        let settings = Settings {
            log,
            format: self.format,
            state_file: self.state_file.clone(),
            is_from_start: self.from_start,
            max_age: Duration::from_secs(self.max_age),
            is_tls_only: self.tls_only,
            zone: self.zone.clone(),
            endpoint: self.endpoint()?,
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(logins::run(settings))?;
        Ok(ExitCode::SUCCESS)
    }

    fn endpoint(self) -> anyhow::Result<Option<Endpoint>> {
        if self.dry_run {
            return Ok(None);
        }
        let token_file = self.token_file.context("--token-file is missing")?;
        let access = Access { address: self.server, token_file, ca_file: self.ca_file };
        Endpoint::new(&access, "/v1/logins").map(Some)
    }
}
