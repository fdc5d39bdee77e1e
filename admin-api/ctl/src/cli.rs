//! The command line: what holds for every command, and the way to each of them.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use dnsbl_manual::{Manual, Section};

use crate::{
    access::AccessCommand,
    allow::AllowCommand,
    audit::Audit,
    backup::Backup,
    changes::Changes,
    check::Check,
    client::{Client, Trust},
    export::Export,
    failure::{REFUSED, Refusal, UNUSABLE},
    feed::FeedCommand,
    grant::GrantCommand,
    import::Import,
    listing::ListingCommand,
    output::{self, Output},
    purge::Purge,
    relay_test::RelayTestCommand,
    reload::Reload,
    removal::RemovalCommand,
    report::ReportCommand,
    reporter::ReporterCommand,
    review::ReviewCommand,
    search::Search,
    source::SourceCommand,
    status::Status,
    subject::Subject,
    subscriber::SubscriberCommand,
    token::TokenCommand,
    undo::Undo,
    usage::{TopCommand, UsageCommand},
    webhook::WebhookCommand,
    zone::ZoneCommand,
};

const NOTES: &str = "\
What a command reports goes to standard output, one line for each thing; everything else goes to
standard error. With --json, standard output holds the JSON of the server as it is, also when it
refuses: one document a line where there are several.

Exit status:
  0  done
  1  the server refused; `check`: something is listed; `status`: not ready or not reachable
  2  bad usage, the server could not be reached, an answer was cut off or made no sense;
     `check`: any failure

Examples:
  dnsblctl --token-file /etc/dnsbl/admin.token status
  dnsblctl --server https://dnsbl.example.org zone list
  dnsblctl --server unix:/run/dnsbl/http.sock listing put bl.example.org 192.0.2.99
  export DNSBL_SERVER=http://127.0.0.1:8080 DNSBL_TOKEN_FILE=/etc/dnsbl/admin.token
  dnsblctl import bl.example.org listings.csv.gz";

/// Operates a DNS block list server.
#[derive(Parser)]
#[command(name = "dnsblctl", version, after_help = NOTES)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// The options that hold for every command.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
struct Globals {
    /// Where the server listens: an http or https URL, or unix:/path
    #[arg(
        long,
        global = true,
        env = "DNSBL_SERVER",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    /// File that holds the access token
    #[arg(
        long,
        global = true,
        env = "DNSBL_TOKEN_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    token_file: Option<PathBuf>,
    /// Authorities whose certificates are believed, PEM; those of the system unless given
    #[arg(long, global = true, env = "DNSBL_CA", hide_env_values = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Certificate to show to the server, PEM
    #[arg(
        long,
        global = true,
        env = "DNSBL_CERT",
        hide_env_values = true,
        value_name = "FILE",
        requires = "key"
    )]
    cert: Option<PathBuf>,
    /// Private key of that certificate, PEM
    #[arg(
        long,
        global = true,
        env = "DNSBL_KEY",
        hide_env_values = true,
        value_name = "FILE",
        requires = "cert"
    )]
    key: Option<PathBuf>,
    /// Print the JSON of the server as it is
    #[arg(long, global = true)]
    json: bool,
}

/// The commands.
#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of them, from the start to the end")]
enum Command {
    #[command(flatten)]
    OfServer(ServerCommand),
    #[command(flatten)]
    Manual(Manual),
}

/// The commands that ask the server.
#[derive(Subcommand)]
enum ServerCommand {
    #[command(subcommand)]
    Zone(ZoneCommand),
    #[command(subcommand)]
    Listing(ListingCommand),
    Import(Import),
    Export(Export),
    Check(Check),
    Search(Search),
    Subject(Subject),
    Purge(Purge),
    Undo(Undo),
    #[command(subcommand)]
    Source(SourceCommand),
    Changes(Changes),
    Audit(Audit),
    #[command(subcommand)]
    Token(TokenCommand),
    #[command(subcommand)]
    RelayTest(RelayTestCommand),
    #[command(subcommand)]
    Report(ReportCommand),
    #[command(subcommand)]
    Reporter(ReporterCommand),
    #[command(subcommand)]
    Removal(RemovalCommand),
    #[command(subcommand)]
    Review(ReviewCommand),
    #[command(subcommand)]
    Feed(FeedCommand),
    #[command(subcommand)]
    Webhook(WebhookCommand),
    #[command(subcommand)]
    Grant(GrantCommand),
    #[command(subcommand)]
    Subscriber(SubscriberCommand),
    #[command(subcommand)]
    Access(AccessCommand),
    #[command(subcommand)]
    Allow(AllowCommand),
    Usage(UsageCommand),
    Top(TopCommand),
    Status(Status),
    Reload(Reload),
    Backup(Backup),
}

