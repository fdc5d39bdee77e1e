//! Texts of others, and times, made fit to be shown.

use std::fmt::{self, Write as _};

use dnsbl_types::UnixTime;
use jiff::Timestamp;

use crate::catalogue::Texts;

/// The most characters of a text of others that are shown.
const MAX_CHARS: usize = 300;

/// A text of others as it may be shown: what nobody sees, or what a terminal or a browser obeys, is written out
/// as `\u{202e}`. It is not escaped for HTML; templates do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown(String);

impl Shown {
    /// Makes a text fit to be shown, and cuts it where it is very long.
    pub(crate) fn new(text: &str) -> Self {
        Self::cut(text, MAX_CHARS)
    }

    /// Makes a text fit to be shown whose length is limited elsewhere.
    pub(crate) fn whole(text: &str) -> Self {
        Self::cut(text, usize::MAX)
    }

    /// Makes a text fit to be shown, and cuts it after so many characters.
    pub(crate) fn cut(text: &str, most: usize) -> Self {
        let mut shown = String::new();
        for (at, c) in text.chars().enumerate() {
            if at == most {
                shown.push('…');
                break;
            }
            if is_unseen(c) {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            } else {
                shown.push(c);
            }
        }
        Self(shown)
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, what turns the direction of writing (UAX #9), what has no width, separators of lines, and
/// what stands for nothing.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
                | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// A time as machines read it (RFC 3339).
pub(crate) fn rfc3339(at: UnixTime) -> String {
    timestamp(at).to_string()
}

/// A time as people read it, to the minute, in UTC.
pub(crate) fn minute(at: UnixTime) -> String {
    timestamp(at).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A day of UTC.
pub(crate) fn day(at: UnixTime) -> String {
    timestamp(at).strftime("%Y-%m-%d").to_string()
}

/// An hour of UTC.
pub(crate) fn hour(at: UnixTime) -> String {
    timestamp(at).strftime("%m-%d %H:00").to_string()
}

/// What is out of all bounds is the end of time.
fn timestamp(at: UnixTime) -> Timestamp {
    let seconds = i64::try_from(at.0).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// How long ago, or how soon, in one unit.
pub(crate) fn distance(texts: Texts<'_>, at: UnixTime, now: UnixTime) -> String {
    let seconds = at.0.abs_diff(now.0);
    if seconds < 60 {
        return texts.text("time-now");
    }
    let length = duration(texts, seconds);
    match at < now {
        true => texts.fill("time-ago", [("length", length.into())]),
        false => texts.fill("time-in", [("length", length.into())]),
    }
}

/// A length of time, rounded, in the largest unit of which there are at least two.
pub(crate) fn duration(texts: Texts<'_>, seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let count = |unit: u64| [("count", ((seconds + unit / 2) / unit).into())];
    match seconds {
        0..120 => texts.fill("time-seconds", count(1)),
        120..7200 => texts.fill("time-minutes", count(MINUTE)),
        7200..172_800 => texts.fill("time-hours", count(HOUR)),
        _ => texts.fill("time-days", count(DAY)),
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{Shown, distance, grouped, minute, rfc3339};
    use crate::{Language, catalogue::Catalogue};

    #[test]
    fn what_nobody_sees_is_written_out() {
        let shown = Shown::new("a\u{202e}b\u{1b}[31m\u{200b}\n日本語 é");
        assert_eq!(shown.as_str(), "a\\u{202e}b\\u{1b}[31m\\u{200b}\\u{a}日本語 é");
        let long = Shown::new(&"x".repeat(5000));
        assert_eq!(long.as_str().chars().count(), 301);
    }

    #[test]
    fn times_are_told_in_utc_and_from_now() {
        let at = UnixTime(1_000_000_000);
        assert_eq!(rfc3339(at), "2001-09-09T01:46:40Z");
        assert_eq!(minute(at), "2001-09-09 01:46 UTC");
        assert_eq!(rfc3339(UnixTime(u64::MAX)).get(..4), Some("9999"));
        let catalogue = Catalogue::load();
        let told = |language, seconds: u64| {
            distance(catalogue.texts(language), UnixTime(10_000_000), UnixTime(seconds))
        };
        assert_eq!(told(Language::English, 10_000_000 + 3 * 86_400), "3 days ago");
        assert_eq!(told(Language::English, 10_000_000 - 7200), "in 2 hours");
        assert_eq!(told(Language::English, 10_000_000 - 30 * 86_400 + 1), "in 30 days");
        assert_eq!(told(Language::Japanese, 10_000_000 + 3 * 86_400), "3 日前");
        assert_eq!(told(Language::Japanese, 10_000_000 - 180), "3 分後");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
