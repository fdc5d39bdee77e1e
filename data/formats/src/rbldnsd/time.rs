//! Times in directives.

use dnsbl_types::UnixTime;

use super::bytes::number;

/// A number of seconds, or of another unit that is named behind it.
pub(super) fn seconds(text: &[u8]) -> Option<u32> {
    let (count, unit) = number(text, u32::MAX)?;
    let seconds = match unit {
        b"" | b"s" | b"S" => 1,
        b"m" | b"M" => 60,
        b"h" | b"H" => 3600,
        b"d" | b"D" => 86_400,
        b"w" | b"W" => 604_800,
        _ => return None,
    };
    count.checked_mul(seconds)
}

/// `yyyy-mm-dd-hh-mi-ss`, in UTC: all behind the day may be left out, and all separators, which are colons or
/// dashes. `Some(None)` is a time that is left open.
pub(super) fn timestamp(text: &[u8]) -> Option<Option<UnixTime>> {
    if matches!(text, b"0" | b"-" | b":") {
        return Some(None);
    }
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest, 2)?;
    let (day, mut rest) = digits(rest, 2)?;
    let mut of_day = [0; 3];
    for part in &mut of_day {
        if rest.is_empty() {
            break;
        }
        (*part, rest) = digits(rest, 2)?;
    }
    let [hour, minute, second] = of_day;
    let is_time = rest.is_empty() && hour < 24 && minute < 60 && second < 60;
    let days = days(year, month, day).filter(|_| is_time)?;
    let seconds = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
    Some(Some(UnixTime(days * 86_400 + seconds)))
}

/// A number of up to so many digits, and what stands behind it and a separator.
fn digits(text: &[u8], most: usize) -> Option<(u32, &[u8])> {
    let len = text.iter().take(most).take_while(|c| c.is_ascii_digit()).count();
    let (value, _) = number(&text[..len], 9999)?;
    let rest = &text[len..];
    Some((value, rest.strip_prefix(b"-").or(rest.strip_prefix(b":")).unwrap_or(rest)))
}

/// The days from 1970-01-01 to a date.
fn days(year: u32, month: u32, day: u32) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = lengths.get(..month.checked_sub(1)? as usize)?;
    let length = *lengths.get(before.len())?;
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let leaps = |year: u32| u64::from(year / 4 - year / 100 + year / 400);
    let years = u64::from(year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    Some(years + u64::from(before.iter().sum::<u32>() + day - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_unit() {
        for (text, expected) in [
            ("35m", Some(2100)),
            ("7", Some(7)),
            ("1W", Some(604_800)),
            ("0", Some(0)),
            ("1h30m", None),
            ("5x", None),
            ("", None),
            ("99999999999", None),
            ("99999w", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_timestamp_needs_no_separators() {
        let at = |text: &str| timestamp(text.as_bytes());
        let noon = Some(Some(UnixTime(1_767_268_800)));
        for text in
            ["2026-01-01-12", "2026:01:01:12:00", "20260101120000", "2026-1-1-12", "2026-01-01-12-"]
        {
            assert_eq!(at(text), noon, "{text}");
        }
        assert_eq!(at("1970-01-01"), Some(Some(UnixTime(0))));
        assert_eq!(at("2024-02-29"), Some(Some(UnixTime(1_709_164_800))));
        assert_eq!(at("2000-03-01-00:00:01"), Some(Some(UnixTime(951_868_801))));
        for text in ["0", "-", ":"] {
            assert_eq!(at(text), Some(None), "{text}");
        }
        for text in [
            "2026-13-01",
            "2026-02-29",
            "2026-01-00",
            "2026-01-01-24",
            "2026-01-01-12:60",
            "2026-01-01T12",
            "202601",
            "1969-12-31",
            "2026-01-01-12-00-00-00",
            "",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