impl Cli {
    /// Does what the command line says, and tells the exit code.
    pub(crate) async fn run(self) -> ExitCode {
        let output = Output::new(self.globals.json);
        let refused = self.command.refused();
        let result = self.run_command(output).await;
        let err = match result {
            Ok(code) => return code,
            Err(err) => err,
        };
        match err.downcast_ref::<Refusal>() {
            Some(refusal) => {
                output::note(format_args!("dnsblctl: {refusal}"));
                refusal.advice.iter().for_each(output::note);
                let printed = output.refusal(refusal);
                printed.map_or_else(|err| output::report(&err), |()| refused.into())
            }
            None => output::report(&err),
        }
    }

    async fn run_command(self, output: Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Manual(manual) => {
                manual.run(Self::command(), Section::User).context("it can't be written")?;
                Ok(ExitCode::SUCCESS)
            }
            Command::OfServer(command) => command.run(&self.globals.client()?, output).await,
        }
    }
}

impl Globals {
    fn client(&self) -> anyhow::Result<Client> {
        let identity = self.cert.as_deref().zip(self.key.as_deref());
        let trust = Trust { authorities: self.ca.as_deref(), identity };
        Client::new(&self.server, self.token_file.as_deref(), &trust)
    }
}

impl ServerCommand {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Zone(command) => command.run(client, output).await,
            Self::Listing(command) => command.run(client, output).await,
            Self::Import(import) => import.run(client, output).await,
            Self::Export(export) => export.run(client, output).await,
            Self::Check(check) => check.run(client, output).await,
            Self::Search(search) => search.run(client, output).await,
            Self::Subject(subject) => subject.run(client, output).await,
            Self::Purge(purge) => purge.run(client, output).await,
            Self::Undo(undo) => undo.run(client, output).await,
            Self::Source(command) => command.run(client, output).await,
            Self::Changes(changes) => changes.run(client, output).await,
            Self::Audit(audit) => audit.run(client, output).await,
            Self::Token(command) => command.run(client, output).await,
            Self::RelayTest(command) => command.run(client, output).await,
            Self::Report(command) => command.run(client, output).await,
            Self::Reporter(command) => command.run(client, output).await,
            Self::Removal(command) => command.run(client, output).await,
            Self::Review(command) => command.run(client, output).await,
            Self::Feed(command) => command.run(client, output).await,
            Self::Webhook(command) => command.run(client, output).await,
            Self::Grant(command) => command.run(client, output).await,
            Self::Subscriber(command) => command.run(client, output).await,
            Self::Access(command) => command.run(client, output).await,
            Self::Allow(command) => command.run(client, output).await,
            Self::Usage(command) => command.run(client, output).await,
            Self::Top(command) => command.run(client, output).await,
            Self::Status(status) => status.run(client, output).await,
            Self::Reload(reload) => reload.run(client, output).await,
            Self::Backup(backup) => backup.run(client, output).await,
        }
    }
}

impl Command {
    /// The exit code for a refusal; that of `check` must not look like a listing.
    fn refused(&self) -> u8 {
        match self {
            Self::OfServer(ServerCommand::Check(_)) => UNUSABLE,
            _ => REFUSED,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        let leaves = |command: &clap::Command| match command.has_subcommands() {
            true => command.get_subcommands().cloned().collect(),
            false => vec![command.clone()],
        };
        for command in Cli::command().get_subcommands().flat_map(leaves) {
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
        }
    }
}
