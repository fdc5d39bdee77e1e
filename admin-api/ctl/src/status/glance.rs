//! All of a server's state at a glance: what it says of itself, and what its metrics tell.

use admin_api_types as api;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{figures::Figures, state::State};
use crate::{
    color::{Tone, paint},
    text::{self, Cell},
};

/// The metrics of an earlier look, for rates.
pub(super) struct Earlier {
    pub(super) figures: Figures,
    pub(super) at: Instant,
}

/// The lines that tell of it.
pub(super) fn show(state: &State, earlier: Option<&Earlier>, now: Instant) -> String {
    let mut rows = of_server(state);
    if let Some(figures) = &state.figures {
        let uptime = state.readiness.as_ref().map_or(0, |readiness| readiness.uptime_seconds);
        let rates = Rates { figures, earlier, now, uptime };
        rows.extend(of_figures(figures, &rates));
    }
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let zones = state.zones.iter().flat_map(|zones| &zones.body.zones);
    let zones: Vec<Vec<String>> = zones.map(of_zone).collect();
    text::columns(&rows) + &text::columns(&zones)
}

type Row = (&'static str, String);

fn of_server(state: &State) -> Vec<Row> {
    let ready = match state.ready {
        true => paint("yes", Tone::Good),
        false => paint("no", Tone::Bad),
    };
    let mut rows = vec![("health", state.healthz.trim().cell()), ("ready", ready)];
    if let Some(readiness) = &state.readiness {
        let reason = |reason: &String| ("reason", paint(&reason.cell(), Tone::Bad));
        rows.extend(readiness.reason.as_ref().map(reason));
        rows.extend(readiness.detail.as_ref().map(|detail| ("detail", detail.cell())));
        rows.push(("version", readiness.version.cell()));
        rows.push(("started", readiness.started_at.cell()));
        rows.push(("head", readiness.head_seq.cell()));
        rows.push(("uptime", duration(readiness.uptime_seconds)));
    }
    rows
}

fn of_figures(figures: &Figures, rates: &Rates<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    if figures.sum("dnsbl_store_writable") == Some(0.0) {
        rows.push(("store", paint("takes no writes until a restart", Tone::Bad)));
    }
    if figures.sum("dnsbl_clock_in_doubt") == Some(1.0) {
        rows.push(("clock", paint("in doubt; nothing is swept meanwhile", Tone::Bad)));
    }
    rows.extend(sizes(figures));
    rows.extend(queries(figures, rates));
    let requests = figures.sum("dnsbl_http_requests_total");
    rows.extend(requests.map(|count| {
        ("requests", format!("{}  {}", whole(count), rates.of("dnsbl_http_requests_total")))
    }));
    rows.extend(figures.sum("dnsbl_last_backup_timestamp_seconds").map(|at| ("backup", age(at))));
    rows.extend(feeds(figures));
    rows.extend(queues(figures));
    rows
}

fn sizes(figures: &Figures) -> Option<Row> {
    let on_disk = figures.sum_with("dnsbl_rocksdb", "property", "live-sst-files-size")?;
    let index = figures.sum("dnsbl_index_bytes").unwrap_or(0.0);
    let memory = figures.sum("process_resident_memory_bytes").unwrap_or(0.0);
    let sizes = [bytes(on_disk), bytes(index), bytes(memory)];
    let [on_disk, index, memory] = sizes;
    Some(("sizes", format!("{on_disk} on disk, {index} of index, {memory} of memory")))
}

fn queries(figures: &Figures, rates: &Rates<'_>) -> Option<Row> {
    const NAME: &str = "dnsbl_queries_total";
    let all = figures.sum(NAME)?;
    let share = |result: &str| {
        let count = figures.sum_with(NAME, "result", result).unwrap_or(0.0);
        (count > 0.0).then(|| format!("{:.1} % {result}", 100.0 * count / all))
    };
    let shares: Vec<String> =
        ["listed", "refused", "error", "dropped"].into_iter().filter_map(share).collect();
    let told = format!("{}  {}  {}", whole(all), rates.of(NAME), shares.join(", "));
    Some(("queries", told.trim_end().to_owned()))
}

fn feeds(figures: &Figures) -> Option<Row> {
    const NAME: &str = "dnsbl_feed_failing";
    let count = figures.count(NAME);
    let failing: Vec<String> =
        figures.labels_of(NAME, "feed").into_iter().map(text::visible).collect();
    let told = match failing.is_empty() {
        true => format!("{count} well"),
        false => paint(
            &format!("{} of {count} failing: {}", failing.len(), failing.join(", ")),
            Tone::Bad,
        ),
    };
    (count > 0).then_some(("feeds", told))
}

/// Whatever waits, by the names of its metrics: a queue that comes later is told as well.
fn queues(figures: &Figures) -> Option<Row> {
    let queues: Vec<String> = ["waiting", "running", "overdue"]
        .into_iter()
        .flat_map(|state| {
            let found = figures.between("dnsbl_", &format!("_{state}"));
            found.into_iter().map(move |(what, count)| {
                let told = format!("{} {} {state}", whole(count), what.replace('_', " "));
                match state == "overdue" && count > 0.0 {
                    true => paint(&told, Tone::Bad),
                    false => told,
                }
            })
        })
        .collect();
    (!queues.is_empty()).then(|| ("queues", queues.join(", ")))
}

/// How much there was in a second.
struct Rates<'a> {
    figures: &'a Figures,
    earlier: Option<&'a Earlier>,
    now: Instant,
    /// Seconds since the start.
    uptime: u64,
}

