//! Arguments that several commands share.

use anyhow::{Context, bail, ensure};
use clap::Args;

/// Pairs of a query string.
pub(crate) type Query = Vec<(&'static str, String)>;

/// Guards that are lifted.
#[derive(Args)]
pub(crate) struct Overrides {
    /// Guards to lift (needs the scope guards:override), separated by commas
    #[arg(
        long = "override",
        value_name = "GUARD",
        value_delimiter = ',',
        value_parser = ["special-use", "short-prefix", "public-suffix"]
    )]
    guards: Vec<String>,
}

impl Overrides {
    /// The pair of the query string, if any guard is lifted.
    pub(crate) fn query(&self) -> Option<(&'static str, String)> {
        (!self.guards.is_empty()).then(|| ("override", self.guards.join(",")))
    }
}

/// Reads a duration such as 90m, 36h or 7d, in seconds.
pub(crate) fn parse_duration(text: &str) -> anyhow::Result<u64> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => bail!("not a number with one of the units s, m, h, d, w, such as 36h"),
    };
    let count: u64 = number.parse().context("not a whole number and a unit, such as 36h")?;
    ensure!(count > 0, "it is over at once");
    count.checked_mul(unit).context("it is too long")
}

/// Reads a share of a whole, such as 0.5 or 50%.
pub(crate) fn parse_share(text: &str) -> anyhow::Result<f64> {
    let (number, whole) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share: f64 = number.trim().parse().context("not a share such as 0.5 or 50%")?;
    ensure!((0.0..=whole).contains(&share), "not from 0 to 1, or 0% to 100%; 0.5 and 50% are half");
    Ok(share / whole)
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_share};

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("90m").unwrap(), 5400);
        assert_eq!(parse_duration("36h").unwrap(), 129_600);
        assert_eq!(parse_duration("7d").unwrap(), 604_800);
        assert_eq!(parse_duration("2w").unwrap(), 1_209_600);
        assert_eq!(parse_duration("1s").unwrap(), 1);
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in [
            "",
            "7",
            "h",
            "0d",
            "-1h",
            "1.5h",
            "7D",
            "7 d",
            "1h30m",
            "7é",
            "99999999999999999999s",
            "18446744073709551615w",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_at_most_the_whole() {
        assert_eq!(parse_share("0.5").unwrap(), 0.5);
        assert_eq!(parse_share("1").unwrap(), 1.0);
        assert_eq!(parse_share("50%").unwrap(), 0.5);
        assert_eq!(parse_share("100%").unwrap(), 1.0);
        for text in ["50", "-0.1", "NaN", "half", "101%", "%", "-1%"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }
}
