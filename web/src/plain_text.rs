//! Texts that the operator writes: a head of `key: value` lines, an empty line, and plain text.
//!
//! Text stays text: there is no markup that could run, embed or break anything. An empty line ends a paragraph; lines
//! that all begin with `- ` are a list; a line by itself that begins with `# ` is a heading. Links are made of URLs and mail addresses that
//! stand between blanks.

use std::{fmt, fs, io, path::Path};

use crate::{Contact, Language, shown::Shown};

/// The largest file, in bytes. A page stays below 30 KB.
const MAX_BYTES: u64 = 12 << 10;
/// Files of a folder that are looked at.
pub(crate) const MAX_FILES: usize = 400;

/// A text of the operator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlainText {
    head: Vec<(String, String)>,
    pub(crate) title: Shown,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Heading(Shown),
    Paragraph(Vec<Line>),
    List(Vec<Line>),
}

/// A line, in pieces.
pub(crate) type Line = Vec<Piece>;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Shown),
    Link(Contact),
}

/// What is wrong with a file of the operator's.
#[derive(Debug)]
pub enum TextError {
    /// It can't be read.
    Read(io::Error),
    /// It is no regular file, or larger than 12 KiB.
    Size,
    /// It is not UTF-8.
    NotUtf8,
    /// A line of its head is none, by its number.
    Head(usize),
    /// There is no `title:` in its head.
    NoTitle,
    /// A time in its head is missing, or not such as `2026-11-30T10:00:00Z`.
    Time(&'static str),
    /// Its name is not such as `NAME.en.txt`.
    Name,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(err) => err.fmt(f),
            Self::Size => write!(f, "it is no file of at most {MAX_BYTES} bytes"),
            Self::NotUtf8 => f.write_str("it is not UTF-8"),
            Self::Head(line) => write!(f, "line {line} is not such as \"title: A title\""),
            Self::NoTitle => f.write_str("there is no title: before the first empty line"),
            Self::Time(key) => write!(f, "{key}: is not such as 2026-11-30T10:00:00Z"),
            Self::Name => f.write_str("its name is not such as a-name.en.txt"),
        }
    }
}

impl std::error::Error for TextError {}

impl PlainText {
    /// Reads a file. It may block.
    ///
    /// # Errors
    /// It can't be read, or is no such text.
    pub(crate) fn read(file: &Path) -> Result<Self, TextError> {
        let facts = fs::metadata(file).map_err(TextError::Read)?;
        if !facts.is_file() || facts.len() > MAX_BYTES {
            return Err(TextError::Size);
        }
        let bytes = fs::read(file).map_err(TextError::Read)?;
        Self::parse(&String::from_utf8(bytes).map_err(|_| TextError::NotUtf8)?)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// There is no head with a title.
    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().map(str::trim_end).enumerate();
        let mut head = Vec::new();
        for (at, line) in lines.by_ref() {
            if line.is_empty() {
                break;
            }
            let (key, value) = line.split_once(':').ok_or(TextError::Head(at + 1))?;
            head.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        let title = head.iter().find(|(key, value)| key == "title" && !value.is_empty());
        let title = Shown::new(&title.ok_or(TextError::NoTitle)?.1);
        let lines: Vec<&str> = lines.map(|(_, line)| line).collect();
        let blocks = lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty());
        Ok(Self { head, title, blocks: blocks.map(block).collect() })
    }

    /// A value of the head.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        let found = self.head.iter().find(|(own, value)| own == key && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The text as it is, for feeds.
    pub(crate) fn plain(&self) -> String {
        let parts = self.blocks.iter().map(|block| match block {
            Block::Heading(heading) => heading.to_string(),
            Block::Paragraph(lines) | Block::List(lines) => {
                lines.iter().map(|line| plain_line(line)).collect::<Vec<_>>().join("\n")
            }
        });
        parts.collect::<Vec<_>>().join("\n\n")
    }
}

/// The name and the language that stand in the name of a file, such as `imprint.en.txt`.
///
/// # Errors
/// There are none.
pub(crate) fn name_of(file: &Path) -> Result<(String, Language), TextError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(".txt").and_then(|stem| stem.rsplit_once('.'));
    let (name, language) = stem.ok_or(TextError::Name)?;
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let is_good = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
    let language = language.parse().ok().filter(|_| is_good);
    Ok((name.to_owned(), language.ok_or(TextError::Name)?))
}