impl Rates<'_> {
    fn of(&self, name: &str) -> String {
        let now = self.figures.sum(name).unwrap_or(0.0);
        match self.earlier {
            Some(Earlier { figures, at }) => {
                let seconds = self.now.duration_since(*at).as_secs_f64().max(0.001);
                // Counters begin anew with each start.
                let more = (now - figures.sum(name).unwrap_or(0.0)).max(0.0);
                format!("{} a second", rate(more / seconds))
            }
            None => format!("{} a second since the start", rate(now / self.uptime.max(1) as f64)),
        }
    }
}

fn of_zone(zone: &api::Zone) -> Vec<String> {
    let (listings, serial) = (zone.listings.cell(), zone.soa.serial.cell());
    let counts = [format!("{listings} listings"), format!("serial {serial}")];
    let head = ["zone".cell(), zone.zone.cell(), zone.kind.as_str().cell()];
    let frozen = zone.frozen_sources.join(", ");
    let frozen = (!frozen.is_empty()).then(|| format!("frozen: {frozen}").cell());
    head.into_iter().chain(counts).chain(frozen).collect()
}

/// How long ago a second since 1970 was.
fn age(seconds: f64) -> String {
    if seconds <= 0.0 {
        return "none".into();
    }
    let passed = Timestamp::now().as_second().saturating_sub(seconds as i64);
    format!("{} ago", duration(passed.max(0).unsigned_abs()))
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

/// A count with its thousands apart.
fn whole(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut apart = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

fn rate(a_second: f64) -> String {
    match a_second < 10.0 {
        true => format!("{a_second:.1}"),
        false => whole(a_second),
    }
}

fn bytes(count: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut count = count;
    let mut unit = 0;
    while count >= 1024.0 && unit + 1 < units.len() {
        count /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count:.0} B"),
        _ => format!("{count:.1} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, bytes, duration, queues, rate, whole};

    #[test]
    fn a_time_has_two_units() {
        let told = [0, 59, 61, 3600, 90_061, 200 * 86_400].map(duration);
        assert_eq!(told, ["0s", "59s", "1m 1s", "1h 0m", "1d 1h", "200d 0h"]);
    }

    #[test]
    fn figures_are_told_in_few_digits() {
        assert_eq!(
            [0.0, 999.0, 1000.0, 1_234_567.0].map(whole),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([0.04, 9.96, 1234.5].map(rate), ["0.0", "10.0", "1,234"]);
        assert_eq!([12.0, 2048.0, 3.5 * 1048576.0].map(bytes), ["12 B", "2.0 KiB", "3.5 MiB"]);
    }

    #[test]
    fn every_queue_is_told_whatever_its_name() {
        let figures = Figures::read(
            "dnsbl_reports_waiting{category=\"spam\"} 2\ndnsbl_relay_tests_running 1\ndnsbl_removal_requests_overdue 0\n",
        );
        let (_, told) = queues(&figures).unwrap();
        assert_eq!(told, "2 reports waiting, 1 relay tests running, 0 removal requests overdue");
    }
}
