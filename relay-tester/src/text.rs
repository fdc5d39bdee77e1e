//! Texts of remote hosts and of strangers, made fit for logs, terminals and web pages.

/// The text without what a terminal obeys, what breaks a line or what turns the direction of writing:
/// such a character becomes U+FFFD. Line feeds and tabs go too; see [`clean_lines`].
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if is_command(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for a text of several lines: line feeds and tabs stay, CR LF becomes LF.
pub fn clean_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let is_layout = |c: char| matches!(c, '\n' | '\t');
    text.chars().map(|c| if is_command(c) && !is_layout(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, line and paragraph separators, what turns the direction of writing (UAX #9), and
/// what nobody sees.
fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_lines};

    /// Security review, L3 and the bidi row: what lettre and mail servers say went to the log raw.
    #[test]
    fn nothing_that_a_terminal_or_a_log_reader_obeys_gets_through() {
        let raw = "\x1b[31mRED\x1b[0m \r2026 INFO forged\u{7}\u{9b}2J\u{202e}txt\u{2028}x\u{2066}\u{feff}";
        let shown = clean(raw);
        assert_eq!(
            shown,
            "\u{fffd}[31mRED\u{fffd}[0m \u{fffd}2026 INFO forged\u{fffd}\u{fffd}2J\u{fffd}txt\u{fffd}x\u{fffd}\u{fffd}"
        );
        assert_eq!(clean("a\nb\tc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean_lines("a\r\nb\tc\rd"), "a\nb\tc\u{fffd}d");
        assert_eq!(clean("日本語 é ‘quoted’"), "日本語 é ‘quoted’");
    }
}
