//! Times as logs write them, and when that was.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The length of `Nov 29 15:10:36`.
const TRADITIONAL: usize = 15;
/// The length of `2026-11-29 15:10:36`.
const PLAIN: usize = 19;

/// A time with as much as the line tells of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stamp {
    /// With an offset from UTC (RFC 3339).
    Exact(Timestamp),
    /// Of a zone that is not told.
    Local(DateTime),
    /// Nor is the year (RFC 3164 section 4.1.2).
    Yearless {
        /// From 1 to 12.
        month: i8,
        /// From 1 to 31.
        day: i8,
        /// The time of the day.
        time: Time,
    },
}

impl Stamp {
    /// Reads the time at the start of a line; gives it and what follows the blank behind it.
    pub(crate) fn leading(line: &str) -> Option<(Self, &str)> {
        traditional(line).or_else(|| plain(line)).or_else(|| exact(line))
    }

    /// When that was: of all that it may mean, what is nearest to now. `None`: there is no such time.
    pub(crate) fn resolve(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Exact(time) => Some(*time),
            Self::Local(local) => nearest(now, zone, [*local]),
            Self::Yearless { month, day, time } => {
                let year = zone.to_datetime(now).year();
                let dates =
                    (year - 1..=year + 1).filter_map(|year| Date::new(year, *month, *day).ok());
                nearest(now, zone, dates.map(|date| date.to_datetime(*time)))
            }
        }
    }
}

/// `Nov 29 15:10:36 `; a day below 10 has a blank or a zero before it.
fn traditional(line: &str) -> Option<(Stamp, &str)> {
    let (stamp, rest) = (line.get(..TRADITIONAL)?, line.get(TRADITIONAL..)?.strip_prefix(' ')?);
    let month = MONTHS.iter().position(|name| stamp.starts_with(name))?;
    let day = stamp.get(3..7)?.strip_prefix(' ')?.strip_suffix(' ')?;
    let day = number(day.strip_prefix(' ').unwrap_or(day))?;
    let time = time(stamp.get(7..)?)?;
    let month = i8::try_from(month).ok()? + 1;
    // A leap year has all days that there are.
    Date::new(2024, month, day).ok()?;
    Some((Stamp::Yearless { month, day, time }, rest))
}

/// `2026-11-29 15:10:36 `, with Exim's settings `2026-11-29 15:10:36.207 +0900 `.
fn plain(line: &str) -> Option<(Stamp, &str)> {
    let (stamp, rest) =
        (line.get(..PLAIN)?, without_fraction(line.get(PLAIN..)?).strip_prefix(' ')?);
    let (date, clock) = (stamp.get(..10)?, stamp.get(10..)?.strip_prefix(' ')?);
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, number(parts.next()?)?, number(parts.next()?)?);
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    let year = is_year.then(|| year.parse().ok())??;
    let date = Date::new(year, month, day).ok().filter(|_| parts.next().is_none())?;
    let local = date.to_datetime(time(clock)?);
    match leading_offset(rest) {
        Some((offset, rest)) => Some((Stamp::Exact(offset.to_timestamp(local).ok()?), rest)),
        None => Some((Stamp::Local(local), rest)),
    }
}

/// Drops `.207`.
fn without_fraction(text: &str) -> &str {
    match text.strip_prefix('.') {
        Some(digits) => digits.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => text,
    }
}

/// `+0900 `.
fn leading_offset(text: &str) -> Option<(Offset, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word.strip_prefix('+')?),
    };
    let (hours, minutes) = (number(digits.get(..2)?)?, number(digits.get(2..)?)?);
    let is_offset = digits.len() == 4 && hours < 24 && minutes < 60;
    let seconds = sign * (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    Some((is_offset.then(|| Offset::from_seconds(seconds).ok())??, rest))
}

/// A word of RFC 3339, also one whose offset lacks the colon or is not there at all.
fn exact(line: &str) -> Option<(Stamp, &str)> {
    let (word, rest) = line.split_once(' ')?;
    let is_like_one = word.len() <= 40 && word.as_bytes().get(10) == Some(&b'T');
    if !is_like_one {
        return None;
    }
    let stamp = match word.parse::<Timestamp>() {
        Ok(time) => Stamp::Exact(time),
        Err(_) => Stamp::Local(word.parse::<DateTime>().ok()?),
    };
    Some((stamp, rest))
}

/// `15:10:36`; a leap second counts as the one before.
fn time(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let time = Time::new(number(hour)?, number(minute)?, number(second)?.min(59), 0);
    time.ok().filter(|_| parts.next().is_none())
}

