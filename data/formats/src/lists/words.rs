//! The words of a line.

/// The most of a text that an error shows, in characters.
const SHOWN: usize = 80;

/// The line without blanks around it; `None` where it is empty or a comment.
pub(super) fn content(line: &str) -> Option<&str> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with(['#', ';'])).then_some(line)
}

/// The text before a comment, which begins with a blank and `#` or `;`, or with `#` alone.
pub(super) fn uncommented(text: &str) -> &str {
    let begins = text.char_indices().find(|(at, c)| match c {
        '#' => true,
        ';' => text[..*at].ends_with([' ', '\t']),
        _ => false,
    });
    begins.map_or(text, |(at, _)| &text[..at]).trim()
}

/// As much of a text as an error shows.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
