//! Arguments that several commands share.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, ensure};
use clap::Args;
use jiff::{Span, SpanRelativeTo};

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

/// Reads a file, or standard input where it is called `-`; octets that are no UTF-8 can't be sent as they are.
pub(crate) fn read_text(file: &Path) -> anyhow::Result<String> {
    let mut octets = Vec::new();
    let read = match file == Path::new("-") {
        true => io::stdin().read_to_end(&mut octets).map(drop),
        false => fs::read(file).map(|whole| octets = whole),
    };
    read.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// Reads a duration of one unit, such as 90m, 36h, 7d or 30days, in seconds.
pub(crate) fn parse_duration(text: &str) -> anyhow::Result<u64> {
    const WHAT: &str =
        "not a whole number of one of the units s, m, h, d, w, such as 36h or 30days; or too long";
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    ensure!(number.bytes().all(|byte| byte.is_ascii_digit()), WHAT);
    let span: Span = text.parse().ok().context(WHAT)?;
    // Months and years have no fixed length.
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().context(WHAT)?;
    ensure!(duration.subsec_nanos() == 0, WHAT);
    let seconds = u64::try_from(duration.as_secs()).context(WHAT)?;
    ensure!(seconds > 0, "it is over at once");
    Ok(seconds)
}

/// Reads a share of a whole, as 0.5 or 50%.
pub(crate) fn parse_share(text: &str) -> anyhow::Result<f64> {
    const WHAT: &str = "not from 0 to 1, nor from 0% to 100%; 0.5 and 50% are half";
    let (number, of) = match text.strip_suffix('%') {
        Some(percent) => (percent, 100.0),
        None => (text, 1.0),
    };
    let share: f64 = number.parse().ok().context(WHAT)?;
    ensure!((0.0..=of).contains(&share), WHAT);
    Ok(share / of)
}

/// Reads a time (RFC 3339), or a date, which is its first second in UTC; as the API takes it.
pub(crate) fn parse_time(text: &str) -> anyhow::Result<String> {
    const WHAT: &str = "not a date such as 2030-01-31, nor a time such as 2030-01-31T12:00:00Z";
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == "2030-01-31".len()
    {
        return Ok(format!("{date}T00:00:00Z"));
    }
    text.parse::<jiff::Timestamp>().ok().context(WHAT)?;
    Ok(text.to_owned())
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
        assert_eq!(parse_duration("30days").unwrap(), 2_592_000);
        assert_eq!(parse_duration("1week").unwrap(), 604_800);
        assert_eq!(parse_duration("90min").unwrap(), 5400);
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
            "7months",
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
        assert_eq!(parse_share("100%").unwrap(), 1.0);
        assert_eq!(parse_share("20%").unwrap(), 0.2);
        for text in ["50", "-0.1", "NaN", "half", "101%", "%", "-1%"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }
}
