//! `dnsblctl status`: is the server well?

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::{
    client::Client,
    failure::REFUSED,
    output::{self, Output},
    text,
};

const NOTES: &str = "\
Tells whether the server is alive and ready, its release, since when it runs and its last change, and
with a token also its zones: name, kind, listings and serial. With --json: {\"healthz\": …, \"readyz\": …, \"zones\": …}, each as the server says it.

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
    /// The three as JSON, in that order.
    texts: [String; 3],
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
        let texts = [json_text(&healthz), json_text(&readyz), "null".to_owned()];
        let readyz = value(&readyz);
        Ok(Self {
            healthz: value(&healthz),
            ready: status.is_success() && readyz["ready"] != false,
            readyz,
            zones: Value::Null,
            texts,
        })
    }

    async fn add_zones(&mut self, client: &Client) -> anyhow::Result<()> {
        let zones = client.ask(client.v1(Method::GET, &["zones"])).await?;
        self.texts[2] = zones.text.trim().to_owned();
        self.zones = zones.value;
        Ok(())
    }

    fn print(&self, output: Output) -> anyhow::Result<()> {
        if output.is_json() {
            // Put together from what the server sent, which has its members in order.
            let [healthz, readyz, zones] = &self.texts;
            let state = format!("{{\"healthz\":{healthz},\"readyz\":{readyz},\"zones\":{zones}}}");
            return output::data(&state);
        }
        let mut rows = vec![["health".to_owned(), text::cell(&self.healthz)].into()];
        let ready = if self.ready { "yes" } else { "no" };
        rows.push(["ready".to_owned(), ready.to_owned()].into());
        for (name, member) in [
            ("reason", "reason"),
            ("detail", "detail"),
            ("version", "version"),
            ("started", "started_at"),
            ("head", "head_seq"),
        ] {
            let value = &self.readyz[member];
            if !value.is_null() {
                rows.push(vec![name.to_owned(), text::cell(value)]);
            }
        }
        if let Some(seconds) = self.readyz["uptime_seconds"].as_u64() {
            rows.push(["uptime".to_owned(), duration(seconds)].into());
        }
        let zones = self.zones["zones"].as_array().into_iter().flatten();
        let zones: Vec<Vec<String>> = zones.map(row).collect();
        output::print(&(text::columns(&rows) + &text::columns(&zones)))
    }
}

/// What a probe says as JSON: as it is, or as a string.
fn json_text(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => text.trim().to_owned(),
        Err(_) => Value::from(text.trim()).to_string(),
    }
}

/// What a probe says, be it JSON or words.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.trim().to_owned()))
}

/// The two largest units of a time.
fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let mut left = seconds;
    let parts = units[first..].iter().take(2).map(|(unit, name)| {
        let count = left / unit;
        left %= unit;
        format!("{count}{name}")
    });
    parts.collect::<Vec<_>>().join(" ")
}

fn row(zone: &Value) -> Vec<String> {
    let [name, kind, listings] = ["zone", "kind", "listings"].map(|name| text::cell(&zone[name]));
    let serial = text::cell(&zone["soa"]["serial"]);
    let listings = format!("{listings} listings");
    ["zone".to_owned(), name, kind, listings, format!("serial {serial}")].into()
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_time_has_two_units() {
        let told = [0, 59, 61, 3600, 90_061, 200 * 86_400].map(duration);
        assert_eq!(told, ["0s", "59s", "1m 1s", "1h 0m", "1d 1h", "200d 0h"]);
    }
}
