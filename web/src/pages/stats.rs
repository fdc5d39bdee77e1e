//! The list in numbers. Charts are drawn here; a table below each says the same.

use maud::{Markup, html};

use super::frame::{Frame, View};
use crate::{
    shown::{day, grouped},
    stats::{DayStats, Stats},
};

/// Zones that are told of.
const MAX_ZONES: usize = 60;
/// Pixels.
const BAR: u64 = 24;
const GAP: u64 = 34;
const HEIGHT: u64 = 120;
const LEFT: u64 = 8;
const BELOW: u64 = 24;

/// The page.
pub(crate) fn stats(view: View<'_>, stats: &Stats) -> Markup {
    let title = view.text("menu-stats");
    let main = html! {
        h1 { (title) }
        p { (view.text("stats-at")) " " (view.time(stats.at, stats.at)) }
        table {
            caption { (view.text("stats-zones")) }
            thead {
                tr {
                    th scope="col" { (view.text("zone")) }
                    th.number scope="col" { (view.text("stats-listings")) }
                    th.number scope="col" { (view.text("stats-exclusions")) }
                }
            }
            tbody {
                @for zone in stats.zones.iter().take(MAX_ZONES) {
                    tr {
                        th scope="row" { (zone.origin) }
                        td.number { (grouped(zone.listings)) }
                        td.number { (grouped(zone.exclusions)) }
                    }
                }
            }
        }
        h2 { (view.text("stats-changes")) }
        @if stats.days.is_empty() {
            p { (view.text("stats-no-changes")) }
        } @else {
            @if let Some(since) = stats.since {
                p { (view.text("stats-since")) " " (view.time(since, stats.at)) }
            }
            (chart(view, &stats.days))
            (table(view, &stats.days))
        }
        p.quiet { (view.text("stats-note")) }
    };
    Frame { view, place: "stats", title, is_private: false }.around(&main)
}

/// Two bars a day: what was added is filled, what was removed an outline.
fn chart(view: View<'_>, days: &[DayStats]) -> Markup {
    let most = days.iter().map(|day| day.added.max(day.removed)).max().unwrap_or(0).max(1);
    let width = LEFT + days.len() as u64 * (2 * BAR + GAP);
    // What is counted may be large, and what is drawn is small.
    let height = |count: u64| (u128::from(count) * u128::from(HEIGHT) / u128::from(most)) as u64;
    html! {
        svg viewBox={ "0 0 " (width) " " (HEIGHT + BELOW) } width=(width) height=(HEIGHT + BELOW)
            role="img" aria-label=(view.text("stats-chart")) {
            @for (at, bars) in days.iter().enumerate() {
                @let x = LEFT + at as u64 * (2 * BAR + GAP);
                @let (added, removed) = (height(bars.added), height(bars.removed));
                rect.added x=(x) y=(HEIGHT - added) width=(BAR) height=(added) {}
                rect.removed x=(x + BAR + 3) y=(HEIGHT - removed) width=(BAR - 3) height=(removed) {}
                text x=(x) y=(HEIGHT + BELOW - 6) { (day(bars.began).get(5..).unwrap_or_default()) }
            }
        }
    }
}

fn table(view: View<'_>, days: &[DayStats]) -> Markup {
    html! {
        table {
            caption { (view.text("stats-days")) }
            thead {
                tr {
                    th scope="col" { (view.text("stats-day")) }
                    th.number scope="col" { (view.text("stats-added")) }
                    th.number scope="col" { (view.text("stats-removed")) }
                }
            }
            tbody {
                @for counts in days {
                    tr {
                        th scope="row" { (day(counts.began)) }
                        td.number { (grouped(counts.added)) }
                        td.number { (grouped(counts.removed)) }
                    }
                }
            }
        }
    }
}
