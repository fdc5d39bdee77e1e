//! Points.

use std::{fmt, iter::Sum, str::FromStr};

/// A score in thousandths of a point, so that thresholds compare exactly. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(i32);

/// The error of a text that is no number of points: digits, at most three behind the dot, between -2,000,000 and 2,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a score is a number such as 2, -1 or 0.125")]
pub struct ScoreError;

impl Score {
    /// No points.
    pub const ZERO: Self = Self(0);
    /// One point.
    pub const ONE: Self = Self(1000);

    /// So many whole points; saturates.
    pub const fn points(points: i32) -> Self {
        Self(points.saturating_mul(1000))
    }

    /// So many thousandths of a point.
    pub const fn milli(milli: i32) -> Self {
        Self(milli)
    }

    /// The thousandths.
    pub const fn as_milli(self) -> i32 {
        self.0
    }

    /// The sum, at the end of the range where it lies beyond.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As many points below zero.
    pub(crate) const fn negative(self) -> Self {
        Self(self.0.saturating_abs().saturating_neg())
    }
}

impl Sum for Score {
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        scores.fold(Self::ZERO, Self::plus)
    }
}

impl FromStr for Score {
    type Err = ScoreError;

    fn from_str(text: &str) -> Result<Self, ScoreError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |text: &str| -> Option<i32> {
            let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let whole = number(whole).filter(|whole| *whole <= 2_000_000).ok_or(ScoreError)?;
        let scale = 10i32.pow(3u32.checked_sub(part.len() as u32).ok_or(ScoreError)?);
        let milli = whole * 1000 + number(part).ok_or(ScoreError)? * scale;
        Ok(Self(if negative { -milli } else { milli }))
    }
}

impl fmt::Display for Score {
    /// Without needless zeros: `2`, `-0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let part = format!("{part:03}");
        write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::Score;

    #[test]
    fn scores_read_as_they_are_written() {
        for text in ["0", "1", "-4", "0.5", "-0.125", "2000000", "3.01"] {
            assert_eq!(text.parse::<Score>().unwrap().to_string(), text);
        }
        assert_eq!("+1.50".parse(), Ok(Score::milli(1500)));
    }

    #[test]
    fn what_is_no_score_is_refused() {
        for text in
            ["", "-", ".", "1.", ".5", "1.2345", "--1", "1e3", "2000001", "+-1", "99999999999"]
        {
            assert!(text.parse::<Score>().is_err(), "{text}");
        }
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(Score::milli(i32::MAX).plus(Score::ONE), Score::milli(i32::MAX));
        assert_eq!(Score::milli(i32::MIN).negative(), Score::milli(-i32::MAX));
        assert_eq!(Score::points(i32::MIN), Score::milli(i32::MIN));
    }
}
