//! A stranger's text made fit for logs, terminals and replies.

/// The longest text, in characters.
const MAX_CHARS: usize = 1000;

/// The reason that the TXT records of a listing give, if they say anything.
pub(crate) fn reason(texts: &[Vec<u8>]) -> Option<String> {
    let lines = texts.iter().map(|text| clean(&String::from_utf8_lossy(text)));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| shorten(lines.join(" / ")))
}

/// The text on one line, without what a terminal or a log reader might obey.
pub(crate) fn clean(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || is_command(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Control characters, and those that break lines or turn the direction of writing.
fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn shorten(text: String) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text;
    }
    text.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_CHARS, is_command, reason};

    fn read(texts: &[&str]) -> Option<String> {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        reason(&texts)
    }

    #[test]
    fn several_texts_are_joined() {
        assert_eq!(read(&["spam", "open relay"]).unwrap(), "spam / open relay");
        assert_eq!(read(&["", "open relay", "\r\n"]).unwrap(), "open relay");
        assert_eq!(read(&["", " "]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn lines_and_escape_sequences_do_not_survive() {
        assert_eq!(
            read(&["see\r\n250 OK\0\x1b[31m red\x7f\u{9b}2J"]).unwrap(),
            "see 250 OK [31m red 2J"
        );
        assert_eq!(read(&["a\u{202e}b\u{2028}c"]).unwrap(), "a b c");
    }

    #[test]
    fn other_languages_do() {
        assert_eq!(read(&["第三者中継 é"]).unwrap(), "第三者中継 é");
        assert_eq!(reason(&[b"caf\xe9".to_vec()]).unwrap(), "caf\u{fffd}");
    }

    #[test]
    fn a_long_text_is_cut_and_shows_it() {
        let text = read(&["é".repeat(70_000).as_str()]).unwrap();
        assert_eq!(text.chars().count(), MAX_CHARS);
        assert!(text.ends_with("é…"));
        let fits = "x".repeat(MAX_CHARS);
        assert_eq!(read(&[&fits]).unwrap(), fits);
    }

    proptest! {
        #[test]
        fn no_text_gets_through_with_commands_or_beyond_the_limit(texts: Vec<Vec<u8>>) {
            if let Some(text) = reason(&texts) {
                prop_assert!(!text.chars().any(is_command));
                prop_assert!((1..=MAX_CHARS).contains(&text.chars().count()));
            }
        }
    }
}
