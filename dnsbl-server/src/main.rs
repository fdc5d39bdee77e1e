//! The DNSBL server binary: what was typed, and where it leads.

use std::{path::PathBuf, process::ExitCode};

use admin_api::{MaxPrefix, TokenTermsBody};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use dnsbl_manual::{Manual, Section};
use dnsbl_server::{
    Config, backup,
    check_rbldnsd::{self, RbldnsdCheck, RbldnsdStatus},
    commands,
};
use dnsbl_types::Name;
use tikv_jemallocator::Jemalloc;

/// Takes a fifth off the processor time of a write over HTTP, and gives memory back in the background.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Serves DNS block lists from RocksDB, managed over HTTP.
#[derive(Parser)]
#[command(name = "dnsbl-server", version, after_help = NOTES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const NOTES: &str = "\
Exit status:
  0  done; run: it was told to stop, and has stopped
  1  it could not be done, and standard error says why
  2  bad usage

Examples:
  dnsbl-server run --config /etc/dnsbl/dnsbl.toml
  dnsbl-server check-config --config /etc/dnsbl/dnsbl.toml
  dnsbl-server token create --config /etc/dnsbl/dnsbl.toml --name operator";

#[derive(Args)]
struct ConfigFile {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT; logs go to standard error.
    Run(ConfigFile),
    /// Validate the configuration: exit 0 if it is good, 1 if not.
    CheckConfig(ConfigFile),
    /// Say what rbldnsd's command line and files mean here, and what would answer otherwise.
    #[command(after_help = RBLDNSD_NOTES)]
    CheckRbldnsd(CheckRbldnsd),
    /// Manage API tokens while the server is stopped.
    #[command(subcommand)]
    Token(Token),
    /// Show what can be saved of a damaged store; with --apply, save it.
    Recover {
        #[command(flatten)]
        config: ConfigFile,
        /// Put the recovered store in place; the damaged one is kept beside it.
        #[arg(long)]
        apply: bool,
    },
    /// Take a backup while the server is stopped; `dnsblctl backup` takes one while it runs.
    Backup {
        /// The file, which appears once it is whole.
        file: PathBuf,
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Put a backup in the place of the store, which is kept beside it.
    #[command(after_help = RESTORE_NOTES)]
    Restore {
        /// The backup.
        file: PathBuf,
        #[command(flatten)]
        config: ConfigFile,
        /// Go on where it can't be known of everything that was removed since the backup.
        #[arg(long)]
        accept_resurrection: bool,
    },
    #[command(flatten)]
    Manual(Manual),
}

const RBLDNSD_NOTES: &str = "\
ARGUMENTS are those of rbldnsd itself, such as -b 127.0.0.1/53 -r /var/lib/rbldns bl.example.org:ip4set:relays, or files that
set RBLDNSD, such as /etc/default/rbldnsd. Options of this command come before them. Every data file is read; nothing is
changed, and nothing is sent anywhere.

Each finding is `same` (it is as well to know), `differs`, `left-out` or `broken` (rbldnsd does not serve it), with its file
and the first line. What differs in all zones is in docs/moving-from-rbldnsd.md and not repeated.

Exit status: 0 if everything is taken over and answers the same, 1 if something differs or is left out, 2 if something is
broken or can't be read.";

const RESTORE_NOTES: &str = "\
All of the backup is read and verified in a folder beside the store before anything is replaced. What was removed since the
backup stays removed, by the log of the old store: listings, zones, tokens, keys of subscribers, exclusions. Where that log
is not there, or does not go back far enough, this says so and does nothing without --accept-resurrection; what is known is
taken out all the same. The old store stays beside the new one, as store.before-restore-SECONDS.

Exit status: 0 if it was restored, 1 if not; then nothing was replaced.";

#[derive(Args)]
struct CheckRbldnsd {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write zones, dnsbl.toml and import.sh into this folder.
    #[arg(long, value_name = "DIR")]
    write_config: Option<PathBuf>,
    /// A name server of zones whose files name none; repeatable.
    #[arg(long, value_name = "NAME")]
    ns: Vec<Name>,
    /// rbldnsd's arguments, or files that set RBLDNSD.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(Subcommand)]
enum Token {
    /// Create a token and print it, so that a lost one is no lock-out.
    Create {
        #[command(flatten)]
        config: ConfigFile,
        /// What to call it; also the default source of its listings.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        terms: Terms,
    },
}

/// What a token may do, and for how long.
#[derive(Args)]
struct Terms {
    /// A ready-made set of scopes: operator, reviewer, submitter or reader; operator if no scope is given either.
    #[arg(long)]
    role: Option<String>,
    /// What it may do, beside what the role may; repeatable.
    #[arg(long, value_delimiter = ',')]
    scope: Vec<String>,
    /// A source that it writes as beside its name; repeatable; all need the scope sources:all.
    #[arg(long, value_delimiter = ',')]
    source: Vec<String>,
    /// A zone that it may see and change; repeatable; all zones if left out.
    #[arg(long, value_name = "ZONE", value_delimiter = ',')]
    zone: Vec<String>,
    /// The length of the largest IPv4 prefix that it may change, such as 24.
    #[arg(long, value_name = "LENGTH")]
    max_prefix_ipv4: Option<u8>,
    /// The length of the largest IPv6 prefix that it may change, such as 48.
    #[arg(long, value_name = "LENGTH")]
    max_prefix_ipv6: Option<u8>,
    /// An address or prefix that it may be used from; repeatable; any if left out.
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    network: Vec<String>,
    /// How many requests it may make in a minute.
    #[arg(long, value_name = "COUNT")]
    requests_per_minute: Option<u32>,
    /// How long it is good, such as 36h or 52w; for good if left out.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<u64>,
    /// Until when it is good, such as 2030-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "expires_in")]
    expires_at: Option<String>,
}

impl Terms {
    fn into_body(self) -> TokenTermsBody {
        let max_prefix = match (self.max_prefix_ipv4, self.max_prefix_ipv6) {
            (None, None) => None,
            (ipv4, ipv6) => Some(MaxPrefix {
                ipv4: ipv4.unwrap_or(MaxPrefix::IPV4_ADDRESS),
                ipv6: ipv6.unwrap_or(MaxPrefix::IPV6_ADDRESS),
            }),
        };
        let is_for_all = self.role.is_none() && self.scope.is_empty();
        TokenTermsBody {
            role: self.role.or_else(|| is_for_all.then(|| commands::FIRST_ROLE.into())),
            scopes: self.scope,
            sources: self.source,
            zones: self.zone,
            max_prefix,
            networks: self.network,
            requests_per_minute: self.requests_per_minute,
            expires_at: self.expires_at,
            expires_in: self.expires_in,
        }
    }
}

/// A whole number and one of the units s, m, h, d and w, in seconds.
fn parse_duration(text: &str) -> Result<u64, String> {
    let wrong = || "not a whole number of s, m, h, d or w, such as 36h; or too long".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(err) => {
            dnsbl_daemon::log::say(&format!("dnsbl-server: {err:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(file) => dnsbl_server::run(&file.config)?,
        Command::CheckConfig(file) => {
            Config::load(&file.config)?;
            println!("{}: ok", file.config.display());
        }
        Command::Token(Token::Create { config, name, terms }) => {
            let config = Config::load(&config.config)?;
            commands::create_token(&config, &name, &terms.into_body())?;
        }
        Command::Recover { config, apply } => {
            commands::recover(&Config::load(&config.config)?, apply)?;
        }
        Command::Backup { file, config } => {
            backup::take(&Config::load(&config.config)?, &file)?;
        }
        Command::Restore { file, config, accept_resurrection } => {
            backup::restore(&Config::load(&config.config)?, &file, accept_resurrection)?;
        }
        Command::Manual(manual) => manual.run(Cli::command(), Section::System)?,
        Command::CheckRbldnsd(of) => return Ok(check_rbldnsd(of)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Mistakes in rbldnsd's arguments have the status of what can't be read.
fn check_rbldnsd(of: CheckRbldnsd) -> ExitCode {
    let CheckRbldnsd { json, write_config, ns: name_servers, arguments } = of;
    let check = RbldnsdCheck { arguments, name_servers, json, write_config };
    let status = check_rbldnsd::run(&check).unwrap_or_else(|err| {
        dnsbl_daemon::log::say(&format!("dnsbl-server: {err:#}"));
        RbldnsdStatus::Broken
    });
    ExitCode::from(status.code())
}
