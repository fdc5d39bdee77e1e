//! `dnsblctl status`: is the server well?

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::Client,
    failure::REFUSED,
    output::{self, Output},
    text,
};

const NOTES: &str = "\
Tells whether the server is alive and ready, and with a token also its zones: name, kind, listings
and serial. With --json: {\"healthz\": …, \"readyz\": …, \"zones\": …}, each as the server says it.

Exit status: 0 if the server is ready, 1 if it is not or cannot be reached.

Examples:
  dnsblctl status
  dnsblctl status --json | jq .readyz
  until dnsblctl status; do sleep 1; done";

/// Tells whether the server is ready, and what it serves
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Status {}

/// What the server says about itself.
struct State {
    healthz: Value,
    readyz: Value,
    /// Null without a token.
    zones: Value,
    ready: bool,
}

impl Status {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let mut state = match State::probe(client).await {
            Ok(state) => state,
            Err(err) => {
                output::note(format_args!("dnsblctl: {err:#}"));
                return Ok(REFUSED.into());
            }
        };
        let zones = match client.has_token {
            true => state.add_zones(client).await,
            false => Ok(()),
        };
        state.print(output)?;
        zones?;
        match state.ready {
            true => Ok(ExitCode::SUCCESS),
            false => Ok(REFUSED.into()),
        }
    }
}

impl State {
    async fn probe(client: &Client) -> anyhow::Result<Self> {
        let (_, healthz) = client.probe("/healthz").await?;
        let (status, readyz) = client.probe("/readyz").await?;
        let readyz = value(&readyz);
        Ok(Self {
            healthz: value(&healthz),
            ready: status.is_success() && readyz["ready"] != false,
            readyz,
            zones: Value::Null,
        })
    }

    async fn add_zones(&mut self, client: &Client) -> anyhow::Result<()> {
        let zones = client.ask(client.v1(Method::GET, &["zones"])).await?;
        self.zones = zones.value;
        Ok(())
    }

    fn print(&self, output: Output) -> anyhow::Result<()> {
        let mut state = json!({"healthz": self.healthz, "readyz": self.readyz});
        if output.is_json() {
            state["zones"] = self.zones.clone();
            return output::data(&state.to_string());
        }
        let zones = self.zones["zones"].as_array().into_iter().flatten();
        let zones: Vec<Vec<String>> = zones.map(row).collect();
        output::print(&(text::members(&state) + &text::columns(&zones)))
    }
}

/// What a probe says, be it JSON or words.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.trim().to_owned()))
}

fn row(zone: &Value) -> Vec<String> {
    let [name, kind, listings] = ["zone", "kind", "listings"].map(|name| text::cell(&zone[name]));
    let serial = text::cell(&zone["soa"]["serial"]);
    let listings = format!("{listings} listings");
    ["zone".to_owned(), name, kind, listings, format!("serial {serial}")].into()
}