fn block(lines: &[&str]) -> Block {
    if let [line] = lines
        && let Some(heading) = line.strip_prefix("# ")
    {
        return Block::Heading(Shown::new(heading));
    }
    let items: Option<Vec<&str>> = lines.iter().map(|line| line.strip_prefix("- ")).collect();
    match items {
        Some(items) => Block::List(items.into_iter().map(pieces).collect()),
        None => Block::Paragraph(lines.iter().copied().map(pieces).collect()),
    }
}

fn pieces(line: &str) -> Line {
    let mut pieces = Vec::new();
    let mut text = String::new();
    for word in line.split_inclusive([' ', '\u{3000}']) {
        let bare = word.trim_end_matches([' ', '\u{3000}', '.', ',', ';', ':', ')', '。', '、']);
        let (before, bare) = bare.split_at(bare.len() - bare.trim_start_matches('(').len());
        match bare.parse::<Contact>() {
            Ok(contact) => {
                text.push_str(before);
                if !text.is_empty() {
                    pieces.push(Piece::Text(Shown::whole(&std::mem::take(&mut text))));
                }
                pieces.push(Piece::Link(contact));
                text.push_str(&word[before.len() + bare.len()..]);
            }
            Err(_) => text.push_str(word),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(Shown::whole(&text)));
    }
    pieces
}

fn plain_line(line: &[Piece]) -> String {
    let texts = line.iter().map(|piece| match piece {
        Piece::Text(text) => text.to_string(),
        Piece::Link(contact) => contact.to_string(),
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Block, Piece, PlainText, TextError, name_of};
    use crate::Language;

    #[test]
    fn a_text_has_a_head_paragraphs_lists_headings_and_links() {
        let text = PlainText::parse(
            "Title: An imprint\nbegan: 2026-11-30T10:00:00Z\n\nExample Organisation\nExample Street 1\n\n\
             # Contact\n\n- by mail: abuse@example.org.\n- (https://example.org/contact)\n",
        )
        .unwrap();
        assert_eq!(text.title.as_str(), "An imprint");
        assert_eq!(text.value("began"), Some("2026-11-30T10:00:00Z"));
        let [Block::Paragraph(lines), Block::Heading(heading), Block::List(items)] =
            text.blocks.as_slice()
        else {
            panic!("{text:?}")
        };
        assert_eq!((lines.len(), heading.as_str(), items.len()), (2, "Contact", 2));
        assert!(matches!(items[0].as_slice(), [Piece::Text(_), Piece::Link(_), Piece::Text(_)]));
        let plain = text.plain();
        assert!(
            plain.contains("by mail: abuse@example.org.\n(https://example.org/contact)"),
            "{plain}"
        );
    }

    #[test]
    fn nothing_in_a_text_is_more_than_text() {
        let raw = "title: <b>\n\n<script>alert(1)</script> javascript:alert(1) \u{202e}x\n";
        let text = PlainText::parse(raw).unwrap();
        let [Block::Paragraph(lines)] = text.blocks.as_slice() else { panic!("{text:?}") };
        let [Piece::Text(line)] = lines[0].as_slice() else { panic!("{lines:?}") };
        assert_eq!(line.as_str(), "<script>alert(1)</script> javascript:alert(1) \\u{202e}x");
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        let wrong = |text: &str| PlainText::parse(text).unwrap_err().to_string();
        assert!(wrong("title: a\nb\n\nc").starts_with("line 2 "));
        assert!(wrong("").contains("title"));
        assert!(wrong("began: x\n\ntitle: a").contains("title"));
        let name = |name: &str| name_of(Path::new(name));
        assert_eq!(
            name("/a/slow-answers.ja.txt").unwrap(),
            ("slow-answers".into(), Language::Japanese)
        );
        for wrong in
            ["a.txt", "a.xx.txt", "A.en.txt", ".en.txt", "a.en", "a/../b.en.txt~", "é.en.txt"]
        {
            assert!(matches!(name(wrong), Err(TextError::Name)), "{wrong}");
        }
    }
}
