//! `dnsblctl changes`: the change log, as it is or as it grows.

use std::{process::ExitCode, time::Duration};

use admin_api_types::{ChangeLine, ChangesEnd};
use anyhow::{Context, bail};
use clap::Args;
use reqwest::Method;
use tokio::time::{Instant, sleep_until};

use crate::{
    client::{AnswerLines, Client},
    output::{self, Output},
    text::Cell,
};

/// How long the server is asked to wait for changes that are followed, in seconds.
const FOLLOW_WAIT: u64 = 30;
/// How long after a question that brought nothing the next one is asked, at the earliest.
const PAUSE: Duration = Duration::from_secs(1);

const NOTES: &str = "\
Each line tells the sequence number, the time, what was done, the zone, the subject and the source.
Where to go on is told on standard error, with --json in the last line.

Examples:
  dnsblctl changes
  dnsblctl changes --after 1700 --wait 60
  dnsblctl changes --after 1700 --follow --json";

/// Prints the change log
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct Changes {
    /// Only changes after this one
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// How long the server waits for a change if there is none
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Go on for ever
    #[arg(long)]
    follow: bool,
}

impl Changes {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        let mut after = self.after;
        loop {
            let (asked, since) = (Instant::now(), after);
            after = self.print(client, output, since).await?;
            if !self.follow {
                break;
            }
            if after == since {
                sleep_until(asked + PAUSE).await;
            }
        }
        if !output.is_json() {
            output::note(format_args!("go on with --after {after}"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints one answer, and tells where to go on.
    async fn print(&self, client: &Client, output: Output, after: u64) -> anyhow::Result<u64> {
        let wait = self.wait.or(self.follow.then_some(FOLLOW_WAIT));
        let wait = wait.map(|wait| ("wait", wait));
        let request = client.v1(Method::GET, &["changes"]).query(&[("after", after)]);
        let response = client.send(request.query(wait.as_slice())).await?;
        let mut last = after;
        let next = print_lines(client.lines(response), output, &mut last).await;
        next.with_context(|| format!("the changes were cut off; go on with --after {last}"))
    }
}

/// Prints lines until the one that ends them; `last` is the last change that was printed.
async fn print_lines(
    mut lines: AnswerLines,
    output: Output,
    last: &mut u64,
) -> anyhow::Result<u64> {
    while let Some(text) = lines.next_line().await? {
        let change: ChangeLine = serde_json::from_str(&text).context("a line makes no sense")?;
        if output.is_json() {
            output::data(&text)?;
        } else if let Some(line) = line(&change) {
            output::print(&line)?;
        }
        *last = match &change {
            ChangeLine::End(ChangesEnd { next, .. }) => return Ok(*next),
            ChangeLine::Op(change) => change.seq,
            ChangeLine::Document(change) => change.seq,
            ChangeLine::Hidden(change) => change.seq,
        };
    }
    bail!("the last line is missing")
}

/// A change as one line; lines that come later are aligned too, so the widths are fixed.
fn line(change: &ChangeLine) -> Option<String> {
    let none = None::<String>;
    let (seq, at, op, [zone, subject, source]) = match change {
        ChangeLine::End(_) => return None,
        ChangeLine::Hidden(change) => (change.seq, "", "hidden", [&none; 3]),
        ChangeLine::Document(change) => (change.seq, &*change.at, &*change.op, [&none; 3]),
        ChangeLine::Op(change) => {
            let about = [&change.zone, &change.subject, &change.source];
            (change.seq, &*change.at, &*change.op, about)
        }
    };
    let [at, op] = [at, op].map(Cell::cell);
    let [zone, subject, source] = [zone, subject, source].map(Cell::cell);
    Some(format!("{seq:>8}  {at:<20}  {op:<14}  {zone}  {subject}  {source}\n"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio_util::io::StreamReader;

    use super::{line, print_lines};
    use crate::output::Output;

    async fn next(answer: &'static str) -> anyhow::Result<u64> {
        let chunks = stream::iter([Ok(Bytes::from_static(answer.as_bytes()))]).boxed();
        let lines = BufReader::new(StreamReader::new(chunks)).lines();
        print_lines(lines, Output::new(false), &mut 0).await
    }

    #[tokio::test]
    async fn only_the_last_line_ends_the_changes() {
        assert_eq!(next("{\"end\":true,\"next\":17}\n").await.unwrap(), 17);
        for cut in ["", "{\"end\":true,\"next\":1", "{\"end\":true}\n", "{}\n"] {
            assert!(next(cut).await.is_err(), "{cut}");
        }
    }

    fn shown(change: Value) -> String {
        line(&serde_json::from_value(change).unwrap()).unwrap()
    }

    #[test]
    fn hidden_changes_have_a_line_too() {
        let put = json!({"seq": 17, "epoch": 1, "at": "2026-01-31T12:00:00Z", "op": "put",
            "zone": "bl.example.org", "subject": "192.0.2.1", "source": "ops", "actor": "ops"});
        assert_eq!(
            shown(put),
            "      17  2026-01-31T12:00:00Z  put             bl.example.org  192.0.2.1  ops\n"
        );
        let hidden = shown(json!({"seq": 18, "op": "hidden"}));
        assert_eq!(
            hidden.split_whitespace().collect::<Vec<_>>(),
            ["18", "-", "hidden", "-", "-", "-"]
        );
    }
}
