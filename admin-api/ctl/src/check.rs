//! `dnsblctl check`: what a mail server would be told.

use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
};

use admin_api_types as api;
use anyhow::{Context, bail, ensure};
use clap::Args;
use dnsbl_types::Subject;
use reqwest::Method;

use crate::{
    client::Client,
    failure::REFUSED,
    output::Output,
    text::{self, Cell},
};

/// The most subjects of one request.
const CHUNK: usize = 1000;

const COLUMNS: [&str; 7] =
    ["subject", "zone", "status", "return_codes", "by", "reasons", "sources"];

const NOTES: &str = "\
Asks the server itself, not the DNS; for that there is `dnsbl check`. Each line tells the subject,
the zone (of a combined one also those that list it), whether it is listed there, the return codes, the listing or exclusion that decides, the
reasons (of an exclusion: `excluded`), and the sources that list it or keep it out.

- reads subjects from standard input, one a line; lines that are empty or begin with # or ; are skipped.

Exit status: 1 if anything is listed, 0 if nothing is, 2 on any failure.

Examples:
  dnsblctl check 192.0.2.99
  dnsblctl check 192.0.2.99 2001:db8::25 --zone bl.example.org
  dnsblctl check mail.example.com --zone dbl.example.org --json
  awk '{ print $1 }' access.log | sort -u | dnsblctl check -";

/// Tells whether subjects are listed
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Check {
    /// Addresses or domains; - reads them from standard input
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
        let mut subjects = Vec::new();
        for word in &self.subjects {
            if word != "-" {
                subjects.push(parse(word)?);
                continue;
            }
            ensure!(!io::stdin().is_terminal(), "no subjects come in; see dnsblctl check --help");
            for (i, line) in io::stdin().lock().lines().enumerate() {
                let place = || format!("standard input: line {}", i + 1);
                let line = line.with_context(place)?;
                let text = line.trim();
                if text.is_empty() || text.starts_with(['#', ';']) {
                    continue;
                }
                subjects.push(parse(text).with_context(place)?);
                if subjects.len() == CHUNK {
                    listed |= self.print(client, output, &std::mem::take(&mut subjects)).await?;
                }
            }
        }
        for subjects in subjects.chunks(CHUNK) {
            listed |= self.print(client, output, subjects).await?;
        }
        Ok(if listed { REFUSED.into() } else { ExitCode::SUCCESS })
    }

    /// Prints what is said of some subjects, and tells whether any of them is listed.
    async fn print(
        &self,
        client: &Client,
        output: Output,
        subjects: &[String],
    ) -> anyhow::Result<bool> {
        let zones = (!self.zones.is_empty()).then(|| self.zones.clone());
        let body = api::CheckBody { subjects: subjects.to_vec(), zones };
        let request = client.v1(Method::POST, &["check"]).json(&body);
        let checked = client.ask::<api::CheckResults>(request).await?;
        let results = &checked.body.results;
        output.table(&checked, COLUMNS, results, cells)?;
        Ok(results.iter().any(|result| result.listed))
    }
}

/// A subject in canonical form.
fn parse(text: &str) -> anyhow::Result<String> {
    match text.parse::<Subject>() {
        Ok(subject) => Ok(subject.to_string()),
        Err(err) => bail!("{}: {}", text::visible(text), text::visible(&err.to_string())),
    }
}

fn cells(result: &api::CheckResult) -> [String; 7] {
    let status = if result.listed { "listed" } else { "not-listed" };
    let reasons = match result.excluded {
        true => "excluded".to_owned(),
        false => text::join(&result.reasons, " / "),
    };
    // Of a combined zone, the zones that list it.
    let zone = match result.listed_in.as_slice() {
        [] => result.zone.clone(),
        zones => format!("{} ({})", result.zone, zones.join(", ")),
    };
    [
        result.subject.cell(),
        zone.cell(),
        status.cell(),
        result.return_codes.cell(),
        result.by.cell(),
        reasons.cell(),
        result.sources.cell(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::cells;

    fn told(result: Value) -> [String; 7] {
        cells(&serde_json::from_value(result).unwrap())
    }

    #[test]
    fn a_row_tells_everything() {
        let row = json!({"subject": "192.0.2.9", "zone": "bl.example.org", "listed": true,
            "return_codes": ["127.0.0.2", "127.0.0.4"], "by": "192.0.2.0/24",
            "reasons": ["spam, much", "relay"], "excluded": false, "sources": ["drop", "feed"]});
        let expected = [
            "192.0.2.9",
            "bl.example.org",
            "listed",
            "127.0.0.2,127.0.0.4",
            "192.0.2.0/24",
            "spam, much / relay",
            "drop,feed",
        ];
        assert_eq!(told(row), expected);
        let row = json!({"subject": "a.example", "zone": "d.example.org", "listed": false,
            "return_codes": [], "by": null, "reasons": [], "excluded": false, "sources": []});
        assert_eq!(told(row), ["a.example", "d.example.org", "not-listed", "-", "-", "-", "-"]);
    }

    #[test]
    fn the_zones_that_list_it_are_told_of_a_combined_zone() {
        let row = json!({"subject": "192.0.2.9", "zone": "all.example.org", "listed": true,
            "return_codes": ["127.0.0.2"], "by": "192.0.2.9", "reasons": ["x"], "excluded": false,
            "sources": ["a"], "listed_in": ["b.example.org", "c.example.org"]});
        assert_eq!(told(row)[1], "all.example.org (b.example.org, c.example.org)");
    }

    /// An exclusion that decided was not named.
    #[test]
    fn an_exclusion_that_decides_is_named() {
        let row = json!({"subject": "192.0.2.77", "zone": "bl.example.org", "listed": false,
            "return_codes": [], "by": "192.0.2.64/26", "reasons": [], "excluded": true,
            "sources": ["friend"]});
        let expected = [
            "192.0.2.77",
            "bl.example.org",
            "not-listed",
            "-",
            "192.0.2.64/26",
            "excluded",
            "friend",
        ];
        assert_eq!(told(row), expected);
    }
}
