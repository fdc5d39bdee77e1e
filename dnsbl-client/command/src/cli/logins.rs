//! `dnsbl logins`.

use std::{process::ExitCode, time::Duration};

use clap::Args;

use super::follow::{self, Follow, named};
use crate::logins::{self, Format, Settings};

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
    #[command(flatten)]
    follow: Follow,
    /// The allow zone, where the server has several
    #[arg(long)]
    zone: Option<String>,
    /// The mail server that writes the log
    #[arg(long, default_value = "auto", value_parser = named(Format::ALL))]
    format: Format,
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
}

impl Logins {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { follow, zone, format, max_age, tls_only } = self;
        follow::run(logins::run(Settings {
            log: follow.log()?,
            format,
            is_from_start: follow.from_start,
            max_age: Duration::from_secs(max_age),
            is_tls_only: tls_only,
            zone,
            endpoint: follow.endpoint("/v1/logins")?,
            state_file: follow.state_file,
        }))
    }
}
