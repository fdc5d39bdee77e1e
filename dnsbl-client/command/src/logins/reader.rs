//! The logins in a log, with the times that they have.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use super::parse::{Format, Login};
use crate::mail_log::{LineReader, LogLine};

/// A reader of lines; it remembers whether this log tells times.
#[derive(Debug)]
pub(super) struct Reader {
    format: Format,
    /// That of times without an offset.
    zone: TimeZone,
    /// How old a login may be.
    max_age: Duration,
    /// Whether logins count only if they tell that they were over TLS.
    is_tls_only: bool,
    /// Whether a line had a time.
    has_times: bool,
}

/// What a line comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A login, and when it was.
    Login(Login, Timestamp),
    /// A login that is too old, or of a time to come: the log is read late, or its clock is another.
    OutOfTime,
}

impl Reader {
    pub(super) fn new(
        format: Format,
        zone: TimeZone,
        max_age: Duration,
        is_tls_only: bool,
    ) -> Self {
        Self { format, zone, max_age, is_tls_only, has_times: false }
    }
}

impl LineReader for Reader {
    type Found = Reading;

    /// A new line without a time of its own is of now.
    fn read(&mut self, line: &[u8], is_new: bool, now: Timestamp) -> Option<Reading> {
        let line = str::from_utf8(line).ok().and_then(LogLine::parse)?;
        self.has_times |= line.written.is_some();
        let login = self.format.login(&line);
        let login = login.filter(|login| !self.is_tls_only || login.tls == Some(true));
        let login = login?;
        let at = match line.written {
            Some(stamp) => stamp.resolve(now, &self.zone)?,
            // Where all others tell the time, it is the rest of some other line.
            None if self.has_times => return None,
            None if is_new => now,
            None => return Some(Reading::OutOfTime),
        };
        let is_in_time = at.duration_since(now).unsigned_abs() <= self.max_age;
        Some(if is_in_time { Reading::Login(login, at.min(now)) } else { Reading::OutOfTime })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{Timestamp, tz::TimeZone};

    use super::{Format, LineReader as _, Reader, Reading};

    const LOGIN: &str =
        "dovecot: imap-login: Login: user=<taro>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25";
    const NOW: &str = "2026-11-29T06:10:36Z";

    fn reader() -> Reader {
        let zone = TimeZone::posix("JST-9").unwrap();
        Reader::new(Format::Auto, zone, Duration::from_secs(60), false)
    }

    fn read(reader: &mut Reader, line: &str, is_new: bool) -> Option<String> {
        let reading = reader.read(line.as_bytes(), is_new, NOW.parse().unwrap())?;
        Some(match reading {
            Reading::Login(_, at) => at.to_string(),
            Reading::OutOfTime => "out of time".into(),
        })
    }

    #[test]
    fn a_login_has_the_time_of_its_line_and_none_to_come() {
        for (time, at) in [
            ("Nov 29 15:10:36", NOW),
            ("Nov 29 15:09:36", "2026-11-29T06:09:36Z"),
            ("Nov 29 15:10:50", NOW),
            ("2026-11-29T06:10:06.5Z", "2026-11-29T06:10:06.5Z"),
        ] {
            for is_new in [false, true] {
                let line = format!("{time} mail {LOGIN}");
                assert_eq!(read(&mut reader(), &line, is_new).as_deref(), Some(at), "{time}");
            }
        }
    }

    #[test]
    fn an_old_login_and_one_of_another_zone_grant_nothing() {
        for time in [
            "Nov 29 15:09:35",
            "Nov 29 15:11:37",
            "Nov 29 06:10:36",
            "Nov 28 15:10:36",
            "2025-11-29T15:10:36+09:00",
            "2026-11-29T06:09:35.9Z",
        ] {
            let found = read(&mut reader(), &format!("{time} mail {LOGIN}"), true);
            assert_eq!(found.as_deref(), Some("out of time"), "{time}");
        }
    }

    #[test]
    fn without_a_time_only_what_is_written_meanwhile_counts() {
        assert_eq!(read(&mut reader(), LOGIN, true).as_deref(), Some(NOW));
        assert_eq!(read(&mut reader(), LOGIN, false).as_deref(), Some("out of time"));
    }

    #[test]
    fn a_line_without_a_time_among_others_that_have_one_is_none() {
        let mut reader = reader();
        assert_eq!(read(&mut reader, "Nov 29 15:10:36 mail postfix/qmgr[1]: x", true), None);
        assert_eq!(read(&mut reader, LOGIN, true), None);
    }

    #[test]
    fn where_tls_is_wanted_the_line_has_to_tell_of_it() {
        let mut reader = reader();
        reader.is_tls_only = true;
        assert_eq!(read(&mut reader, LOGIN, true), None);
        assert_eq!(read(&mut reader, &format!("{LOGIN}, secured"), true), None);
        assert_eq!(read(&mut reader, &format!("{LOGIN}, TLS"), true).as_deref(), Some(NOW));
    }

    #[test]
    fn a_line_that_is_no_utf_8_is_none() {
        let mut line = format!("{LOGIN}, method=").into_bytes();
        line.push(0xff);
        let now: Timestamp = NOW.parse().unwrap();
        assert_eq!(reader().read(&line, true, now), None);
    }
}
