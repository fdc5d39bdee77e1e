//! `dnsblctl relay-test submit`.

use std::{path::PathBuf, time::Duration};

use admin_api_types::{RelayTest, RelayTestBody};
use clap::Args;
use reqwest::Method;
use tokio::time::{Instant, interval_at};

use super::show;
use crate::{args::read_text, client::Client, document::Document, output::Output, progress, text};

/// Between two looks at a test that is waited for.
const PAUSE: Duration = Duration::from_secs(1);

const NOTES: &str = "\
Nobody is tested without a ground:
  self      the host's own operator asks, from the host itself
  owner     the host's owner asks; needs the scope relay-tests:owner
  evidence  it relayed something; needs --evidence-file
  retest    it is listed, and shall be confirmed or removed
  delist    it is listed, and its operator wants it removed: that takes two clean tests some
            minutes apart, of which the server makes the second by itself (second_test_at)
An address that has a test under way gets no second one: the answer names the first.

With --wait the command ends once there is a verdict, or the test is called off; a host that accepted
messages has none before settle-for has passed, and one that answers 4xx none before it was tried
again (retry_at). Exit status: 0, whatever the verdict.

Examples, with HOST the address of a mail server; special-use space such as 192.0.2.0/24 is refused:
  dnsblctl relay-test submit $HOST --ground evidence --evidence-file spam.eml
  dnsblctl relay-test submit $HOST --ground owner --port 2525 --tier 3 --wait
  dnsblctl relay-test submit $HOST --ground delist --wait --json | jq -r .verdict";

/// Asks for a test of a host
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct SubmitTest {
    #[command(flatten)]
    body: TestArgs,
    /// File with a message that the host relayed, with its headers; - is standard input
    #[arg(long, value_name = "FILE")]
    evidence_file: Option<PathBuf>,
    /// Wait for the verdict
    #[arg(long)]
    wait: bool,
}

/// What is to be tested, and why.
#[derive(Args)]
struct TestArgs {
    /// IPv4 or IPv6 address of the host
    address: String,
    /// Why it shall be tested
    #[arg(long, value_parser = ["self", "owner", "evidence", "retest", "delist"])]
    ground: String,
    /// Port, for the owner only; 25 unless given, or where a listed host was found open
    #[arg(long)]
    port: Option<u16>,
    /// A domain for which the host takes mail
    #[arg(long)]
    domain: Option<String>,
    /// How far the test goes, for the owner only; 3 and 4 can upset old software
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
    tier: Option<u8>,
    /// A note for operators
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl SubmitTest {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let evidence = self.evidence_file.as_deref().map(read_text).transpose()?;
        let body = self.body.with_evidence(evidence);
        let request = client.v1(Method::POST, &["relay-tests"]).json(&body);
        let mut test = client.ask(request).await?;
        if self.wait {
            test = wait(client, test).await?;
        }
        output.document(&test, show::brief)
    }
}

impl TestArgs {
    fn with_evidence(self, evidence: Option<String>) -> RelayTestBody {
        let Self { address, ground, port, domain, tier, note } = self;
        RelayTestBody { address, ground, port, domain, tier, evidence, note }
    }
}

/// Looks at a test until it is over.
async fn wait(
    client: &Client,
    mut test: Document<RelayTest>,
) -> anyhow::Result<Document<RelayTest>> {
    let id = test.body.id.clone();
    let spinner = progress::spinner()?;
    let mut looks = interval_at(Instant::now() + PAUSE, PAUSE);
    while !is_over(&test.body) {
        spinner.set_message(format!("{}  {}", text::visible(&id), text::visible(&test.body.state)));
        looks.tick().await;
        test = client.ask(client.v1(Method::GET, &["relay-tests", &id])).await?;
    }
    spinner.finish_and_clear();
    Ok(test)
}

fn is_over(test: &RelayTest) -> bool {
    test.verdict.is_some() || test.state == "cancelled"
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::{RelayTest, SubmitTest, is_over};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        submit: SubmitTest,
    }

    fn body(line: &str) -> Result<Value, clap::Error> {
        let words = ["submit", "192.0.2.1"].into_iter();
        let line = Line::try_parse_from(words.chain(line.split_whitespace()))?;
        Ok(serde_json::to_value(line.submit.body.with_evidence(None)).unwrap())
    }

    #[test]
    fn only_what_is_said_is_sent() {
        let least = json!({"address": "192.0.2.1", "ground": "self"});
        assert_eq!(body("--ground self --wait").unwrap(), least);
        let line = "--ground owner --port 2525 --domain example.net --tier 3 --note ours";
        let sent = json!({"address": "192.0.2.1", "ground": "owner", "port": 2525,
            "domain": "example.net", "tier": 3, "note": "ours"});
        assert_eq!(body(line).unwrap(), sent);
    }

    #[test]
    fn a_test_needs_a_ground() {
        for line in
            ["", "--ground hearsay", "--ground owner --tier 5", "--ground self --port 65536"]
        {
            assert!(body(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_test_is_over_with_its_verdict_or_when_it_is_called_off() {
        let test = |state: &str, verdict: Option<&str>| -> RelayTest {
            let test = json!({"id": "a", "address": "192.0.2.1", "port": 25, "ground": "self",
                "state": state, "verdict": verdict, "probes": [], "submitted_at": "", "listed": false});
            serde_json::from_value(test).unwrap()
        };
        assert!(!is_over(&test("pending", None)));
        assert!(is_over(&test("done", Some("clean"))));
        assert!(is_over(&test("cancelled", None)));
    }
}
