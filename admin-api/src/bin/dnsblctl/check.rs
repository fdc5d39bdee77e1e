//! `dnsblctl check`: what a mail server would be told.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, Document},
    failure::REFUSED,
    output::{self, Output},
    text,
};

/// The most subjects of one request.
const CHUNK: usize = 1000;

const COLUMNS: [&str; 6] = ["subject", "zone", "status", "return_codes", "by", "reasons"];

const NOTES: &str = "\
Asks the server itself, not the DNS; for that there is `dnsbl check`. Each line tells the subject,
the zone, whether it is listed there, the return codes, the listing or exclusion that decides, and
the reasons.

Exit status: 1 if anything is listed, 0 if nothing is, 2 on any failure.

Examples:
  dnsblctl check 192.0.2.99
  dnsblctl check 192.0.2.99 2001:db8::25 --zone bl.example.org
  dnsblctl check mail.example.com --zone dbl.example.org --json";

/// Tells whether subjects are listed
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Check {
    /// Addresses or domains
    #[arg(value_name = "SUBJECT", required = true)]
    subjects: Vec<String>,
    /// Zone to look in; all unless given; may be given several times
    #[arg(long = "zone", value_name = "ZONE", value_delimiter = ',')]
    zones: Vec<String>,
}

impl Check {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let mut listed = false;
        for subjects in self.subjects.chunks(CHUNK) {
            let answer = self.ask(client, subjects).await?;
            listed |= rows(&answer).any(|row| row["listed"] == true);
            let table = |_: &_| output::headed(&COLUMNS, rows(&answer).map(cells).collect());
            output.document(&answer, table)?;
        }
        Ok(if listed { REFUSED.into() } else { ExitCode::SUCCESS })
    }

    async fn ask(&self, client: &Client, subjects: &[String]) -> anyhow::Result<Document> {
        let mut body = json!({"subjects": subjects});
        if !self.zones.is_empty() {
            body["zones"] = json!(self.zones);
        }
        client.ask(client.v1(Method::POST, &["check"]).json(&body)).await
    }
}

fn rows(answer: &Document) -> impl Iterator<Item = &Value> {
    answer.value["results"].as_array().into_iter().flatten()
}

fn cells(row: &Value) -> Vec<String> {
    let mut cells = text::cells(row, &COLUMNS);
    let listed = row["listed"] == true;
    cells[2] = if listed { "listed" } else { "not-listed" }.to_owned();
    if let Some(reasons) = row["reasons"].as_array().filter(|reasons| !reasons.is_empty()) {
        cells[5] = text::join(reasons, " / ");
    }
    cells
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::cells;

    #[test]
    fn a_row_tells_everything() {
        let row = json!({"subject": "192.0.2.9", "zone": "bl.example.org", "listed": true,
            "return_codes": ["127.0.0.2", "127.0.0.4"], "by": "192.0.2.0/24",
            "reasons": ["spam, much", "relay"]});
        let told = [
            "192.0.2.9",
            "bl.example.org",
            "listed",
            "127.0.0.2,127.0.0.4",
            "192.0.2.0/24",
            "spam, much / relay",
        ];
        assert_eq!(cells(&row), told);
        let row = json!({"subject": "a.example", "zone": "d.example.org", "listed": false,
            "return_codes": [], "by": null, "reasons": []});
        assert_eq!(cells(&row), ["a.example", "d.example.org", "not-listed", "-", "-", "-"]);
    }
}
