//! Charts, drawn here as SVG. What they show stands in a table below each; lines and bars are told apart by shape, too.

use std::fmt::Write as _;

use maud::{Markup, html};

/// Pixels.
const WIDTH: u64 = 640;
const HEIGHT: u64 = 160;
const LEFT: u64 = 8;
const RIGHT: u64 = 24;
const TOP: u64 = 16;
const BELOW: u64 = 24;

/// Lines over time. `label` says what it is, `ends` stand below the first and the last place; lines are marked with
/// letters at their ends.
pub(super) fn lines(label: &str, ends: [String; 2], lines: &[Vec<Option<u64>>]) -> Markup {
    let most = lines.iter().flatten().flatten().copied().max().unwrap_or(0).max(1);
    let places = lines.iter().map(Vec::len).max().unwrap_or(0);
    let x = |at: usize| {
        let steps = (places.max(2) - 1) as u64;
        LEFT + at as u64 * (WIDTH - LEFT - RIGHT) / steps
    };
    let y = |value: u64| TOP + HEIGHT - scaled(value, most, HEIGHT);
    html! {
        (frame(label, ends, &html! {
            @for (number, line) in lines.iter().enumerate() {
                @let points: Vec<(u64, u64)> = line.iter().enumerate()
                    .filter_map(|(at, value)| Some((x(at), y((*value)?)))).collect();
                @if points.len() > 1 { polyline class={ "line d" (number) } points=(written(&points)) {} }
                @if let Some((x, y)) = points.last() {
                    circle.mark cx=(x) cy=(y) r="3" {}
                    text x=(x + 6) y=(y + 4) { (letter(number)) }
                }
            }
        }))
    }
}

/// Bars, so many side by side at each place: the first filled, the second an outline, the third a dashed outline.
pub(super) fn bars(label: &str, ends: [String; 2], places: &[Vec<u64>]) -> Markup {
    let most = places.iter().flatten().copied().max().unwrap_or(0).max(1);
    let step = ((WIDTH - LEFT - RIGHT) / (places.len() as u64).max(1)).min(72);
    let count = places.iter().map(Vec::len).max().unwrap_or(0);
    let width = (step * 4 / 5 / (count as u64).max(1)).max(2);
    html! {
        (frame(label, ends, &html! {
            @for number in 0..count {
                @let bars = outline(places, number, step, width, most);
                @if !bars.is_empty() { path class={ "bar b" (number) } d=(bars) {} }
            }
        }))
    }
}

/// One bar of each place, as one path.
fn outline(places: &[Vec<u64>], number: usize, step: u64, width: u64, most: u64) -> String {
    let foot = TOP + HEIGHT;
    let mut path = String::new();
    for (at, bars) in places.iter().enumerate() {
        let value = bars.get(number).copied().unwrap_or(0);
        if value > 0 {
            let x = LEFT + at as u64 * step + number as u64 * width;
            let top = foot - scaled(value, most, HEIGHT).max(1);
            let _ = write!(path, "M{x} {foot}V{top}h{}V{foot}z", width - 1);
        }
    }
    path
}

fn frame(label: &str, [first, last]: [String; 2], inside: &Markup) -> Markup {
    let below = TOP + HEIGHT + BELOW - 6;
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (TOP + HEIGHT + BELOW) } role="img" aria-label=(label) {
            path.axis d={ "M" (LEFT) " " (TOP + HEIGHT) "H" (WIDTH - RIGHT) } {}
            (inside)
            text x=(LEFT) y=(below) { (first) }
            text x=(WIDTH - RIGHT) y=(below) text-anchor="end" { (last) }
        }
    }
}

/// The letter of a line: A for the first.
pub(super) fn letter(number: usize) -> char {
    char::from(b'A' + (number % 26) as u8)
}

/// What is counted may be large, and what is drawn is small.
fn scaled(value: u64, most: u64, height: u64) -> u64 {
    (u128::from(value) * u128::from(height) / u128::from(most)) as u64
}

fn written(points: &[(u64, u64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    points.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{bars, lines};

    #[test]
    fn charts_are_drawn_of_anything() {
        for values in [vec![], vec![None], vec![Some(u64::MAX)], vec![Some(0), None, Some(5)]] {
            let drawn = lines("a", Default::default(), &[values.clone(), values]).into_string();
            assert!(drawn.starts_with("<svg") && !drawn.contains("\"-"), "{drawn}");
        }
        for places in [vec![], vec![vec![]], vec![vec![0, 0]], vec![vec![u64::MAX, 1, 0]; 60]] {
            bars("a", Default::default(), &places);
        }
    }
}
