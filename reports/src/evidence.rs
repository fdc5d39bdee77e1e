//! Texts of reporters: cut to a limit, without what a terminal obeys, and without recipients.

use std::fmt::Write as _;

/// Header fields that name recipients.
const RECIPIENTS: [&str; 18] = [
    "to",
    "cc",
    "bcc",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "apparently-to",
    "delivered-to",
    "envelope-to",
    "final-recipient",
    "original-recipient",
    "original-rcpt-to",
    "rcpt-to",
    "x-delivered-to",
    "x-envelope-to",
    "x-original-to",
    "x-rcpt-to",
    "x-failed-recipients",
];

/// What stands where a recipient stood.
const REMOVED: &str = "(removed)";

/// What a reporter says of what it has seen, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// The longest, in bytes; what is longer is cut.
    pub const MAX: usize = 1024;

    /// The comment; `None` where there is nothing in it.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(cut(escape(text, false), Self::MAX)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

/// What a reporter has seen: header fields of a message, or lines of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence(String);

impl Evidence {
    /// The longest, in bytes; what is longer is cut.
    pub const MAX: usize = 16 << 10;

    /// The evidence; `None` where there is nothing in it. Recipients' addresses in header fields go.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim_matches(['\n', ' ', '\t']);
        (!text.is_empty()).then(|| Self(cut(escape(&without_recipients(text), true), Self::MAX)))
    }

    /// The evidence of a message: its header.
    pub fn of_message(message: &str) -> Option<Self> {
        let message = message.replace("\r\n", "\n");
        let head = message.trim_start_matches('\n').split("\n\n").next().unwrap_or_default();
        Self::new(head)
    }

    /// The text, of several lines.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

/// Control characters, and what turns the direction of writing, are written as `\u{1b}`.
fn escape(text: &str, keeps_lines: bool) -> String {
    let clean = relay_tester::text::clean(text);
    let mut escaped = String::with_capacity(text.len());
    // One character stands there for each.
    for (c, clean) in text.chars().zip(clean.chars()) {
        match c {
            '\n' | '\t' if keeps_lines => escaped.push(c),
            '\n' | '\t' => escaped.push(' '),
            '\r' if !keeps_lines => {}
            c if c == clean => escaped.push(c),
            c => escaped.extend(c.escape_unicode()),
        }
    }
    escaped
}

/// At most so many bytes, with a word on what is missing.
fn cut(mut text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let whole = text.len();
    // Room for the word.
    text.truncate(text.floor_char_boundary(most.saturating_sub(32)));
    let missing = whole - text.len();
    let _ = write!(text, " … ({missing} bytes more)");
    text
}

/// The lines of a header without recipients: fields that name some, and `for` in traces.
fn without_recipients(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut is_removed, mut is_trace) = (false, false);
    for line in text.split('\n') {
        let is_folded = line.starts_with([' ', '\t']);
        if is_folded && is_removed {
            continue;
        }
        if !is_folded {
            let name = line.split_once(':').map_or("", |(name, _)| name.trim_end());
            is_removed = RECIPIENTS.iter().any(|field| name.eq_ignore_ascii_case(field));
            is_trace = name.eq_ignore_ascii_case("received");
            if is_removed {
                let _ = writeln!(kept, "{name}: {REMOVED}");
                continue;
            }
        }
        if is_trace {
            kept.push_str(&without_for(line))
        } else {
            kept.push_str(line)
        }
        kept.push('\n');
    }
    kept.truncate(kept.trim_end_matches('\n').len());
    kept
}

/// A line of a trace without its recipient (RFC 5321 section 4.4).
fn without_for(line: &str) -> String {
    let words = line.split(' ');
    let (mut kept, mut follows_for): (Vec<&str>, bool) = (Vec::new(), false);
    for word in words {
        let is_recipient = follows_for && word.contains('@');
        kept.push(match (is_recipient, word.ends_with(';')) {
            (false, _) => word,
            (true, true) => "(removed);",
            (true, false) => REMOVED,
        });
        follows_for = word.trim_start_matches('\t').eq_ignore_ascii_case("for");
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_nothing_obeys_them() {
        let evidence = Evidence::new("Subject: \x1b[31mred\u{202e}\r\n\tfolded\rx\n").unwrap();
        assert_eq!(evidence.as_str(), "Subject: \\u{1b}[31mred\\u{202e}\n\tfolded\\u{d}x");
        assert_eq!(Comment::new("a\nb\tc\x07").unwrap().as_str(), "a b c\\u{7}");
        assert_eq!(Comment::new("日本語 é").unwrap().as_str(), "日本語 é");
        assert!(Comment::new(" \n").is_none() && Evidence::new("\r\n \n").is_none());
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_says_so() {
        for text in ["é".repeat(Evidence::MAX), "x".repeat(Evidence::MAX + 1)] {
            let cut = Evidence::new(&text).unwrap();
            assert!(cut.as_str().len() <= Evidence::MAX, "{}", cut.as_str().len());
            assert!(cut.as_str().ends_with("bytes more)"));
        }
        let whole = "x".repeat(Evidence::MAX);
        assert_eq!(Evidence::new(&whole).unwrap().as_str(), whole);
    }

    #[test]
    fn recipients_are_not_kept() {
        let head = "Received: from a by b\n\twith ESMTP id 1 for <taro@example.jp>; Mon\n\
            to: taro@example.jp,\n jiro@example.jp\nFrom: spam@example.com\nX-Original-To: taro@example.jp\n\
            Subject: for a@b";
        let evidence = Evidence::new(head).unwrap();
        assert!(!evidence.as_str().contains("example.jp"), "{}", evidence.as_str());
        for kept in [
            "Received: from a by b",
            "for (removed) Mon",
            "From: spam@example.com",
            "Subject: for a@b",
        ] {
            let shown = evidence.as_str().replace("(removed);", "(removed)");
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    #[test]
    fn of_a_message_only_the_header_is_kept() {
        let evidence = Evidence::of_message("From: a\r\nSubject: b\r\n\r\nbody\r\n").unwrap();
        assert_eq!(evidence.as_str(), "From: a\nSubject: b");
    }
}
