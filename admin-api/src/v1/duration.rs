//! Lengths of time as a whole number and a unit: `90s`, `30m`, `72h`, `30d`.

use super::BodyError;

const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Reads a length of time, in seconds.
pub(crate) fn read(field: &str, text: &str) -> Result<u32, BodyError> {
    let wrong = || {
        let hint = "is not a number with s, m, h or d behind it, such as 72h";
        BodyError::malformed(field, format!("{text:?} {hint}"))
    };
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let unit = UNITS.into_iter().find(|(letter, _)| unit.chars().eq([*letter]));
    let (_, seconds) = unit.ok_or_else(wrong)?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    let number: Option<u32> = number.parse().ok().filter(|_| is_number);
    number.and_then(|number| number.checked_mul(seconds)).ok_or_else(wrong)
}

/// Writes a length of time in the largest unit of which it is a whole number; days only where there are three and more.
pub(crate) fn write(seconds: u32) -> String {
    let fits = |(letter, unit): &(char, u32)| {
        let is_few = *letter == 'd' && seconds / unit < 3;
        seconds.is_multiple_of(*unit) && seconds >= *unit && !is_few
    };
    let (letter, unit) = UNITS.into_iter().find(fits).unwrap_or(('s', 1));
    format!("{}{letter}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_whole_number_and_one_unit() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("30m", 1800), ("72h", 259_200), ("30d", 2_592_000)]
        {
            assert_eq!(read("x", text), Ok(seconds), "{text}");
        }
        for text in ["", "s", "1", "-1s", "+1s", "1.5h", "1 h", "1w", "1H", "99999d", "1時"] {
            assert!(read("x", text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for (seconds, text) in [
            (0, "0s"),
            (90, "90s"),
            (1800, "30m"),
            (86_400, "24h"),
            (172_800, "48h"),
            (259_200, "3d"),
            (2_592_000, "30d"),
        ] {
            assert_eq!(write(seconds), text);
            assert_eq!(read("x", text), Ok(seconds));
        }
    }
}
