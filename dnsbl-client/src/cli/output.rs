//! What `dnsbl check` prints.

use std::{
    io::{self, Write},
    net::IpAddr,
};

use dnsbl_client::{Outcome, Report, ZoneName};
use serde::Serialize;

/// The results as text, line by line, or as one JSON document.
pub(super) enum Output {
    Text { address_width: usize, zone_width: usize },
    Json(Results),
}

/// The JSON document.
#[derive(Default, Serialize)]
pub(super) struct Results {
    results: Vec<Row>,
}

/// One address in one zone.
#[derive(Serialize)]
pub(super) struct Row {
    address: IpAddr,
    zone: String,
    status: &'static str,
    codes: Vec<String>,
    reason: Option<String>,
    detail: Option<String>,
}

impl Output {
    pub(super) fn new(json: bool, addresses: &[IpAddr], zones: &[ZoneName]) -> Self {
        if json {
            Self::Json(Results::default())
        } else {
            Self::Text { address_width: width(addresses), zone_width: width(zones) }
        }
    }

    /// Takes what all zones say about one address.
    pub(super) fn write(&mut self, address: IpAddr, report: &Report) -> io::Result<()> {
        let rows = report.outcomes.iter().map(|outcome| Row::new(address, outcome));
        match self {
            Self::Json(json) => {
                json.results.extend(rows);
                Ok(())
            }
            Self::Text { address_width, zone_width } => {
                let mut lines = rows.map(|row| row.line(*address_width, *zone_width));
                lines.try_for_each(|line| writeln!(io::stdout(), "{line}"))
            }
        }
    }

    /// Prints what has to wait for the end.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(json) => writeln!(io::stdout(), "{}", serde_json::to_string(&json)?),
            Self::Text { .. } => Ok(()),
        }
    }
}

impl Row {
    fn new(address: IpAddr, outcome: &Outcome) -> Self {
        let listing = outcome.status.listing();
        Self {
            address,
            zone: outcome.zone.to_string(),
            status: outcome.status.word(),
            codes: listing
                .map_or_else(Vec::new, |l| l.codes.iter().map(ToString::to_string).collect()),
            reason: listing.and_then(|listing| listing.reason.clone()),
            detail: outcome.status.detail(),
        }
    }

    fn line(&self, address_width: usize, zone_width: usize) -> String {
        let address = self.address.to_string();
        let codes = self.codes.join(",");
        let words = [
            &codes,
            self.reason.as_deref().unwrap_or_default(),
            self.detail.as_deref().unwrap_or_default(),
        ];
        let more: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let line = format!(
            "{address:<address_width$}  {:<zone_width$}  {:<10}  {}",
            self.zone,
            self.status,
            more.join("  "),
        );
        line.trim_end().to_owned()
    }
}

fn width<T: ToString>(cells: &[T]) -> usize {
    let widths = cells.iter().map(|cell| cell.to_string().chars().count());
    widths.max().unwrap_or(0)
}
