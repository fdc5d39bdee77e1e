//! Usage and who asks most as bodies; days as dates.

use admin_api_types as api;
use dnsbl_types::{Day, Usage};
use jiff::civil::Date;

use super::{BodyError, time};
use crate::top::{Top, TopEntry};

/// Writes a day.
pub(crate) fn write_day(day: Day) -> String {
    let text = time::write(day.begin());
    text.split('T').next().unwrap_or_default().to_owned()
}

/// Reads a day.
pub(crate) fn read_day(field: &str, text: &str) -> Result<Day, BodyError> {
    let date: Option<Date> = text.parse().ok().filter(|_| text.len() == "2030-01-31".len());
    let day = date.map(|date| date.duration_since(EPOCH).as_secs() / 86_400);
    let day = day.and_then(|day| u32::try_from(day).ok());
    let malformed =
        || BodyError::malformed(field, format!("{text:?} is not a date such as 2030-01-31"));
    day.map(Day).ok_or_else(malformed)
}

const EPOCH: Date = Date::constant(1970, 1, 1);

pub(crate) fn write_counts(usage: Usage) -> api::UsageCounts {
    let Usage { questions, listed, refused } = usage;
    api::UsageCounts { questions, listed, refused }
}

pub(crate) fn write_top(top: Top) -> api::Top {
    api::Top {
        day: write_day(top.day),
        sampled_one_in: top.sampled_one_in,
        lost: top.lost,
        entries: top.entries.into_iter().map(write_entry).collect(),
    }
}

fn write_entry(entry: TopEntry) -> api::TopEntry {
    api::TopEntry {
        client: entry.client,
        network: entry.network,
        subscriber: entry.subscriber,
        zone: entry.zone,
        denial: entry.denial.map(Into::into),
        questions: entry.questions,
        error: entry.error,
        listed: entry.listed,
        denied: entry.denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date() {
        for (day, text) in [(0, "1970-01-01"), (20_000, "2024-10-04"), (2_932_896, "9999-12-31")] {
            assert_eq!(write_day(Day(day)), text);
            assert_eq!(read_day("from", text), Ok(Day(day)));
        }
        for text in ["", "1969-12-31", "2024-13-01", "2024-1-1", "2024-10-04T00:00:00Z", "today"] {
            assert!(read_day("from", text).is_err(), "{text}");
        }
    }
}
