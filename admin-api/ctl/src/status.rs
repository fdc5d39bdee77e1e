//! `dnsblctl status`: is the server well?

use std::process::ExitCode;

use admin_api_types as api;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::{
    client::Client,
    document::Document,
    failure::REFUSED,
    output::{self, Output},
    text::{self, Cell},
};

const NOTES: &str = "\
Tells whether the server is alive and ready, its release, since when it runs and its last change, and
with a token also its zones: name, kind, listings, serial, and sources that are frozen. With --json: {\"healthz\": …, \"readyz\": …, \"zones\": …}, each as the server says it.

Exit status: 0 if the server is ready, 1 if it is not or cannot be reached.

Examples:
  dnsblctl status
  dnsblctl status --json | jq .readyz
  until dnsblctl status; do sleep 1; done";

/// Tells whether the server is ready, and what it serves
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Status {}

/// The server's word about itself.
struct State {
    healthz: String,
    readyz: String,
    /// What that says, unless somebody else answers in the server's place.
    readiness: Option<api::Readiness>,
    ready: bool,
    /// None without a token.
    zones: Option<Document<api::Zones>>,
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
        let mut refused = Ok(());
        if client.has_token {
            match client.ask(client.v1(Method::GET, &["zones"])).await {
                Ok(zones) => state.zones = Some(zones),
                Err(err) => refused = Err(err),
            }
        }
        state.print(output)?;
        refused?;
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
        let readiness: Option<api::Readiness> = serde_json::from_str(&readyz).ok();
        let ready =
            status.is_success() && readiness.as_ref().is_none_or(|readiness| readiness.ready);
        Ok(Self { healthz, readyz, readiness, ready, zones: None })
    }

    fn print(&self, output: Output) -> anyhow::Result<()> {
        if output.is_json() {
            // Put together from what the server sent, which has its members in order.
            let [healthz, readyz] = [&self.healthz, &self.readyz].map(|text| json_text(text));
            let zones = self.zones.as_ref().map_or("null", |zones| zones.text.trim());
            let state = format!("{{\"healthz\":{healthz},\"readyz\":{readyz},\"zones\":{zones}}}");
            return output::data(&state);
        }
        let ready = if self.ready { "yes" } else { "no" };
        let mut rows = vec![("health", self.healthz.trim().cell()), ("ready", ready.cell())];
        if let Some(readiness) = &self.readiness {
            rows.extend(readiness.reason.as_ref().map(|reason| ("reason", reason.cell())));
            rows.extend(readiness.detail.as_ref().map(|detail| ("detail", detail.cell())));
            rows.push(("version", readiness.version.cell()));
            rows.push(("started", readiness.started_at.cell()));
            rows.push(("head", readiness.head_seq.cell()));
            rows.push(("uptime", duration(readiness.uptime_seconds)));
        }
        let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.into(), value]).collect();
        let zones = self.zones.iter().flat_map(|zones| &zones.body.zones);
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

fn row(zone: &api::Zone) -> Vec<String> {
    let (listings, serial) = (zone.listings.cell(), zone.soa.serial.cell());
    let counts = [format!("{listings} listings"), format!("serial {serial}")];
    let head = ["zone".cell(), zone.zone.cell(), zone.kind.as_str().cell()];
    let frozen = zone.frozen_sources.join(", ");
    let frozen = (!frozen.is_empty()).then(|| format!("frozen: {frozen}").cell());
    head.into_iter().chain(counts).chain(frozen).collect()
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
