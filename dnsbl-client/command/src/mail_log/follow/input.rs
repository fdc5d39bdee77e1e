//! Lines from standard input, or whatever else comes once and in order.

use std::io::{self, Read};

use super::cut::Place;

/// How much is read at once, in octets.
const CHUNK: usize = 64 << 10;

/// Hands over the lines of all that comes at once, again and again until the input ends or `take` gives false.
/// What has no line end at the end of the input is no line.
///
/// # Errors
/// The input breaks.
pub(crate) fn lines_of_input(
    mut input: impl Read,
    mut take: impl FnMut(Vec<&[u8]>) -> bool,
) -> io::Result<()> {
    let (mut pending, mut is_within_line) = (Vec::new(), false);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        pending.extend_from_slice(&chunk[..read]);
        let (lines, next) = Place { offset: 0, is_within_line }.cut(&pending);
        if !lines.is_empty() && !take(lines.into_iter().map(|line| line.text).collect()) {
            return Ok(());
        }
        is_within_line = next.is_within_line;
        let taken = usize::try_from(next.offset).unwrap_or(pending.len());
        pending.drain(..taken);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::lines_of_input;

    /// Gives so many octets at once.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn lines_come_as_they_end_however_they_drip() {
        let long = "x".repeat(100 << 10);
        let text = format!("one\n{long}\ntwo\nthree\nrest");
        for step in [1, 7, 4096, 1 << 20] {
            let mut lines = Vec::new();
            let take = |some: Vec<&[u8]>| {
                lines.extend(
                    some.into_iter().map(|line| String::from_utf8_lossy(line).into_owned()),
                );
                true
            };
            lines_of_input(Dripping(text.as_bytes(), step), take).unwrap();
            assert_eq!(lines, ["one", "two", "three"], "{step}");
        }
    }

    #[test]
    fn it_ends_when_nobody_takes_them() {
        let mut count = 0;
        let take = |_: Vec<&[u8]>| {
            count += 1;
            false
        };
        lines_of_input(Dripping(b"one\ntwo\n", 1), take).unwrap();
        assert_eq!(count, 1);
    }
}
