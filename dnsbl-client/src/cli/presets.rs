//! `dnsbl presets`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;
use dnsbl_client::PRESETS;

/// Names the well-known lists for --preset. None is asked unless you name it: read its terms first.
#[derive(Args)]
pub(super) struct Presets {}

impl Presets {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut out = io::stdout().lock();
        let width = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
        for preset in PRESETS {
            let key = if preset.needs_key { " (needs a key)" } else { "" };
            writeln!(out, "{:<width$}  {}{key}: {}", preset.name, preset.zone, preset.about)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
