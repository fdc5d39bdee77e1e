//! `dnsblctl status`: is the server well?

mod figures;
mod glance;
mod state;

use std::{process::ExitCode, time::Duration};

use clap::{Args, builder::RangedU64ValueParser};
use tokio::{
    signal,
    time::{Instant, MissedTickBehavior, interval},
};

use self::{glance::Earlier, state::State};
use crate::{
    client::Client,
    failure::REFUSED,
    output::{self, Output},
};

const NOTES: &str = "\
Tells whether the server is alive and ready, its release, since when it runs and its last change, and
with a token also its zones: name, kind, listings, serial, and sources that are frozen. With the scope
metrics:read also sizes on disk and in memory, how much is asked, the last backup, feeds, and what waits:
reports, relay tests and the like. Rates are those since the start; with --watch, those since it last looked.

With --json: {\"healthz\": …, \"readyz\": …, \"zones\": …, \"metrics\": {SERIES: VALUE, …}}, each as the
server says it; with --watch one such line each time.

Exit status: 0 if the server is ready, 1 if it is not or cannot be reached; with --watch when it last looked.

Examples:
  dnsblctl status
  dnsblctl status --watch
  dnsblctl status --watch=10 --json | jq --unbuffered '.metrics.dnsbl_head_seq'
  dnsblctl status --json | jq .readyz
  until dnsblctl status; do sleep 1; done";

/// What clears a terminal and goes to its first line.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Tells whether the server is ready, and what it serves
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Status {
    /// Look again and again, every so many seconds, until interrupted
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        value_parser = RangedU64ValueParser::<u64>::new().range(1..=3600)
    )]
    watch: Option<u64>,
}

impl Status {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self.watch {
            None => show(client, output, None).await.map(|(code, _)| code),
            Some(seconds) => watch(client, output, Duration::from_secs(seconds)).await,
        }
    }
}

/// Shows it again and again, until interrupted.
async fn watch(client: &Client, output: Output, every: Duration) -> anyhow::Result<ExitCode> {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut earlier = None;
    let mut code = ExitCode::from(REFUSED);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = signal::ctrl_c() => return Ok(code),
        }
        (code, earlier) = tokio::select! {
            shown = show_anew(client, output, earlier) => shown?,
            _ = signal::ctrl_c() => return Ok(code),
        };
    }
}

/// Shows it in place of what was there, where that is a terminal.
async fn show_anew(
    client: &Client,
    output: Output,
    earlier: Option<Earlier>,
) -> anyhow::Result<(ExitCode, Option<Earlier>)> {
    let is_screen = output::is_terminal() && !output.is_json();
    if is_screen {
        output::print(CLEAR)?;
    }
    let shown = show(client, output, earlier).await?;
    if !is_screen && !output.is_json() {
        output::print("\n")?;
    }
    Ok(shown)
}

async fn show(
    client: &Client,
    output: Output,
    earlier: Option<Earlier>,
) -> anyhow::Result<(ExitCode, Option<Earlier>)> {
    let state = match State::ask(client).await {
        Ok(state) => state,
        Err(err) => {
            output::note(format_args!("dnsblctl: {err:#}"));
            return Ok((REFUSED.into(), None));
        }
    };
    let now = Instant::now();
    match output.is_json() {
        true => output::data(&state.to_json())?,
        false => output::print(&glance::show(&state, earlier.as_ref(), now))?,
    }
    let code = if state.ready { ExitCode::SUCCESS } else { REFUSED.into() };
    let State { refusal, figures, .. } = state;
    refusal.map_or(Ok(()), Err)?;
    Ok((code, figures.map(|figures| Earlier { figures, at: now })))
}