/// One or two digits.
fn number(text: &str) -> Option<i8> {
    let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Of the times that these may be, the nearest to now; an hour that a clock shows twice is two.
fn nearest(
    now: Timestamp,
    zone: &TimeZone,
    locals: impl IntoIterator<Item = DateTime>,
) -> Option<Timestamp> {
    let times = locals.into_iter().flat_map(|local| {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        [ambiguous.earlier(), ambiguous.later()]
    });
    times.flatten().min_by_key(|time| time.duration_since(now).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::Stamp;

    fn at(line: &str, now: &str, zone: &str) -> Option<String> {
        let (stamp, rest) = Stamp::leading(line)?;
        assert_eq!(rest, "rest");
        let zone = TimeZone::posix(zone).unwrap();
        stamp.resolve(now.parse().unwrap(), &zone).map(|time: Timestamp| time.to_string())
    }

    #[test]
    fn a_time_without_year_is_the_nearest_of_that_name() {
        let cases = [
            ("Nov 29 15:10:36", "2026-11-29T06:10:40Z", "JST-9", "2026-11-29T06:10:36Z"),
            ("Nov 29 15:10:36", "2026-11-29T15:10:40Z", "UTC0", "2026-11-29T15:10:36Z"),
            ("Dec 31 23:59:59", "2027-01-01T00:00:05Z", "UTC0", "2026-12-31T23:59:59Z"),
            ("Jan  1 00:00:01", "2026-12-31T23:59:59Z", "UTC0", "2027-01-01T00:00:01Z"),
            ("Jan 01 00:00:01", "2026-12-31T15:00:02Z", "JST-9", "2026-12-31T15:00:01Z"),
            ("Feb 29 12:00:00", "2028-02-29T12:00:01Z", "UTC0", "2028-02-29T12:00:00Z"),
            ("Feb 29 12:00:00", "2027-02-28T12:00:01Z", "UTC0", "2028-02-29T12:00:00Z"),
            ("Jun 30 23:59:60", "2026-06-30T23:59:59Z", "UTC0", "2026-06-30T23:59:59Z"),
        ];
        for (line, now, zone, expected) in cases {
            assert_eq!(at(&format!("{line} rest"), now, zone).as_deref(), Some(expected), "{line}");
        }
        // In two years there is no such day.
        assert_eq!(at("Feb 29 12:00:00 rest", "2026-02-28T12:00:00Z", "UTC0"), None);
    }

    #[test]
    fn an_hour_that_comes_twice_is_the_one_near_now() {
        let zone = "CET-1CEST,M3.5.0,M10.5.0/3";
        for (now, expected) in [
            ("2026-10-25T00:30:05Z", "2026-10-25T00:30:00Z"),
            ("2026-10-25T01:30:05Z", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(at("Oct 25 02:30:00 rest", now, zone).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_time_with_offset_is_exact_and_one_without_is_local() {
        let now = "2026-11-29T06:10:40Z";
        for text in [
            "2026-11-29T15:10:36+09:00",
            "2026-11-29T15:10:36+0900",
            "2026-11-29T06:10:36Z",
            "2026-11-29T15:10:36",
            "2026-11-29 15:10:36",
            "2026-11-29 15:10:36.207",
            "2026-11-29 06:10:36 +0000",
            "2026-11-29 01:40:36.5 -0430",
        ] {
            let found = at(&format!("{text} rest"), now, "JST-9");
            assert_eq!(found.as_deref(), Some("2026-11-29T06:10:36Z"), "{text}");
        }
        let exact = at("2026-11-29T15:10:36.207500+01:00 rest", now, "UTC0");
        assert_eq!(exact.as_deref(), Some("2026-11-29T14:10:36.2075Z"));
    }

    #[test]
    fn anything_else_is_no_time() {
        for line in [
            "",
            "Nov 29 15:10:36",
            "Nov 29 15:10:36rest",
            "Nov 31 15:10:36 rest",
            "nov 29 15:10:36 rest",
            "Nov 29 24:10:36 rest",
            "Nov 29 15:10: 6 rest",
            "Nov -9 15:10:36 rest",
            "Növ 29 15:10:36 rest",
            "2026-13-29 15:10:36 rest",
            "2026-11-29_15:10:36 rest",
            "2026-11-29T15:10 rest rest",
            "-026-11-29 15:10:36 rest",
        ] {
            let found = Stamp::leading(line).filter(|(_, rest)| *rest == "rest");
            assert_eq!(found, None, "{line}");
        }
    }
}
