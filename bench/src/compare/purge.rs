//! A purge of a long list and its undo over HTTP: how long, and how long other writes wait.

use std::{
    fmt::Write as _,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use dnsbl_tests::HttpReply;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    background::{Background, Pace},
    data::{self, Data},
    lab::Lab,
    pause::pause,
    report::{self, Table, time},
    servers::Ours,
    stats::quantile,
};

const COLUMNS: [&str; 6] = ["", "time", "writes meanwhile", "p50", "p99", "longest"];
/// The longest list that is purged.
const MOST: usize = 1_000_000;
/// Writes a second beside it.
const WRITES: f64 = 500.0;
/// Before and after it.
const MARGIN: Duration = Duration::from_millis(300);

/// Purges all that an import has listed, dry run first, undoes that, and undoes the undo.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large().min(MOST))?;
    let mut table = Table::new(&COLUMNS);
    for (name, format, rows) in [
        ("plain", "plain", Rows::Plain),
        ("tagged", "csv", Rows::Tagged),
        ("IPv6", "plain", Rows::Ipv6),
    ] {
        let dir = lab.store_dir(&data).with_extension(format!("purge-{name}"));
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        let server = lab.empty_ours(&dir, 0)?;
        let file = dir.with_extension("list");
        write_list(&data, &file, rows)?;
        let format = format!("{format}&source=list");
        server.import_as(&format, data::ORIGIN, &file, "upsert")?;
        let counted = purge(&server, None, true)?;
        let count = counted["count"].as_u64().context("a count")?;
        let row = |what: &str| format!("{what}, {} {name}", report::size(count as usize));
        measure(&server, &data, &mut table, &row("dry run"), 0, || purge(&server, None, true))?;
        let work = || purge(&server, Some(count), false);
        let done = measure(&server, &data, &mut table, &row("purge"), 1, work)?;
        let undone = measure(&server, &data, &mut table, &row("undo"), 2, || undo(&server, &done))?;
        measure(&server, &data, &mut table, &row("undo of the undo"), 3, || {
            undo(&server, &undone)
        })?;
        server.stop()?;
        std::fs::remove_dir_all(&dir)?;
        std::fs::remove_file(&file)?;
    }
    let text = format!(
        "Beside {WRITES} writes of another source a second, one after the other over one connection: how long these took, as \
         their client sees it (aim: none over 100 ms). All cores."
    );
    lab.report.section("Purge and undo", &text)?;
    lab.report.table(&table)
}

/// What the list is made of.
#[derive(Clone, Copy)]
enum Rows {
    /// IPv4 addresses as they are.
    Plain,
    /// The same with a tag each.
    Tagged,
    /// As many IPv6 addresses.
    Ipv6,
}

fn write_list(data: &Data, file: &std::path::Path, rows: Rows) -> Result<()> {
    let plain = std::fs::read_to_string(data.plain())?;
    let mut text = String::new();
    if matches!(rows, Rows::Tagged) {
        text.push_str("subject,tags\n");
    }
    for line in plain.lines() {
        match rows {
            Rows::Plain => writeln!(text, "{line}")?,
            Rows::Tagged => writeln!(text, "{line},campaign")?,
            Rows::Ipv6 => {
                let [a, b, c, d] = line.parse::<Ipv4Addr>().context(line.to_owned())?.octets();
                writeln!(text, "2a00:{a:02x}{b:02x}:{c:02x}{d:02x}::1")?;
            }
        }
    }
    Ok(std::fs::write(file, text)?)
}

fn measure(
    server: &Ours,
    data: &Data,
    table: &mut Table,
    name: &str,
    round: u64,
    work: impl FnOnce() -> Result<Value>,
) -> Result<Value> {
    eprintln!("bench: {name}");
    let mut connection = server.connect()?;
    let addresses: Vec<_> = data.fresh(3000 + round).take(100_000).collect();
    let writes = Background::start(move |stop| {
        let (mut times, mut pace) = (Vec::new(), Pace::new(WRITES));
        for addr in addresses {
            if stop.is_set() {
                break;
            }
            pace.wait();
            let begun = Instant::now();
            connection.list(addr)?;
            times.push(begun.elapsed());
        }
        Ok(times)
    });
    // Writes come before and after what is measured, too.
    pause(MARGIN);
    let begun = Instant::now();
    let result = work()?;
    let took = begun.elapsed();
    pause(MARGIN);
    let mut times: Vec<Duration> = writes.stop()?;
    times.sort_unstable();
    let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| time(quantile(&times, share)));
    table.row([name.to_owned(), time(took), times.len().to_string(), p50, p99, longest]);
    Ok(result)
}

fn purge(server: &Ours, expect: Option<u64>, dry_run: bool) -> Result<Value> {
    let path = if dry_run { "/v1/purge?dry_run=1" } else { "/v1/purge" };
    let body = json!({"zones": [data::ORIGIN], "source": "list", "expect": expect});
    post(server, path, &body)
}

fn undo(server: &Ours, change: &Value) -> Result<Value> {
    post(server, "/v1/undo", &json!({"seq": change["seq"]}))
}

fn post(server: &Ours, path: &str, body: &Value) -> Result<Value> {
    let request = server.admin().request(Method::POST, path).json(body);
    let reply = HttpReply::try_of(request)?;
    ensure!(reply.status == 200, "{path}: {} {}", reply.status, reply.text);
    Ok(serde_json::from_str(&reply.text)?)
}
