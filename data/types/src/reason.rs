//! Reasons: the texts of TXT records.

use std::{fmt, str::FromStr};

/// The TXT of a listing: a template in which `$` is the subject that was asked for and `$$` a dollar.
///
/// 1 to 1,000 bytes of UTF-8 without control characters and at most 8 `$`, so that no answer grows
/// beyond what one DNS message holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(Box<str>);

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// It is empty.
    #[error("a reason is not empty; leave it out to use the zone's")]
    Empty,
    /// It is too long.
    #[error("a reason of {0} bytes is longer than {max}", max = Reason::MAX_LEN)]
    TooLong(usize),
    /// It holds a control character, which a terminal or a log might obey.
    #[error("a reason holds no control characters such as U+{0:04X}")]
    Control(u32),
    /// `$` stands in it too often.
    #[error("a reason holds '$' {0} times, more than {max}", max = Reason::MAX_SUBJECTS)]
    TooManySubjects(usize),
}

impl Reason {
    /// The longest template, in bytes.
    pub const MAX_LEN: usize = 1000;
    /// How often `$` may stand in a template.
    pub const MAX_SUBJECTS: usize = 8;
    /// The longest character-string of a TXT record, in bytes (RFC 1035 section 3.3.14).
    pub const MAX_STRING: usize = 255;

    /// The template as it was given.
    pub fn template(&self) -> &str {
        &self.0
    }

    /// What the template is made of.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        pieces(&self.0)
    }

    /// The text for one subject.
    pub fn render(&self, subject: &impl fmt::Display) -> String {
        let mut text = String::with_capacity(self.0.len() + 40);
        self.write(&mut text, subject).expect("a string takes any text");
        text
    }

    /// Writes the text for one subject.
    ///
    /// # Errors
    /// `out` fails.
    pub fn write(&self, out: &mut impl fmt::Write, subject: &impl fmt::Display) -> fmt::Result {
        self.pieces().try_for_each(|piece| match piece {
            Piece::Text(literal) => out.write_str(literal),
            Piece::Dollar => out.write_char('$'),
            Piece::Subject => write!(out, "{subject}"),
        })
    }

    /// What mail servers will not show of the text for such a subject.
    pub fn doubts(&self, subject: &impl fmt::Display) -> Vec<ReasonDoubt> {
        let text = self.render(subject);
        let long = (text.len() > Self::MAX_STRING)
            .then(|| ReasonDoubt::Long { len: text.len(), loses_url: loses_url(&text) });
        let foreign = text.chars().find(|c| !c.is_ascii()).map(ReasonDoubt::Foreign);
        long.into_iter().chain(foreign).collect()
    }

    /// Cuts a text into the character-strings of one TXT record, never inside a UTF-8 character.
    pub fn strings(text: &str) -> impl Iterator<Item = &str> {
        let mut rest = Some(text);
        std::iter::from_fn(move || {
            let text = rest?;
            let (head, tail) = text.split_at(text.floor_char_boundary(Self::MAX_STRING));
            rest = Some(tail).filter(|tail| !tail.is_empty());
            Some(head)
        })
    }
}

/// A part of a reason that is lost on its way to whoever was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReasonDoubt {
    /// It takes more than one character-string.
    #[error(
        "the reason takes {len} octets, and mail servers such as Postfix and Exim show only the first {max}{url}",
        max = Reason::MAX_STRING,
        url = lost(.loses_url)
    )]
    Long {
        /// Octets with the subject filled in.
        len: usize,
        /// Whether a URL ends behind the first string.
        loses_url: bool,
    },
    /// It is not ASCII.
    #[error(
        "the reason holds {0:?}: SMTP replies are ASCII, and mail servers send '?' or nothing for what is not"
    )]
    Foreign(char),
}

fn lost(url: &bool) -> &'static str {
    if *url { ": its URL is lost; put it first" } else { "" }
}

