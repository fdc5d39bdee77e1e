//! What operators and their monitors ask of the API, beside a long list.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use dnsbl_tests::HttpReply;
use reqwest::Method;

use crate::{
    data,
    lab::Lab,
    report::{self, Table, time},
    stats::quantile,
};

/// How often each is asked.
const TIMES: usize = 21;
const COLUMNS: [&str; 3] = ["", "p50", "worst"];

/// What is asked; a search by what nothing has reads on until its time is over, and answers with a cursor.
fn requests() -> [(&'static str, String); 14] {
    let zone = format!("/v1/zones/{}", data::ORIGIN);
    let listings = format!("{zone}/listings");
    let search = |query: &str| format!("/v1/search?{query}&limit=100");
    [
        ("GET of the zone", zone),
        ("/metrics", "/metrics".into()),
        ("a page of listings", format!("{listings}?limit=100")),
        ("a search by source", format!("{listings}?source=nobody&limit=100")),
        ("a search by tag", format!("{listings}?tag=nothing&limit=100")),
        ("a search below a prefix", format!("{listings}?subject=8.0.0.0%2F8&match=covered")),
        ("a search for what covers an address", search("subject=8.8.8.8&match=covering")),
        ("a search by return code", search("code=127.0.0.9")),
        ("a search by text", search("reason=nothing%20at%20all")),
        ("a search by author", search("author=nobody")),
        ("a search by expiry", search("expires_until=2100-01-01T00:00:00Z")),
        ("a search by time of change", search("changed_until=2000-01-01T00:00:00Z")),
        ("a count by return code", search("code=127.0.0.2&count=1")),
        ("all about an address", "/v1/subjects/8.8.8.8".into()),
    ]
}

/// Asks for each several times.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    let ours = lab.ours(&data, 0)?;
    let admin = ours.admin();
    let mut table = Table::new(&COLUMNS);
    for (name, path) in requests() {
        let mut times: Vec<Duration> = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let reply = HttpReply::try_of(admin.request(Method::GET, &path))?;
            times.push(begun.elapsed());
            ensure!(reply.status == 200, "{path}: {} {}", reply.status, reply.text);
        }
        times.sort_unstable();
        table.row([name.to_owned(), time(quantile(&times, 0.5)), time(quantile(&times, 1.0))]);
    }
    let text = format!(
        "Each {TIMES} times, beside {} listings (aim: none over 1 s). A search that finds nothing answers with a cursor when its \
         time is over.",
        report::size(data.size())
    );
    lab.report.section("API", &text)?;
    lab.report.table(&table)
}
