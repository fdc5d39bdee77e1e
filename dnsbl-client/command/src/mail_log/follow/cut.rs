//! Where lines end in what was read of a log.

/// The longest line that is looked at, in octets; of a longer one nothing is.
pub(super) const MAX_LINE: usize = 8 << 10;

/// A place in a log: where to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Octets from the start.
    pub(super) offset: u64,
    /// Whether the line at this place began before it and is passed over.
    pub(super) is_within_line: bool,
}

/// A line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Where it begins, in octets from the start of the log.
    pub(super) offset: u64,
    /// Its octets.
    pub(super) text: &'a [u8],
}

impl Place {
    /// The lines that end in what was read from here on, and the place behind them. What has no end yet is
    /// to be read again, unless it is too long already.
    pub(super) fn cut(self, read: &[u8]) -> (Vec<Line<'_>>, Self) {
        let mut lines = Vec::new();
        let mut place = self;
        for piece in read.split_inclusive(|octet| *octet == b'\n') {
            let offset = place.offset;
            let behind = offset + piece.len() as u64;
            let Some(text) = piece.strip_suffix(b"\n") else {
                if place.is_within_line || piece.len() > MAX_LINE {
                    place = Self { offset: behind, is_within_line: true };
                }
                break;
            };
            if !place.is_within_line && text.len() <= MAX_LINE {
                lines.push(Line { offset, text });
            }
            place = Self { offset: behind, is_within_line: false };
        }
        (lines, place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_LINE, Place};

    fn cut(text: &[u8]) -> (Vec<&[u8]>, Place) {
        cut_at(Place::default(), text)
    }

    fn cut_at(place: Place, text: &[u8]) -> (Vec<&[u8]>, Place) {
        let (lines, place) = place.cut(text);
        (lines.into_iter().map(|line| line.text).collect(), place)
    }

    fn place(offset: usize, is_within_line: bool) -> Place {
        Place { offset: offset as u64, is_within_line }
    }

    #[test]
    fn a_line_without_end_is_read_again() {
        assert_eq!(cut(b"one\ntwo\nthr"), (vec![&b"one"[..], b"two"], place(8, false)));
        assert_eq!(cut(b"one"), (vec![], place(0, false)));
        assert_eq!(cut(b""), (vec![], place(0, false)));
        assert_eq!(cut(b"\n\xff\n"), (vec![&b""[..], b"\xff"], place(3, false)));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_to_its_end() {
        let long = vec![b'x'; MAX_LINE + 1];
        let (lines, within) = cut(&long);
        assert_eq!((lines, within), (vec![], place(long.len(), true)));
        assert_eq!(cut_at(within, b"dovecot: x"), (vec![], place(long.len() + 10, true)));
        assert_eq!(
            cut_at(within, b"rest\nnext\n"),
            (vec![&b"next"[..]], place(long.len() + 10, false))
        );
        let whole = [&long[..], b"\nnext\n"].concat();
        assert_eq!(cut(&whole), (vec![&b"next"[..]], place(whole.len(), false)));
        let longest = [&long[1..], b"\n"].concat();
        assert_eq!(cut(&longest).0, vec![&long[1..]]);
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_how_a_log_is_read(
            lines in prop::collection::vec("[a-z]{0,30}", 0..20),
            step in 1_usize..50,
        ) {
            let log = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
            let (mut place, mut seen, mut end) = (Place::default(), Vec::new(), 0);
            while end < log.len() {
                end = log.len().min(end + step);
                let (cut, next) = place.cut(&log[place.offset as usize..end]);
                for line in cut {
                    prop_assert!(log[line.offset as usize..].starts_with(line.text));
                    seen.push(line.text.to_vec());
                }
                place = next;
            }
            let expected: Vec<Vec<u8>> = lines.iter().map(|line| line.clone().into_bytes()).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