/// Whether a URL does not end within the first character-string.
fn loses_url(text: &str) -> bool {
    let urls = text.match_indices("://").map(|(at, _)| at);
    let end = |at: usize| text[at..].find(char::is_whitespace).map_or(text.len(), |len| at + len);
    urls.map(end).any(|end| end > Reason::MAX_STRING)
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        if text.is_empty() {
            return Err(ReasonError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(ReasonError::TooLong(text.len()));
        }
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            return Err(ReasonError::Control(c.into()));
        }
        let subjects = pieces(text).filter(|piece| *piece == Piece::Subject).count();
        if subjects > Self::MAX_SUBJECTS {
            return Err(ReasonError::TooManySubjects(subjects));
        }
        Ok(Self(text.into()))
    }
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as it stands there.
    Text(&'a str),
    /// A dollar.
    Dollar,
    /// The subject that was asked for.
    Subject,
}

fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let (piece, len) = match rest.find('$') {
            None if rest.is_empty() => return None,
            None => (Piece::Text(rest), rest.len()),
            Some(0) if rest.starts_with("$$") => (Piece::Dollar, 2),
            Some(0) => (Piece::Subject, 1),
            Some(at) => (Piece::Text(&rest[..at]), at),
        };
        rest = &rest[len..];
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::{Reason, ReasonDoubt, ReasonError};

    #[track_caller]
    fn renders(template: &str, expected: &str) {
        assert_eq!(template.parse::<Reason>().unwrap().render(&"192.0.2.1"), expected);
    }

    #[test]
    fn a_dollar_is_the_subject_and_two_are_a_dollar() {
        renders(
            "Open relay $, see https://bl.example.org/$",
            "Open relay 192.0.2.1, see https://bl.example.org/192.0.2.1",
        );
        renders("costs $$5", "costs $5");
        renders("$$$", "$192.0.2.1");
        renders("plain", "plain");
    }

    #[test]
    fn a_long_text_is_cut_into_strings_between_characters() {
        let text = format!("{}ä{}", "x".repeat(254), "y".repeat(300));
        let strings: Vec<&str> = Reason::strings(&text).collect();
        assert_eq!(strings.concat(), text);
        assert_eq!(strings.iter().map(|s| s.len()).collect::<Vec<_>>(), [254, 255, 47]);
        assert_eq!(Reason::strings("short").collect::<Vec<_>>(), ["short"]);
        assert_eq!(Reason::strings("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn what_could_harm_a_terminal_or_a_message_is_refused() {
        assert_eq!("".parse::<Reason>(), Err(ReasonError::Empty));
        assert_eq!("a\u{1b}[2J".parse::<Reason>(), Err(ReasonError::Control(0x1b)));
        assert_eq!("x".repeat(1001).parse::<Reason>(), Err(ReasonError::TooLong(1001)));
        assert_eq!("$ ".repeat(9).parse::<Reason>(), Err(ReasonError::TooManySubjects(9)));
    }

    /// Mail servers show the first character-string; newcomer D: SMTP replies are ASCII.
    #[test]
    fn what_mail_servers_do_not_show_is_told() {
        let doubts = |text: &str| text.parse::<Reason>().unwrap().doubts(&"192.0.2.1");
        assert_eq!(doubts("Open relay $, see https://bl.example.org/$"), []);
        let late = format!("{} https://bl.example.org/$", "x".repeat(240));
        assert_eq!(doubts(&late), [ReasonDoubt::Long { len: 273, loses_url: true }]);
        let early = format!("https://bl.example.org/$ {}", "x".repeat(240));
        assert_eq!(doubts(&early), [ReasonDoubt::Long { len: 273, loses_url: false }]);
        assert_eq!(doubts("オープンリレー $"), [ReasonDoubt::Foreign('オ')]);
        let text = doubts(&late)[0].to_string();
        assert!(text.contains("first 255: its URL is lost"), "{text}");
    }
}
