//! Times as RFC 3339 in UTC.

use dnsbl_types::UnixTime;
use jiff::{SignedDuration, Timestamp, civil::DateTime};

use super::BodyError;

/// 9999-12-31T23:59:59Z, the last second that can be written.
const LAST: u64 = 253_402_300_799;

/// Writes a time.
///
/// Civil times reach further than timestamps, which stop two days before the end of the year 9999.
pub(crate) fn write(at: UnixTime) -> String {
    let second = SignedDuration::from_secs(at.0.min(LAST) as i64);
    EPOCH.checked_add(second).map_or_else(|_| at.0.to_string(), |civil| format!("{civil}Z"))
}

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Reads a time; fractions of a second are dropped.
pub(crate) fn read(field: &str, text: &str) -> Result<UnixTime, BodyError> {
    let parsed = text.parse().map(|at: Timestamp| at.as_second()).ok().or_else(|| last_days(text));
    let second = parsed.ok_or_else(|| {
        let hint = "is not a time such as 2030-01-31T12:00:00Z";
        BodyError::malformed(field, format!("{text:?} {hint}"))
    })?;
    Ok(UnixTime(u64::try_from(second).unwrap_or(0)))
}

/// Reads a time in UTC of the days that no timestamp reaches.
fn last_days(text: &str) -> Option<i64> {
    let civil: DateTime = text.strip_suffix(['Z', 'z'])?.parse().ok()?;
    Some(civil.duration_since(EPOCH).as_secs()).filter(|at| *at > Timestamp::MAX.as_second())
}

/// When something expires that says so in one of two ways.
pub(crate) fn expiry(
    expires_at: Option<&str>,
    expires_in: Option<u64>,
    now: UnixTime,
) -> Result<Option<UnixTime>, BodyError> {
    let at = match (expires_at, expires_in) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let detail = "expires_at and expires_in say the same: send one of them";
            return Err(BodyError::Malformed(detail.into()));
        }
        (Some(text), None) => read("expires_at", text)?,
        (None, Some(seconds)) => now.plus(seconds),
    };
    match at {
        at if at <= now => Err(BodyError::refused("it would have expired already")),
        at if at.0 > LAST => Err(BodyError::refused("it would expire after the year 9999")),
        at => Ok(Some(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    #[test]
    fn what_is_written_is_read_back() {
        let text = write(NOW);
        assert_eq!(text, "2023-11-14T22:13:20Z");
        assert_eq!(read("at", &text), Ok(NOW));
        assert_eq!(read("at", "2023-11-14T23:13:20.9+01:00"), Ok(NOW));
        assert!(read("at", "yesterday").is_err());
    }

    #[test]
    fn an_expiry_lies_ahead_and_is_said_once() {
        assert_eq!(expiry(None, Some(60), NOW), Ok(Some(NOW.plus(60))));
        assert!(matches!(expiry(None, Some(0), NOW), Err(BodyError::Refused(_))));
        assert!(matches!(expiry(None, Some(u64::MAX), NOW), Err(BodyError::Refused(_))));
        assert!(matches!(
            expiry(Some("1969-01-01T00:00:00Z"), None, NOW),
            Err(BodyError::Refused(_))
        ));
        assert!(matches!(
            expiry(Some("2030-01-01T00:00:00Z"), Some(1), NOW),
            Err(BodyError::Malformed(_))
        ));
    }

    /// Durability F19: from 9999-12-30T22:00:01Z on a time was written as a number and not read.
    #[test]
    fn the_last_days_of_the_year_9999_are_written_and_read() {
        for (second, text) in [
            (253_402_207_200, "9999-12-30T22:00:00Z"),
            (253_402_207_201, "9999-12-30T22:00:01Z"),
            (LAST, "9999-12-31T23:59:59Z"),
            (0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(write(UnixTime(second)), text);
            assert_eq!(read("at", text), Ok(UnixTime(second)));
        }
        assert_eq!(expiry(Some("9999-12-31T23:59:59Z"), None, NOW), Ok(Some(UnixTime(LAST))));
        for text in ["10000-01-01T00:00:00Z", "9999-12-31T23:59:59", "9999-13-31T00:00:00Z"] {
            assert!(read("at", text).is_err(), "{text}");
        }
    }
}
