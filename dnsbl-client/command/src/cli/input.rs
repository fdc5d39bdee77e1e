//! Subjects from standard input, one a line.

use std::{
    io::{self, BufRead, Read},
    thread,
};

use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use super::subject::Subject;

/// The longest line, in octets: longer than any name or address.
const MAX_LINE: u64 = 1024;
/// How many subjects wait to be looked up.
const WAITING: usize = 1024;

/// A subject, or a complaint about a line that holds none.
pub(super) type Line = Result<Subject, String>;

/// The subjects on standard input. Empty lines and those beginning with `#` are skipped, and what follows
/// a blank is ignored.
///
/// A thread reads, since nothing can interrupt it; it ends with the input or when nobody listens.
pub(super) fn subjects() -> impl Stream<Item = Line> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut number = 0;
        while let Some(line) = next_line(&mut input) {
            number += 1;
            let line = line.and_then(|line| parse(&line));
            let Some(line) = line.map_err(|why| format!("line {number}: {why}")).transpose() else {
                continue;
            };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|line| (line, receiver))
    })
}

/// The next line without its end; `None` at the end of the input or where it breaks.
fn next_line(input: &mut impl BufRead) -> Option<Result<String, String>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
    if read == 0 {
        return None;
    }
    if line.last() != Some(&b'\n') && read as u64 == MAX_LINE {
        input.skip_until(b'\n').ok()?;
        return Some(Err(format!("longer than {MAX_LINE} octets")));
    }
    Some(String::from_utf8(line).map_err(|_| "no UTF-8".to_owned()))
}

fn parse(line: &str) -> Result<Option<Subject>, String> {
    match line.trim_start_matches('\u{feff}').split_whitespace().next() {
        None => Ok(None),
        Some(word) if word.starts_with('#') => Ok(None),
        Some(word) => word.parse::<Subject>().map(Some).map_err(|err| err.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LINE, next_line, parse};

    #[test]
    fn a_long_line_is_skipped_and_the_next_is_read() {
        let long = "x".repeat(3000);
        let text = format!("192.0.2.1\n{long}\n192.0.2.2");
        let mut input = text.as_bytes();
        assert_eq!(next_line(&mut input), Some(Ok("192.0.2.1\n".into())));
        assert_eq!(next_line(&mut input), Some(Err(format!("longer than {MAX_LINE} octets"))));
        assert_eq!(next_line(&mut input), Some(Ok("192.0.2.2".into())));
        assert_eq!(next_line(&mut input), None);
    }

    #[test]
    fn comments_and_what_follows_a_blank_are_ignored() {
        for (line, expected) in [
            ("", None),
            ("# 192.0.2.1", None),
            ("  192.0.2.1 # why\r\n", Some("192.0.2.1")),
            ("\u{feff}spam.example.net\tseen", Some("spam.example.net")),
        ] {
            let subject = parse(line).unwrap().map(|subject| subject.to_string());
            assert_eq!(subject.as_deref(), expected, "{line:?}");
        }
        assert!(parse("192.0.2.300").is_err());
    }
}
