//! `dnsbl presets`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;
use dnsbl_client::{Asks, PRESETS, Preset, ZoneKind};
use serde_json::{Value, json};

/// Names the well-known lists for --preset. None is asked unless you name it: read its terms first.
#[derive(Args)]
pub(super) struct Presets {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Presets {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut out = io::stdout().lock();
        if self.json {
            let presets: Vec<Value> = PRESETS.iter().map(json_of).collect();
            writeln!(out, "{}", json!({"presets": presets}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let width = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
        for preset in PRESETS {
            let key = if preset.needs_key { " (needs a key)" } else { "" };
            writeln!(out, "{:<width$}  {}{key}: {}", preset.name, preset.zone, preset.about)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn json_of(preset: &Preset) -> Value {
    let kind = match preset.kind {
        ZoneKind::Allow => "allow",
        ZoneKind::Block => "block",
        _ => "informational",
    };
    let asks = match preset.asks {
        Asks::Addresses { .. } => "addresses",
        Asks::Domains => "domains",
        _ => "emails",
    };
    json!({"name": preset.name, "zone": preset.zone, "needs-key": preset.needs_key, "kind": kind,
        "asks": asks, "about": preset.about})
}
