//! The list in numbers.

use maud::{Markup, html};

use super::{
    chart,
    frame::{Frame, View},
};
use crate::{
    shown::{day, grouped, hour},
    stats::{ReasonStats, Stats},
};

/// Zones that are told of.
const MAX_ZONES: usize = 40;

/// The page.
pub(crate) fn stats(view: View<'_>, stats: &Stats) -> Markup {
    let title = view.text("menu-stats");
    let main = html! {
        h1 { (title) }
        p { (view.text("stats-at")) " " (view.time(stats.at, stats.at)) }
        (zones(view, stats))
        @if stats.days.is_empty() {
            p { (view.text("stats-none-yet")) }
        } @else {
            h2 { (view.text("stats-reasons")) }
            (reasons(view, stats))
            h2 { (view.text("stats-changes")) }
            (changes(view, stats))
            h2 { (view.text("stats-ages")) }
            (ages(view, stats))
        }
        @if !stats.hours.is_empty() {
            h2 { (view.text("stats-questions")) }
            (questions(view, stats))
        }
        p.quiet { (view.text("stats-note")) }
    };
    Frame { view, place: "stats", title, is_private: false }.around(&main)
}

fn zones(view: View<'_>, stats: &Stats) -> Markup {
    let heads = ["zone", "stats-listings", "stats-exclusions"].map(|key| view.text(key));
    let rows = stats.zones.iter().take(MAX_ZONES).map(|zone| {
        (zone.origin.to_string(), vec![grouped(zone.listings), grouped(zone.exclusions)])
    });
    table(&view.text("stats-zones"), &heads, rows)
}

fn reasons(view: View<'_>, stats: &Stats) -> Markup {
    let lines: Vec<Vec<Option<u64>>> =
        stats.reasons.iter().map(|reason| reason.listings.clone()).collect();
    let mut heads = vec![view.text("stats-day")];
    heads.extend(stats.reasons.iter().enumerate().map(|(number, reason)| {
        format!("{}: {}", chart::letter(number), reason_name(view, reason))
    }));
    let rows = stats.days.iter().enumerate().map(|(at, began)| {
        let value = |reason: &ReasonStats| reason.listings[at].map(grouped).unwrap_or_default();
        (day(*began), stats.reasons.iter().map(value).collect())
    });
    html! {
        (chart::lines(&view.text("stats-reasons-chart"), ends(stats), &lines))
        (table(&view.text("stats-reasons-table"), &heads, rows))
    }
}

fn reason_name(view: View<'_>, stats: &ReasonStats) -> String {
    match &stats.reason {
        Some((zone, Some(code))) => format!("{zone} {code}"),
        Some((zone, None)) => zone.to_string(),
        None => view.text("stats-others"),
    }
}

fn changes(view: View<'_>, stats: &Stats) -> Markup {
    let counts = |it: &crate::stats::ChangeStats| vec![it.added, it.removed, it.expired];
    let bars: Vec<Vec<u64>> = stats.changes.iter().map(counts).collect();
    let heads =
        ["stats-day", "stats-added", "stats-removed", "stats-expired"].map(|key| view.text(key));
    let rows = stats.days.iter().zip(&stats.changes);
    let rows = rows.map(|(began, it)| (day(*began), counts(it).into_iter().map(grouped).collect()));
    html! {
        (chart::bars(&view.text("stats-chart"), ends(stats), &bars))
        (table(&view.text("stats-days"), &heads, rows))
    }
}

fn ages(view: View<'_>, stats: &Stats) -> Markup {
    let names = [
        "age-hour",
        "age-day",
        "age-two-days",
        "age-week",
        "age-month",
        "age-quarter",
        "age-longer",
    ];
    let all: u64 = stats.ages.iter().sum();
    if all == 0 {
        return html! { p { (view.text("stats-no-ages")) } };
    }
    let names = names.map(|key| view.text(key));
    let bars: Vec<Vec<u64>> = stats.ages.iter().map(|count| vec![*count]).collect();
    let heads = ["stats-age", "stats-removed", "stats-share"].map(|key| view.text(key));
    let rows = names.iter().zip(stats.ages).map(|(name, count)| {
        let percent = (u128::from(count) * 100 + u128::from(all) / 2) / u128::from(all);
        (name.clone(), vec![grouped(count), format!("{percent} %")])
    });
    html! {
        (chart::bars(&view.text("stats-ages-chart"), [names[0].clone(), names[6].clone()], &bars))
        (table(&view.text("stats-ages-table"), &heads, rows))
        p.quiet { (view.text("stats-ages-note")) }
    }
}

fn questions(view: View<'_>, stats: &Stats) -> Markup {
    let line = |of: fn(&crate::stats::HourStats) -> u64| {
        stats.hours.iter().map(|hour| Some(of(hour))).collect::<Vec<_>>()
    };
    let lines = [line(|hour| hour.questions), line(|hour| hour.listed)];
    let heads = [
        view.text("stats-hour"),
        format!("A: {}", view.text("stats-asked")),
        format!("B: {}", view.text("stats-answered")),
    ];
    let tenths = |value: u64| format!("{}.{}", grouped(value / 10), value % 10);
    let rows = stats
        .hours
        .iter()
        .map(|it| (hour(it.began), vec![tenths(it.questions), tenths(it.listed)]));
    let (first, last) = (stats.hours.first(), stats.hours.last());
    let ends = [first, last].map(|it| it.map(|it| hour(it.began)).unwrap_or_default());
    html! {
        (chart::lines(&view.text("stats-questions-chart"), ends, &lines))
        (table(&view.text("stats-questions-table"), &heads, rows))
    }
}

/// The first and the last day.
fn ends(stats: &Stats) -> [String; 2] {
    [stats.days.first(), stats.days.last()].map(|at| at.map(|at| day(*at)).unwrap_or_default())
}

/// A table of numbers; the first column names its rows.
fn table(
    caption: &str,
    heads: &[String],
    rows: impl Iterator<Item = (String, Vec<String>)>,
) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (at, head) in heads.iter().enumerate() {
                            @if at == 0 { th scope="col" { (head) } }
                            @else { th.number scope="col" { (head) } }
                        }
                    }
                }
                tbody {
                    @for (name, values) in rows {
                        tr {
                            th scope="row" { (name) }
                            @for value in values { td.number { (value) } }
                        }
                    }
                }
            }
        }
    }
}
