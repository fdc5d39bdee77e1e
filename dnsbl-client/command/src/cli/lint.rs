//! `dnsbl lint`.

mod dead;
mod finding;
mod known;
mod rules;

use std::{
    fs,
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use anstream::AutoStream;
use anyhow::{Context, bail, ensure};
use clap::Args;

use super::mail_server;

/// Exit code: something was found.
const FOUND: u8 = 1;
/// The largest file read, in octets.
const MAX_FILE: u64 = 16 << 20;

const NOTES: &str = "\
Reads postscreen_dnsbl_sites, reject_rbl_client and its kin, maps_rbl_domains and check_policy_service (Postfix: main.cf,
master.cf), dnslists and readsocket (Exim), with the names and macros in them, and tells what they would do wrong: lists without a
filter, filters that take a list's error codes for listings or share no code with the list, Exim's negations, lists that
are dead or of another kind, keys that get into rejections, thresholds that never or always reject, policy services without
whom all mail is deferred.

Exit status: 0 if nothing was found, 1 if something was, 2 if there are no lists in it, and for bad usage.

Examples:
  dnsbl lint 'postscreen_dnsbl_sites = zen.spamhaus.org*2 bl.example.org*1'
  dnsbl lint 'dnslists = zen.spamhaus.org!&0.255.255.0'
  dnsbl lint --file /etc/postfix/main.cf";

/// Finds mistakes in how a mail server asks lists.
#[derive(Args)]
#[command(after_help = NOTES)]
pub(super) struct Lint {
    /// A line of the mail server's configuration; - reads from standard input
    #[arg(value_name = "LINE", required_unless_present = "file", allow_hyphen_values = true)]
    line: Vec<String>,
    /// A configuration file of Postfix or Exim
    #[arg(long, value_name = "FILE", conflicts_with = "line")]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Lint {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let text = self.text()?;
        let rules::Checked { findings, asked } = rules::check(&mail_server::read(&text));
        if findings.is_empty() && asked == 0 {
            let seems = mail_server::foreign(&text);
            let seems = seems.map(|whose| format!(" (it seems to be for {whose})"));
            bail!(
                "no lists found{}; what is read: {}",
                seems.unwrap_or_default(),
                mail_server::READ
            );
        }
        let mut out = AutoStream::auto(io::stdout());
        if self.json {
            writeln!(out, "{}", serde_json::json!({"findings": findings}))?;
        } else {
            findings.iter().try_for_each(|finding| finding.print(&mut out))?;
        }
        Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    }

    fn text(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        match &self.file {
            Some(path) => {
                let context = || path.display().to_string();
                let file = fs::File::open(path).with_context(context)?;
                file.take(MAX_FILE).read_to_string(&mut text).with_context(context)?;
            }
            None if self.line == ["-"] => {
                io::stdin().take(MAX_FILE).read_to_string(&mut text).context("standard input")?;
            }
            None => text = self.line.join(" "),
        }
        ensure!(!text.trim().is_empty(), "there is nothing to check");
        Ok(text)
    }
}
